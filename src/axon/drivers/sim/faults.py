"""What is to go wrong, and when: a plan as plain values, to be stored, shrunk and replayed.

A fault says when it strikes and what it does to a simulation. Plans are compared and written down
by value; the same plan and the same seed give the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from axon.drivers.linkmodel import LinkModel
from axon.drivers.sim.driver import Simulation
from axon.machine import Instant


@dataclass(frozen=True, slots=True)
class Crash:
    """A program ends as by `kill -9`; silent: its host goes down and no peer is told."""

    at: Instant
    node: int
    silent: bool = False

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.crash(self.node, silent=self.silent)


@dataclass(frozen=True, slots=True)
class Restart:
    """A program that has ended starts again; one that runs is left alone."""

    at: Instant
    node: int

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        if not simulation.is_running(self.node):
            simulation.restart(self.node)


@dataclass(frozen=True, slots=True)
class Stop:
    """A program is stopped where it is (SIGSTOP): its connections stand, and it is silent."""

    at: Instant
    node: int

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.stop(self.node)


@dataclass(frozen=True, slots=True)
class GoOn:
    """A stopped program goes on."""

    at: Instant
    node: int

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.go_on(self.node)


@dataclass(frozen=True, slots=True)
class SlowDown:
    """A program takes so much time for each event from then on; 0: none, as ever."""

    at: Instant
    node: int
    step_us: int

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.slow_down(self.node, self.step_us)


@dataclass(frozen=True, slots=True)
class Partition:
    """Nothing comes through between the groups; one way: from the first to the others only."""

    at: Instant
    groups: tuple[tuple[int, ...], ...]
    one_way: bool = False
    drops: bool = False

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.partition(self.groups, one_way=self.one_way, drops=self.drops)


@dataclass(frozen=True, slots=True)
class Heal:
    """All partitions end."""

    at: Instant

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.heal()


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The connections between two nodes go dead, and neither is told."""

    at: Instant
    a: int
    b: int

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.sever(self.a, self.b)


@dataclass(frozen=True, slots=True)
class ShapeLink:
    """The link between two nodes becomes another from then on."""

    at: Instant
    a: int
    b: int
    model: LinkModel

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.shape(self.a, self.b, self.model)


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """A node's clock is so far ahead of virtual time from then on; negative: behind."""

    at: Instant
    node: int
    offset_us: int

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.set_clock(self.node, self.offset_us)


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name resolves to these hosts from then on; None: no name server answers for it."""

    at: Instant
    name: str
    hosts: tuple[str, ...] | None

    def apply(self, simulation: Simulation) -> None:
        """Do it."""
        simulation.set_name(self.name, self.hosts)


Fault = (
    Crash
    | Restart
    | Stop
    | GoOn
    | SlowDown
    | Partition
    | Heal
    | HalfOpen
    | ShapeLink
    | ClockOffset
    | NameServer
)


@dataclass(frozen=True, slots=True)
class FaultSchedule:
    """Faults in any order; of those at one instant the seed decides which is first."""

    faults: tuple[Fault, ...]

    def arrange(self, simulation: Simulation) -> None:
        """Put all faults on the agenda of a simulation; none may be past."""
        for fault in self.faults:
            simulation.at(fault.at, partial(fault.apply, simulation))
