"""How a full node runs: as itself and by this machine's clock, everywhere but in a laboratory.

No setting leads here, so nobody else's node can be given others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from axon.drivers.aio.clock import Clock
from axon.machine import Machine


def _itself(machine: Machine) -> Machine:
    return machine


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a full node is given with its start.

    Args:
        clock: the time it is told.
        disguise: what stands in its place towards its driver.
    """

    clock: Clock = field(default_factory=Clock)
    disguise: Callable[[Machine], Machine] = _itself
