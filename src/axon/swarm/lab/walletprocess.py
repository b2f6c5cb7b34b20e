"""Real wallets as processes of this machine, made and run by `axon wallet` and asked by its RPC.

A wallet chooses its own port and tells it in `rpc.json`; one that was killed leaves that file
behind, so only the file of the process that runs now is believed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from axon.drivers.aio.privatefiles import make_folder
from axon.rpc.client import Connect, RpcClient, Unauthorized, Unreachable
from axon.swarm.lab.axonprocess import AXON, CHILD_CALL_LIMIT_S, AxonProcess, links_of
from axon.swarm.lab.nodeprocess import NodeProcess, NodeView, ProcessState
from axon.swarm.lab.processes import START_LIMIT_S, NodeFailed, wait_until
from axon.swarm.lab.processidentity import ProcessIdentity

PASSPHRASE: Final = "of a wallet for tests"
"""Of every wallet made here; what it protects is worth nothing."""

_CHAIN: Final = "regtest"


class WalletProcess(AxonProcess):
    """One wallet on regtest.

    Args:
        name: of the wallet: letters, digits and `. _ -`.
        folder: its data directory; made if it is missing. Wallets in one folder share headers.
        command: how `axon` is started.
        identity: of its process, if it is no child of this program.
        timeout_s: how long an answer may take.
        connect: how connections to it are opened; None as usual.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        command: Sequence[str] = AXON,
        *,
        identity: ProcessIdentity | None = None,
        timeout_s: float = CHILD_CALL_LIMIT_S,
        connect: Connect | None = None,
    ) -> None:
        super().__init__(
            name, folder, command, identity=identity, timeout_s=timeout_s, connect=connect
        )

    @property
    def wallet_folder(self) -> Path:
        """Where its files are, below the data directory."""
        return self.folder / _CHAIN / "wallets" / self.name

    @property
    def log(self) -> Path:
        """What it writes down as it goes."""
        return self.wallet_folder / "debug.log"

    def create(self) -> str:
        """Make it; the words that restore it."""
        return str(self._run("create", "--no-confirm", said=PASSPHRASE)["words"])

    def restore(self, words: str) -> None:
        """Make it anew from its words."""
        self._run("restore", said=f"{words}\n{PASSPHRASE}")

    def arguments(self, extra: Iterable[str] = ()) -> list[str]:
        """The command line."""
        return [*self._call("serve"), *extra]

    def _call(self, what: str) -> list[str]:
        return [
            *self._command,
            "wallet",
            what,
            self.name,
            f"-chain={_CHAIN}",
            f"-datadir={self.folder}",
        ]

    def _run(self, what: str, *options: str, said: str) -> Any:
        """Run one command to its end, with secrets on its standard input; its JSON."""
        make_folder(self.folder)
        done = subprocess.run(
            [*self._call(what), "--json", "--passphrase-stdin", *options],
            input=f"{said}\n",
            capture_output=True,
            text=True,
            timeout=START_LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise NodeFailed(f"axon wallet {what} {self.name}: {done.stderr.strip()[-2000:]}")
        return json.loads(done.stdout)

    def dial(self, timeout_s: float, numbers: Callable[[str], object] = Decimal) -> RpcClient:
        """A connection of its own to its RPC."""
        try:
            told = json.loads((self.wallet_folder / "rpc.json").read_bytes())
        except FileNotFoundError:
            raise Unreachable(f"{self.name} has not said yet where it answers") from None
        if self.identity is None or told["pid"] != self.identity.pid or not self.is_running:
            raise Unreachable(f"{self.name} was killed the last time, and does not answer yet")
        return RpcClient(
            f"http://127.0.0.1:{told['port']}",
            cookie=self.wallet_folder / ".cookie",
            timeout_s=timeout_s,
            numbers=numbers,
            connect=self._connect,
        )

    def _has_started(self) -> bool:
        self.rpc("uptime")
        return True

    def connect(self, node: NodeProcess) -> None:
        """Dial a node once, unless there is a connection, and wait for the handshake."""
        if not self.is_linked_to(node):
            self.rpc("addnode", str(node.door), "onetry")
        self.wait_linked(node)

    def keep(self, node: NodeProcess) -> None:
        """Tell it of a node to which it is to stay connected."""
        self.rpc("addnode", str(node.door), "add")

    def wait_linked(self, node: NodeProcess) -> None:
        """Wait until a connection with a finished handshake leads to a node."""
        wait_until(
            lambda: self.is_linked_to(node),
            START_LIMIT_S,
            f"{self.name} and {node.name} complete the handshake",
        )

    def scanned(self) -> tuple[int, str]:
        """The last block up to which it has looked: its height and name; -1 before the first."""
        return _last_block(self.rpc("getwalletinfo"))

    def view(self, state: ProcessState) -> NodeView:
        """What it says now; never raises, for not to answer is an answer here.

        Args:
            state: of its process; it is asked if it is running.
        """
        rss_kb, pss_kb = self.memory_kb()
        if state is not ProcessState.RUNNING:
            return NodeView(self.name, state, rss_kb=rss_kb, pss_kb=pss_kb)
        try:
            answers = self.batch([("getbalances", []), ("getpeerinfo", [])])
        except (Unreachable, Unauthorized):
            answers = [None]
        if not all(isinstance(answer, dict | list) for answer in answers):
            return NodeView(self.name, ProcessState.SILENT, rss_kb=rss_kb, pss_kb=pss_kb)
        balances, peers = answers
        height, tip = _last_block(balances)
        return NodeView(
            self.name,
            state,
            height,
            tip,
            links=links_of(peers),
            rss_kb=rss_kb,
            pss_kb=pss_kb,
            holds=Decimal(balances["mine"]["trusted"]),
        )


def _last_block(told: dict[str, Any]) -> tuple[int, str]:
    last = told["lastprocessedblock"]
    return (-1, "") if last is None else (int(last["height"]), str(last["hash"]))
