"""What a node offers follows from its settings."""

from __future__ import annotations

from axon.node.settings import NodeSettings
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.primitives.network import REGTEST
from axon.wire.messages import Services


def test_a_node_without_history_promises_the_last_blocks_alone() -> None:
    connections = ConnectionsConfig(port=REGTEST.port)
    whole = NodeSettings(network=REGTEST, connections=connections)
    limited = NodeSettings(network=REGTEST, connections=connections, prune_target_bytes=0)
    assert whole.services & Services.NETWORK
    assert limited.services == whole.services & ~Services.NETWORK
    assert limited.services & Services.NETWORK_LIMITED
