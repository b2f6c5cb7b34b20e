"""Orders about the chain, and kills right behind their answers."""

from __future__ import annotations

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer
from tests.process.conftest import ALICE, MakeNode, ledger_of

pytestmark = pytest.mark.process

BOB = Signer("Bob")
HEIGHT = 30


def test_an_answered_order_outlives_a_kill(make_node: MakeNode) -> None:
    node = make_node().start()
    chain = node.rpc("generatetoaddress", HEIGHT, ALICE.address())
    node.rpc("invalidateblock", chain[19])
    node.kill()
    node.start()
    assert node.rpc("getbestblockhash") == chain[18]
    assert {tip["status"] for tip in node.rpc("getchaintips")} == {"active", "invalid"}
    assert ledger_of(node).tip == chain[18]
    node.rpc("reconsiderblock", chain[25])
    node.kill()
    node.start()
    assert node.rpc("getbestblockhash") == chain[-1]
    assert ledger_of(node).tip == chain[-1]
    node.rpc("invalidateblock", chain[-1])
    rival = node.rpc("generatetoaddress", 1, BOB.address())
    node.rpc("reconsiderblock", chain[-1])
    tips = _statuses(node)
    assert tips == {chain[-1]: "active", rival[0]: "valid-fork"}
    assert node.stop() == 0
    node.start()
    assert _statuses(node) == tips
    node.rpc("preciousblock", rival[0])
    assert node.rpc("getbestblockhash") == rival[0]
    assert node.stop() == 0


def _statuses(node: NodeProcess) -> dict[str, str]:
    return {tip["hash"]: tip["status"] for tip in node.rpc("getchaintips")}
