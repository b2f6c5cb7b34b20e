"""`rpc`, `logs` and `open`: one component asked, read and looked at."""

from __future__ import annotations

import shlex
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.cli.arguments import UsageError
from axon.cli.rpc import call_by_text, refused, show
from axon.cli.swarmoptions import TARGET_HELP, AddCommand, running, targets_of
from axon.cli.swarmview import write, write_json
from axon.rpc.amounts import Number, encode_json
from axon.rpc.errors import RpcError
from axon.swarm.lab import lifecycle, netnamespace
from axon.swarm.lab.backends import backend_of, called_from
from axon.swarm.lab.forkserver import ERRORS
from axon.swarm.lab.logtail import LogTail
from axon.swarm.lab.manifest import PASSPHRASE, ComponentKind, Manifest
from axon.swarm.lab.members import node_of, wallet_of
from axon.swarm.lab.verdict import Exit

CALL_LIMIT_S: Final = 900.0
"""How long an answer may take that a person waits for: as long as `axon rpc` waits."""

LOOK_AGAIN_S: Final = 0.2
LAST_LINES: Final = 40
MAX_LINES: Final = 100_000


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    calling = add(
        "rpc",
        _rpc,
        "call a node or a wallet",
        "Call a node or a wallet as axon rpc does, as in: axon swarm rpc n1 getblockhash 5. Exit "
        "code: 0, or the number of the error without its sign.",
    )
    calling.add_argument("name", metavar="NAME", help="n1, w1, ...")
    calling.add_argument("method", metavar="METHOD", help="help lists them")
    calling.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="behind -- if one has -")
    logs = add("logs", _logs, "the last lines that components have written, and what they add")
    logs.add_argument("target", metavar="TARGET", help=TARGET_HELP)
    logs.add_argument("-f", "--follow", action="store_true", help="go on until ctrl-C")
    logs.add_argument(
        "-n",
        "--lines",
        type=int,
        default=LAST_LINES,
        metavar="N",
        help=f"so many of the last lines of each (default {LAST_LINES})",
    )
    add(
        "open",
        _open,
        "a wallet as a full-screen program",
        "A wallet as a full-screen program, as axon wallet open shows it. With --json: where the "
        "wallet answers, and which files open it.",
    ).add_argument("wallet", metavar="WALLET", help="w1, ...")


def _rpc(options: Namespace, folder: Path) -> int:
    manifest = lifecycle.load(folder)
    item = running(manifest, options.name, ComponentKind.NODE, ComponentKind.WALLET)
    of_kind = node_of if item.is_node else wallet_of
    try:
        with of_kind(manifest, item.name).dial(CALL_LIMIT_S, Number) as client:
            result = call_by_text(client, options.method, options.arguments)
    except RpcError as error:
        return refused(error)
    if options.json:
        write_json(result)
    else:
        show(result)
    return Exit.PASS


def _logs(options: Namespace, folder: Path) -> int:
    if not 0 <= options.lines <= MAX_LINES:
        raise UsageError(f"0 to {MAX_LINES} lines can be shown, not {options.lines}")
    manifest = lifecycle.load(folder)
    names = targets_of(manifest, options.target).read(options.target)
    tails = {name: LogTail(_log_of(manifest, name)) for name in names}
    last = {name: tail.last(options.lines) for name, tail in tails.items()}
    if options.json and not options.follow:
        write_json(
            [
                {"name": name, "file": str(tails[name].path), "lines": lines}
                for name, lines in last.items()
            ]
        )
        return Exit.PASS
    for name, lines in last.items():
        _tell(name, lines, options, several=len(names) > 1)
    try:
        while options.follow:
            time.sleep(LOOK_AGAIN_S)
            for name, tail in tails.items():
                _tell(name, tail.more(), options, several=len(names) > 1)
    except KeyboardInterrupt:  # That is how one stops to follow.
        pass
    return Exit.PASS


def _log_of(manifest: Manifest, name: str) -> Path:
    match manifest.components[name].kind:
        case ComponentKind.NODE | ComponentKind.JOINER:
            return node_of(manifest, name).log
        case ComponentKind.WALLET | ComponentKind.COLD:
            return wallet_of(manifest, name).log
        case ComponentKind.MINER:
            return manifest.folder_of(name) / ERRORS


def _tell(name: str, lines: Sequence[str], options: Namespace, *, several: bool) -> None:
    for line in lines:
        if options.json:
            write(encode_json({"name": name, "line": line}))
        else:
            write(f"{name} | {line}" if several else line)


def _open(options: Namespace, folder: Path) -> int:
    manifest = lifecycle.load(folder)
    item = running(manifest, options.wallet, ComponentKind.WALLET)
    command = ["open", item.name, "-regtest", f"-datadir={manifest.folder_of(item.name)}"]
    if options.json:
        wallet = wallet_of(manifest, item.name)
        with wallet.dial(CALL_LIMIT_S) as client:
            url = f"http://{client.endpoint}"
        write_json(
            {
                "name": item.name,
                "datadir": str(wallet.folder),
                "url": url,
                "cookie": str(wallet.wallet_folder / ".cookie"),
                "passphrase_file": str(folder / PASSPHRASE),
                "command": shlex.join([*called_from(manifest, item), "axon", "wallet", *command]),
            }
        )
        return Exit.PASS
    from axon.cli.wallet import main as wallet_command

    namespace = backend_of(manifest).namespace(manifest, item)
    if namespace is not None:
        netnamespace.enter(namespace)
    return wallet_command(command)
