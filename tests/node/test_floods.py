"""More small messages at once than fit into a turn, between nodes in virtual time."""

from __future__ import annotations

from typing import Final

import pytest

from axon.drivers.sim.driver import START
from axon.machine import SECOND, Effect, Event, Instant, PeerId, Transmit
from axon.node.full import FullNode
from axon.swarm.sim.simulation import SimNetwork, host
from axon.wire.messages import Ping
from axon.wire.v1 import HEADER_SIZE, V1Transport
from tests.node.history import history
from tests.node.lightnetwork import light
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import BOB

PINGS: Final = 1_000


class Flooder:
    """A full node that sends a thousand pings to whoever it has shaken hands with."""

    def __init__(self, node: FullNode) -> None:
        self._node = node
        transport = V1Transport(node.network.magic)
        pings = (Ping(number) for number in range(1, PINGS + 1))
        self._flood = b"".join(transport.encode(ping.command, ping.encode()) for ping in pings)
        self._flooded: set[PeerId] = set()

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        return self._with_flood(self._node.handle(event, now))

    def tick(self, now: Instant) -> list[Effect]:
        return self._with_flood(self._node.tick(now))

    def deadline(self) -> Instant | None:
        return self._node.deadline()

    def _with_flood(self, effects: list[Effect]) -> list[Effect]:
        said: list[Effect] = []
        for effect in effects:
            said.append(effect)
            if isinstance(effect, Transmit) and b"verack" in effect.data:
                said.append(Transmit(effect.peer, self._flood))
        return said


@pytest.mark.parametrize("kind", ["full", "light"])
def test_a_flood_is_answered_within_an_instant_and_harms_nothing(kind: str) -> None:
    net = SimNetwork(
        1,
        2,
        contacts=lambda number: [1 - number],
        history=history(START),
        disguise=lambda node, made: Flooder(made) if node.number == 1 else made,
    )
    client = light(net, NaiveWallet([BOB.script]), (1,)) if kind == "light" else None
    net.run(20 * SECOND)
    victim = client.node if client else net.machine(0)
    flooded = [item for item in victim.sessions.values() if item.remote.host == host(1)]
    assert flooded
    frame_bytes = HEADER_SIZE + 8
    for session in flooded:
        received = session.received.by_command["ping"]
        assert received > PINGS * frame_bytes
        assert session.sent.by_command["pong"] == received
        assert not session.waiting_bytes
    if client:
        client.until(client.synced)
