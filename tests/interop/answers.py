"""What axon and Bitcoin Core answer to one call, and that it is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from tests.interop.foreign import BitcoindProcess


class Both:
    """A node of each, with the same blocks and the same pool."""

    def __init__(self, axon: NodeProcess, core: BitcoindProcess) -> None:
        self.axon, self.core = axon, core

    def same(self, name: str, *args: object) -> Any:
        """What both answer, or with what both refuse."""
        answers = [_answer(rpc, name, *args) for rpc in (self.axon.rpc, self.core.rpc)]
        assert answers[0] == answers[1], (name, args)
        return answers[0]


def _answer(rpc: Callable[..., Any], name: str, *args: object) -> Any:
    try:
        return json.loads(json.dumps(rpc(name, *args), default=float))
    except RpcError as error:
        return [error.code, error.message]
