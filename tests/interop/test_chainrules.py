"""A regtest made to order, by axon and by Bitcoin Core: rules, signals and templates agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer
from tests.interop.answers import Both
from tests.interop.foreign import BitcoindProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

RULES: Final = {"rules": ["segwit"]}
OPTIONS: Final = (
    "-testactivationheight=bip34@3",
    "-testactivationheight=dersig@4",
    "-testactivationheight=cltv@5",
    "-testactivationheight=csv@6",
    "-testactivationheight=segwit@8",
    "-vbparams=testdummy:0:9999999999:300",
)
LONG: Final = 4 * 144
OF_THE_MOMENT: Final = ("curtime", "longpollid")


class OrderedCore(BitcoindProcess):
    """Bitcoin Core with the same options."""

    def _command(self) -> list[str]:
        return [*super()._command(), *OPTIONS]


def template(node: NodeProcess | BitcoindProcess) -> dict[str, Any]:
    told: dict[str, Any] = node.rpc("getblocktemplate", RULES)
    return {name: value for name, value in told.items() if name not in OF_THE_MOMENT}


def test_both_go_by_the_rules_that_were_ordered(tmp_path: Path) -> None:
    BitcoindProcess.require()
    payee = Signer("Alice").address()
    with (
        OrderedCore(tmp_path / "core") as core,
        NodeProcess("axon", tmp_path / "axon", options=("-connect=0", *OPTIONS)).start() as axon,
    ):
        both, height = Both(axon, core), 0
        while height < LONG:
            miner, taker = (axon, core) if height % 2 else (core, axon)
            count = 1 if height < 10 else 71
            for block_hash in miner.rpc("generatetoaddress", count, payee):
                assert taker.rpc("submitblock", miner.rpc("getblock", block_hash, 0)) is None
            height += count
            both.same("getbestblockhash")
            both.same("getdeploymentinfo")
            assert template(axon) == template(core)
            both.same("getnetworkhashps", -1)
        assert axon.rpc("getdeploymentinfo")["deployments"]["testdummy"]["active"]
