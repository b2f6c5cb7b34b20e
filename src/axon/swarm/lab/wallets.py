"""The lab's wallets as the controller meets them: asked by RPC, seen through `/proc`.

A wallet chooses its own port and tells it in `rpc.json`. One that was killed leaves that file
behind, so only what the process that lives now has written is believed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.manifest import Component, Manifest
from axon.swarm.lab.nodes import (
    CALL_LIMIT_S,
    LOOK_LIMIT_S,
    NETWORK_FOLDER,
    NodeView,
    ProcessState,
    each,
    links_of,
    state_of,
)
from axon.swarm.lab.processidentity import memory_kb

WORDS: Final = "words"
"""From which a wallet can be made again; in its folder of the run."""

PASSPHRASE: Final = "passphrase"
"""Of all wallets of a run; in the run's folder."""


class LabWallet:
    """One wallet of a run; every call has a connection of its own.

    Args:
        component: which.
        folder: its data directory.
        timeout_s: how long an answer may take.
    """

    def __init__(self, component: Component, folder: Path, timeout_s: float = CALL_LIMIT_S) -> None:
        self.component = component
        self.folder = folder
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """As in the manifest, and as `axon wallet` calls it."""
        return self.component.name

    @property
    def wallet_folder(self) -> Path:
        """Where its own files are, below the data directory."""
        return self.folder / NETWORK_FOLDER / "wallets" / self.name

    def rpc(self, method: str, *args: object, **named: object) -> Any:
        """Call a method.

        Raises:
            RpcError: its own error.
            Unreachable: it does not answer.
        """
        with self._dial() as client:
            return client.call(method, *args, **named)

    def batch(self, calls: list[tuple[str, list[object]]]) -> list[Any]:
        """Several calls at once, with parameters by place; for each its result or its `RpcError`.

        Raises:
            Unreachable: it does not answer.
        """
        with self._dial() as client:
            return client.batch(calls)

    def _dial(self) -> RpcClient:
        try:
            told = json.loads((self.wallet_folder / "rpc.json").read_bytes())
        except FileNotFoundError:
            raise Unreachable(f"{self.name} has not said yet where it answers") from None
        identity = self.component.process
        if identity is None or told["pid"] != identity.pid:
            raise Unreachable(f"{self.name} was killed the last time, and does not answer yet")
        return RpcClient(
            f"http://127.0.0.1:{told['port']}",
            cookie=self.wallet_folder / ".cookie",
            timeout_s=self._timeout_s,
        )

    def is_ready(self) -> bool:
        """Whether it has started so far that it answers."""
        try:
            self.rpc("uptime")
        except (Unreachable, Unauthorized):
            return False
        except RpcError as error:
            if error.code != Code.WARMUP:
                raise
            return False
        return True

    def scanned(self) -> tuple[int, str]:
        """The last block up to which it has looked: its height and name; -1 before the first."""
        return _last_block(self.rpc("getwalletinfo"))

    def view(self) -> NodeView:
        """What it says now; never raises, for not to answer is an answer here."""
        state = state_of(self.component)
        rss_kb, pss_kb = (
            (0, 0) if self.component.process is None else memory_kb(self.component.process)
        )
        silent = NodeView(self.name, state, rss_kb=rss_kb, pss_kb=pss_kb)
        if state is not ProcessState.RUNNING:
            return silent
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


def arguments(manifest: Manifest, item: Component) -> list[str]:
    """What the program of a wallet is told (`axon.cli.forkserver`).

    It connects from an address of its own, so that nodes see it in a netgroup of its own.
    """
    folder = manifest.folder_of(item.name)
    wallet = LabWallet(item, folder)
    option = "addnode" if item.dials is None else "connect"
    return [
        str(wallet.wallet_folder),
        str(folder / WORDS),
        str(manifest.folder / PASSPHRASE),
        item.name,
        f"-chain={NETWORK_FOLDER}",
        f"-datadir={folder}",
        f"-bind={item.host}",
        "-dnsseed=0",
        "-lab",
        "-debug=net",
        *[f"-{option}={manifest.components[name].p2p}" for name in item.entries],
    ]


def wallets_of(
    manifest: Manifest, names: Iterable[str] | None = None, timeout_s: float = CALL_LIMIT_S
) -> list[LabWallet]:
    """Wallets of a run by name, all of them if none are named."""
    chosen = [item.name for item in manifest.wallets] if names is None else list(names)
    return [
        LabWallet(manifest.components[name], manifest.folder_of(name), timeout_s) for name in chosen
    ]


def living_wallets(manifest: Manifest) -> list[LabWallet]:
    """The wallets that live and are not paused."""
    names = [item.name for item in manifest.wallets if state_of(item) is ProcessState.RUNNING]
    return wallets_of(manifest, names)


def wallet_views(manifest: Manifest) -> list[NodeView]:
    """What all wallets of a run say of themselves."""
    return each(wallets_of(manifest, timeout_s=LOOK_LIMIT_S), LabWallet.view)
