"""An axon node beside bitcoind on the same regtest chain: the same call to both, answers compared.

The node runs in this process (`tests.rpc.running`); the blocks are mined by bitcoind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon.primitives.block import Block
from axon.rpc.amounts import Number, encode_json, whole
from axon.rpc.client import RpcClient
from axon.rpc.errors import RpcError
from tests.interop.foreign import BitcoindProcess
from tests.rpc.running import Rig, running

Answer = tuple[str, Any]
"""`result` and the value, or `error` and [code, message]; numbers as they were written."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that the two answered differently."""

    call: str
    axon: Answer
    core: Answer

    def __str__(self) -> str:
        return f"{self.call}\n  axon {_cut(self.axon)}\n  core {_cut(self.core)}"


def _cut(answer: Answer) -> str:
    return json.dumps(answer, ensure_ascii=False)[:1500]


class BesideCore:
    """The two nodes.

    Args:
        rig: ours.
        core: bitcoind.
    """

    def __init__(self, rig: Rig, core: BitcoindProcess) -> None:
        self.rig, self.core = rig, core
        self._client = RpcClient(core.rpc_url, cookie=core.cookie, numbers=Number, timeout_s=60.0)

    def close(self) -> None:
        """Ask no more."""
        self._client.close()

    def of_core(self, name: str, params: object) -> Answer:
        """What bitcoind answers; usages stand for help texts."""
        try:
            named = params if isinstance(params, dict) else {}
            placed = params if isinstance(params, list) else []
            return "result", _plain(self._client.call(name, *placed, **named))
        except RpcError as error:
            return "error", _error(error)

    def of_axon(self, name: str, params: object) -> Answer:
        """What axon answers."""
        try:
            result = self.rig.start(self.rig.execute(name, params)).result(60)
            return "result", _plain(whole(result))
        except RpcError as error:
            return "error", _error(error)

    def compare(self, name: str, params: object) -> Difference | None:
        """The difference between the two answers to one call."""
        axon, core = self.of_axon(name, params), self.of_core(name, params)
        if axon == core:
            return None
        return Difference(f"{name} {json.dumps(params)[:300]}", axon, core)

    def follow(self) -> None:
        """Give axon the blocks that bitcoind has."""
        height = self.rig.node.active.height
        while height < self.core.rpc("getblockcount"):
            height += 1
            name = self.core.rpc("getblockhash", height)
            self.rig.submit(Block.decode(bytes.fromhex(self.core.rpc("getblock", name, 0))))


def _plain(value: Any) -> Any:
    """As JSON shows it: numbers keep their digits, fields their order."""
    text = encode_json(value)
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def _error(error: RpcError) -> list[Any]:
    """Code and message; of a help text the line of usage alone."""
    message = error.message
    if error.code == -1 and re.match(r"[a-z]+\b.*\n\n", message):
        message = message.partition("\n")[0]
    return [error.code, message]


@contextmanager
def beside_core(folder: Path) -> Iterator[BesideCore]:
    """Both nodes, until the end of the block; skips where there is no bitcoind."""
    BitcoindProcess.require()
    with running(folder / "axon") as rig, BitcoindProcess(folder / "core") as core:
        both = BesideCore(rig, core)
        try:
            yield both
        finally:
            both.close()
