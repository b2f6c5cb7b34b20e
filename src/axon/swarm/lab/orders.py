"""What a component of the lab is ordered to do wrong, or faster: a file in its folder of the run.

A program of the lab reads `orders.json` when it starts, and again at each SIGUSR1. Only these
programs do (`lab/programs`, `lab/trials/turnminer`); a node that `axon node` starts has no such
file, reads none, and cannot be made to lie.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.privatefiles import write_file
from axon.machine import SECOND, Instant, Machine
from axon.swarm.faultplan import Withheld
from axon.swarm.withholder import Withholder

ORDERS: Final = "orders.json"
CALL: Final = signal.SIGUSR1
"""By this a component is told that its orders have changed."""

_NS: Final = 1_000
"""Nanoseconds in a microsecond."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What one component is told.

    Args:
        withheld: what it keeps back; of a miner `transactions` means empty blocks.
        rests: a miner finds nothing.
        pace: so many seconds pass by its clock in one here.
        begin, told: at the one instant of this machine its clock said the other; of no meaning
            where the pace is 1.
        offset_s: by which its clock is wrong besides.
    """

    withheld: Withheld = Withheld.NOTHING
    rests: bool = False
    pace: int = 1
    begin: Instant = 0
    told: Instant = 0
    offset_s: int = 0

    def write(self, folder: Path) -> None:
        """Put them into a component's folder; all of them are there or those before."""
        fresh = folder / f"{ORDERS}.new"
        fresh.unlink(missing_ok=True)
        write_file(fresh, json.dumps(asdict(self)).encode())
        fresh.replace(folder / ORDERS)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Those in a component's folder; the usual ones if there are none."""
        try:
            told = json.loads((folder / ORDERS).read_bytes())
        except FileNotFoundError:
            return cls()
        return cls(**{**told, "withheld": Withheld(told["withheld"])})

    def time_at(self, instant: Instant) -> Instant:
        """What the clock of whoever has these orders says at an instant of this machine."""
        shown = instant if self.pace == 1 else self.told + (instant - self.begin) * self.pace
        return shown + self.offset_s * SECOND


class Conduct:
    """How one component behaves: by the orders in its folder.

    Args:
        folder: of the component.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sieves: list[Withholder] = []
        self.orders = Orders.read(folder)
        # Who is called before it can listen reads the same when it begins to.
        signal.signal(CALL, signal.SIG_IGN)

    def obey(self) -> None:
        """Read the orders anew."""
        self.orders = Orders.read(self._folder)
        for sieve in self._sieves:
            sieve.withheld = self.orders.withheld

    def listen(self, add_handler: Callable[[int, Callable[[], None]], object]) -> None:
        """Read them now, and from now on whenever called.

        Args:
            add_handler: has a function called on a signal.
        """
        add_handler(CALL, self.obey)
        self.obey()

    def clock(self) -> Clock:
        """By which the component runs."""
        pace = self.orders.pace
        return Clock(self._wall_ns, lambda: time.monotonic_ns() * pace, pace)

    def _wall_ns(self) -> int:
        return self.orders.time_at(time.time_ns() // _NS) * _NS

    def disguise(self, machine: Machine) -> Machine:
        """A node behind a sieve, which lets everything through until it is told otherwise."""
        sieve = Withholder(machine)
        sieve.withheld = self.orders.withheld
        self._sieves.append(sieve)
        return sieve
