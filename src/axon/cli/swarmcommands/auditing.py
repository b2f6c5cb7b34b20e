"""`audit`: a network that somebody runs, judged by what its nodes say."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from axon.cli.arguments import UsageError, seconds
from axon.cli.auditsources import Answers, AskedNode, ask_nodes, check_name, find_node, read_saved
from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import write, write_json
from axon.errors import ConfigError
from axon.host.asmapfile import read_asmap
from axon.p2p.asmap import AsMap
from axon.primitives.network import NETWORKS
from axon.rpc.errors import RpcError
from axon.swarm.audit.auditreport import CHECKS, audit_network
from axon.swarm.audit.nodereading import BOOK_SIZE, CALLS, read_node
from axon.swarm.audit.places import Places
from axon.swarm.audit.sharedchecks import ToldUse
from axon.swarm.lab import lifecycle
from axon.swarm.lab.members import living

_LIMIT_S: Final = 30.0
"""For each answer."""

_MORE: Final = (
    "Look for a single point of failure in a network that somebody runs, by reading alone: nothing "
    "is harmed or changed. Nodes (bitcoind or axon) are asked by RPC, or their saved answers are "
    "read; without either, the nodes of the run are. To save answers, for each node, here n1: "
    "'mkdir n1; for c in getpeerinfo getnetworkinfo getblockchaininfo getindexinfo "
    "getaddednodeinfo getmininginfo; do bitcoin-cli $c > n1/$c.json; done' and "
    f"'bitcoin-cli getnodeaddresses {BOOK_SIZE} > n1/getnodeaddresses.json'. "
    "Exit code: 0 none found, 1 found, 2 undecided, 3 failed or called wrongly. docs/audit.md "
    "tells every check and the JSON."
)


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    audit = add("audit", _audit, "find what hangs on one thing in a network you run", _MORE)
    _add_sources(audit)
    audit.add_argument("--asmap", type=Path, metavar="FILE", help="an AS map as bitcoind takes it")
    audit.add_argument(
        "--lab", action="store_true", help="addresses of 127/8 stand for hosts of their own"
    )
    audit.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="CHECK",
        help=f"does not count, and is told as left out: {', '.join(CHECKS)}",
    )
    audit.add_argument(
        "--timeout",
        type=seconds,
        default=_LIMIT_S,
        metavar="S",
        help=f"for each answer (default {_LIMIT_S:g})",
    )


def _add_sources(audit: ArgumentParser) -> None:
    """Who is asked, and what a node cannot tell of itself."""
    audit.add_argument(
        "saved",
        nargs="*",
        type=Path,
        metavar="SAVED",
        help="answers in files: a folder of one node, a folder of such folders, or a JSON file "
        "(an object with an object for each node)",
    )
    audit.add_argument(
        "--node",
        action="append",
        default=[],
        metavar="NAME=WHERE",
        help="http://USER:PASSWORD@HOST:PORT, http://HOST:PORT with --cookie, a data directory or "
        "a bitcoin.conf",
    )
    audit.add_argument(
        "--cookie", action="append", default=[], metavar="NAME=FILE", help="the node's cookie file"
    )
    audit.add_argument(
        "--chain",
        choices=tuple(NETWORKS),
        default="",
        help="of data directories whose bitcoin.conf names none (default main)",
    )
    audit.add_argument(
        "--wallet",
        action="append",
        default=[],
        metavar="NAME=NODE,NODE",
        help="a wallet, and the only nodes that it asks",
    )
    audit.add_argument(
        "--miner",
        action="append",
        default=[],
        metavar="NODE",
        help="a node from which miners get their block templates",
    )


def _audit(options: Namespace, folder: Path) -> int:
    asked = _asked(options)
    of_run = not asked and not options.saved
    told = ToldUse(
        {name: tuple(text.split(",")) for name, text in _pairs("wallet", options.wallet).items()},
        tuple(options.miner),
    )
    places = Places(options.lab or of_run, _asmap(options.asmap))
    answers: dict[str, Answers] = {}
    for path in options.saved:
        _add(answers, read_saved(path))
    _add(answers, _ask_run(folder) if of_run else ask_nodes(asked, options.timeout))
    nodes = [read_node(name, said) for name, said in answers.items()]
    left_out = [*options.leave_out, *(["version"] if of_run else [])]  # It is one installation.
    report = audit_network(nodes, places, told, left_out)
    if options.json:
        write_json(report.to_json())
    else:
        for line in report.lines():
            write(line)
    return report.exit_code


def _asked(options: Namespace) -> list[AskedNode]:
    cookies = _pairs("cookie", options.cookie)
    nodes = _pairs("node", options.node)
    stray = next((name for name in cookies if name not in nodes), None)
    if stray is not None:
        raise UsageError(f"--cookie {stray}=...: there is no --node {stray}=...")
    paths = {name: Path(cookies[name]) if name in cookies else None for name in nodes}
    return [
        find_node(name, where, paths[name], options.chain, options.home)
        for name, where in nodes.items()
    ]


def _ask_run(folder: Path) -> dict[str, Answers]:
    """Ask the nodes of a run, also those in a network namespace of their own."""
    nodes = living(lifecycle.load(folder))
    if not nodes:
        raise ConfigError("no node of the run answers; axon swarm restart all")
    answers: dict[str, Answers] = {}
    for node in nodes:
        said = {}
        with node.connected():
            for call, params in CALLS.items():
                with suppress(RpcError):  # An older program lacks it; what must be there is told.
                    said[call] = node.rpc(call, *params)
        answers[node.name] = said
    return answers


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE`s; the value is not shown, for it may hold a password."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise UsageError(f"--{option} takes NAME=..., see axon swarm audit --help")
        if check_name(name) in found:
            raise UsageError(f"--{option} {name}=... is given twice")
        found[name] = value
    return found


def _add(answers: dict[str, Answers], more: dict[str, Answers]) -> None:
    twice = next((name for name in more if name in answers), None)
    if twice is not None:
        raise ConfigError(f"there are two nodes {twice!r}; give each a name of its own")
    answers |= more


def _asmap(path: Path | None) -> AsMap | None:
    if path is None:
        return None
    try:
        return read_asmap(path)
    except ConfigError as error:
        why = "" if error.__cause__ is None else f": {error.__cause__}"
        raise ConfigError(f"--asmap: {error}{why}") from error
