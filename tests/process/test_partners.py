"""Wallets that serve wallets, as processes: what a new one learns while no node is in reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.machine import Endpoint
from axon.payments.partneraddress import PartnerAddress
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from tests.process.conftest import MakeNode
from tests.process.walletprocess import WalletProcess
from tests.signing import Signer

pytestmark = pytest.mark.process

PATIENCE_S = 30.0


@pytest.fixture(name="node")
def node_fixture(make_node: MakeNode) -> NodeProcess:
    """One node."""
    return make_node("n1", trusted_door=True).start()


def given_filters(node: NodeProcess) -> int:
    """Bytes of filters that a node has sent to those who are connected."""
    return sum(peer["bytessent_per_msg"].get("cfilter", 0) for peer in node.rpc("getpeerinfo"))


def test_a_wallet_that_knows_a_wallet_alone_needs_a_node_for_its_blocks_only(
    node: NodeProcess, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    bob = WalletProcess(tmp_path / "bob", "bob", [node.door])
    carol = WalletProcess(tmp_path / "carol", "carol", [node.door])
    for wallet in (bob, carol):
        wallet.json("create", "--no-confirm", wallet.signing())
    paid = carol.json("receive", "--offline")["address"]
    node.rpc("generatetoaddress", 101, Signer("Alice").address())
    node.rpc("generatetoaddress", 1, paid)
    node.rpc("generatetoaddress", 100, Signer("Alice").address())
    with bob, carol:
        bob.serve("--keep-filters", f"--listen=127.0.0.1:{port}").sync()
        told = bob.call("servewallets")
        address = PartnerAddress.parse(told["partner"])
        assert address.endpoint == Endpoint("127.0.0.1", port)
        node.stop()

        carol.serve(f"--partner={address}")

        def learnt() -> bool:
            partners = carol.call("listpartners")
            return [(each["headers"], each["filters"]) for each in partners] == [(202, 202)]

        wait_until(learnt, PATIENCE_S, "headers and filters come from a wallet")
        assert not carol.call("getpeerinfo"), "no node is in reach"
        bob.kill()
        node.start()
        wait_until(lambda: carol.call("getsyncinfo")["synced"], PATIENCE_S, "a node is back")
        assert carol.call("getbalances")["mine"]["trusted"] == 50
        assert given_filters(node) == 0, "none was asked of the node"
        bob.serve("--keep-filters", f"--listen=127.0.0.1:{port}")
        assert bob.call("servewallets")["partner"] == str(address), "its key is kept"
