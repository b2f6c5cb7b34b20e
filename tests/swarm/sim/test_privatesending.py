"""Private broadcasts in virtual time: nothing is sent in the clear, whatever goes wrong.

A few seeds; `python -m tests.swarm.sim.privateworld` runs any number.
"""

from __future__ import annotations

import pytest

from axon.machine import MINUTE
from axon.node.commands import SendTransaction
from tests.swarm.sim.privateworld import ALICE_NODE, WIND_UP, PrivateWorld


@pytest.mark.parametrize("seed", [1, 4])
def test_nothing_is_sent_in_the_clear(seed: int) -> None:
    world = PrivateWorld(seed)
    world.run()
    assert world.faults_found() == []
    assert world.heard.private >= world.heard.given > 0


def test_an_ordinary_broadcast_is_heard_in_the_clear() -> None:
    """So the ear hears what there is to hear."""
    world = PrivateWorld(1)
    world.network.run(WIND_UP)
    world.overhear(world.payment())
    world.network.simulation.command(ALICE_NODE, SendTransaction(world.payment()))
    world.network.run(MINUTE)
    assert world.heard.clear > 0
    assert world.heard.private == 0
