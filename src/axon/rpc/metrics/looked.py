"""How a node is at this moment, looked up when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from axon.machine import SECOND
from axon.node.full import FullNode
from axon.rpc.daemon import Daemon
from axon.rpc.metrics.health import ailment
from axon.rpc.shapes.peers import NETWORK_NAMES, network_name

DIRECTIONS: Final = ("received", "sent")


class NodeLook(Collector):
    """Reads a node between two of its steps, on its event loop.

    Labels are our own words: kinds of connections, networks, and the names of the messages that we
    speak. What a peer calls itself, its messages or its address makes no label.

    Args:
        daemon: of the node.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def collect(self) -> Iterator[Metric]:
        """Every number that is looked up."""
        node = self._daemon.node
        info = GaugeMetricFamily(
            "axon_info", "The node that these are of.", labels=("user_agent", "chain")
        )
        info.add_metric((node.settings.user_agent, node.network.name), 1)
        yield info
        yield from self._connections(node)
        yield from self._chain(node)
        yield from self._pool(node)

    def _connections(self, node: FullNode) -> Iterator[Metric]:
        lab = node.settings.connections.lab
        peers = GaugeMetricFamily(
            "axon_peers", "Connections.", labels=("connection_type", "network", "transport")
        )
        kinds = Counter(
            (each.kind.value, network_name(each.address, lab), each.transport.name)
            for each in node.sessions.values()
        )
        for labels, count in kinds.items():
            peers.add_metric(labels, count)
        yield peers
        inbound = sum(each.inbound for each in node.sessions.values())
        connections = GaugeMetricFamily(
            "axon_connections", "Connections, also while there are none.", labels=("direction",)
        )
        connections.add_metric(("in",), inbound)
        connections.add_metric(("out",), len(node.sessions) - inbound)
        yield connections
        traffic = CounterMetricFamily(
            "axon_traffic_bytes", "Bytes on the wire.", labels=("direction",)
        )
        for direction, total in zip(DIRECTIONS, self._daemon.traffic(), strict=True):
            traffic.add_metric((direction,), total)
        yield traffic
        messages = CounterMetricFamily(
            "axon_message_bytes",
            "Bytes of whole messages; *other* is all that we do not speak.",
            labels=("direction", "message"),
        )
        for direction, counts in zip(DIRECTIONS, _bytes_by_message(node), strict=True):
            for message, count in sorted(counts.items()):
                messages.add_metric((direction, message), count)
        yield messages
        addrman = node.links.addrman
        addresses = GaugeMetricFamily(
            "axon_addresses", "Addresses known.", labels=("network", "table")
        )
        for network, name in NETWORK_NAMES.items():
            for table in ("new", "tried"):
                addresses.add_metric((name, table), addrman.size(network, table == "tried"))
        yield addresses
        banned = len(node.links.bans.listed(self._daemon.clock.now()))
        yield GaugeMetricFamily("axon_bans", "Addresses and networks that are banned.", banned)

    def _chain(self, node: FullNode) -> Iterator[Metric]:
        tip, now = node.active.tip, self._daemon.clock.now()
        for name, about, value in (
            ("height", "Of the last block of the chain.", tip.height),
            ("headers", "Height of the best header.", node.headers.best.height),
            ("tip_time_seconds", "UNIX time that the last block says.", tip.time),
            ("tip_age_seconds", "How long that is ago.", now / SECOND - tip.time),
            ("initial_sync", "Whether the first sync goes on.", node.initial_sync),
            ("index_lag_blocks", "Blocks by which coins are behind.", node.chain.lag),
            ("blocks_in_flight", "Blocks asked for.", node.blocks.download.in_flight_total),
            ("healthy", "Whether /healthz says 200.", ailment(node, now) is None),
        ):
            yield GaugeMetricFamily(f"axon_{name}", about, value)

    def _pool(self, node: FullNode) -> Iterator[Metric]:
        pool = node.pool
        minimum = max(
            pool.min_feerate(self._daemon.clock.now()), pool.policy.min_relay_feerate_sat_kvb
        )
        for name, about, value in (
            ("mempool_transactions", "Transactions in the pool.", len(pool)),
            ("mempool_vbytes", "Their size in virtual bytes.", pool.total_vsize),
            ("mempool_usage_bytes", "Memory that they are counted as.", pool.usage_bytes),
            ("mempool_min_feerate", "Nothing below is taken in, in sat/kvB.", minimum),
            ("orphans", "Transactions that wait for a parent.", len(node.transactions.orphans)),
        ):
            yield GaugeMetricFamily(f"axon_{name}", about, value)


def _bytes_by_message(node: FullNode) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Received and sent since the start, by name of the message."""
    received, sent = (
        Counter(past.by_command) for past in (node.past_traffic.received, node.past_traffic.sent)
    )
    for session in node.sessions.values():
        received.update(session.received.by_command)
        sent.update(session.sent.by_command)
    return received, sent
