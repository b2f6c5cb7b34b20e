"""What programs of a trial use and are not: seeds, proxies, clocks and files that several share.

None of them is a machine. Each is what it does to those who use it: a proxy that is down takes
their way out, a clock their time, and a file that is gone ends them when they next read or write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.drivers.sim.driver import Simulation
from axon.machine import SECOND
from axon.swarm.blueprint import Blueprint, ComponentClass
from axon.swarm.faultplan import FaultStep, Op
from axon.swarm.sim.simulation import host
from axon.wire.messages import Services

_FOR_NODES: Final = int(Services.NETWORK | Services.WITNESS)
_ASKED_FOR: Final = (_FOR_NODES, _FOR_NODES | int(Services.COMPACT_FILTERS))
"""Services that nodes and wallets ask a seed for, by the first part of the name."""

USED: Final = frozenset(
    (ComponentClass.SEED, ComponentClass.PROXY, ComponentClass.CLOCK, ComponentClass.FILE)
)
"""What is looked after here."""


class Surroundings:
    """Seeds, proxies, clocks and files of one network.

    Args:
        blueprint: the network.
        simulation: where its programs run.
        find: the number of a program by its name; None for one that has not come yet.
        lose: takes a program's folder away, or puts it back.
        start_again: starts a program that has ended.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        simulation: Simulation,
        find: Callable[[str], int | None],
        lose: Callable[[str, bool], None],
        start_again: Callable[[int], None],
    ) -> None:
        self._blueprint = blueprint
        self._simulation = simulation
        self._find = find
        self._lose = lose
        self._start_again = start_again
        self._places = {name: number for number, name in enumerate(_nodes(blueprint))}
        self._down: dict[str, None] = {}  # Proxies and files.
        self._offsets_us: dict[str, int] = {}  # Of clocks that are wrong.
        for seed in blueprint.seeds:
            self._let_answer(seed, answers=True)

    def harm(self, name: str, step: FaultStep) -> None:
        """Do one step of a fault plan to a seed, proxy, clock or file."""
        is_seed = name in self._blueprint.seeds
        match step.op:
            case Op.KILL | Op.STOP if is_seed:
                self._let_answer(name, answers=False)
            case Op.RESTART | Op.CONT if is_seed:
                self._let_answer(name, answers=True)
            case Op.KILL:
                self._down[name] = None
            case Op.RESTART:
                self._down.pop(name, None)
            case Op.CLOCK:
                self._offsets_us[name] = round(float(step.param("offset_s")) * SECOND)
        for user in self._blueprint.users(name):
            self.settle(user)
            number = self._find(user)
            if step.op is Op.RESTART and number is not None:
                self._restart(number, user)

    def settle(self, user: str) -> None:
        """Have a program feel what became of all that it uses."""
        number = self._find(user)
        if number is None:
            return
        used = [each for each in self._blueprint.shared if user in self._blueprint.users(each.name)]
        for each in used:
            match each.kind:
                case ComponentClass.PROXY:
                    self._simulation.bar(number, barred=each.name in self._down)
                case ComponentClass.CLOCK:
                    self._simulation.set_clock(number, self._offsets_us.get(each.name, 0))
        self._lose(user, self.has_lost(user))

    def has_lost(self, user: str) -> bool:
        """Whether a file that a program needs is gone: it cannot start."""
        return any(
            each.kind is ComponentClass.FILE and each.name in self._down and user in each.members
            for each in self._blueprint.shared
        )

    def _restart(self, number: int, user: str) -> None:
        """A program that ended without its file starts again when all is back."""
        if number in self._simulation.failures and not self.has_lost(user):
            self._start_again(number)

    def _let_answer(self, seed: str, *, answers: bool) -> None:
        """Have a seed answer with its nodes, whatever services are asked for, or not at all."""
        hosts = tuple(host(self._places[node]) for node in self._blueprint.seeds[seed])
        for services in _ASKED_FOR:
            self._simulation.set_name(f"x{services:x}.{seed}", hosts if answers else None)


def _nodes(blueprint: Blueprint) -> list[str]:
    return [plan.name for plan in blueprint.nodes]
