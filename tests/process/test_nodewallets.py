"""A node with a wallet, killed at will: no address is given twice, no payment that was answered is
forgotten.
"""

from __future__ import annotations

import threading
import time
from random import Random
from typing import Final

import pytest

from axon.rpc.client import Unreachable
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import NodeFailed
from axon.swarm.signer import Signer
from tests.process.conftest import MakeNode

pytestmark = pytest.mark.process

BOB: Final = Signer("Bob").address()
LIVES: Final = 4
LIFE_S: Final = 0.6
"""How long a node lives at most, from when its wallet answers."""


def test_a_killed_node_keeps_what_its_wallet_answered(make_node: MakeNode) -> None:
    chance = Random(11)
    node = make_node("n1", "-connect=0", "-keypool=10", "-fallbackfee=0.0002").start()
    node.rpc("createwallet", "w", False, False, "", False, True, True)
    node.rpc("generatetoaddress", 110, node.rpc("getnewaddress"))
    addresses: list[str] = []
    payments: list[str] = []
    for _ in range(LIVES):
        killer = threading.Thread(target=_kill_later, args=(node, chance.uniform(0.05, LIFE_S)))
        killer.start()
        try:
            while True:
                addresses.append(node.rpc("getnewaddress"))
                payments.append(node.rpc("sendtoaddress", BOB, "0.001"))
        except (Unreachable, NodeFailed):
            pass
        killer.join()
        node.start()
        assert node.rpc("listwallets") == ["w"]
        depths = {txid: node.rpc("gettransaction", txid)["confirmations"] for txid in payments}
        waiting = {txid for txid, depth in depths.items() if not depth}
        assert waiting <= set(node.rpc("getrawmempool"))
        node.rpc("generatetoaddress", 1, BOB)
    assert payments
    assert len(set(addresses)) == len(addresses)
    assert all(node.rpc("gettransaction", txid)["confirmations"] > 0 for txid in payments)


def _kill_later(node: NodeProcess, seconds: float) -> None:
    time.sleep(seconds)
    node.kill()
