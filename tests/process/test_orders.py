"""Orders about the chain, and kills right behind their answers."""

from __future__ import annotations

import pytest

from tests.process.conftest import ALICE, MakeNode, ledger_of

pytestmark = pytest.mark.process

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
    assert node.stop() == 0
