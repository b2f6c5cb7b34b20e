"""Trials on one network of processes, one after another: raised once, harmed again and again.

    async with LabTrials(blueprint, seed=7, folder=folder) as trials:
        report = await trials.attempt(Candidate(("n1",), Mode.KILL))

The network of a trial that ended well is used for the next one, which is fastest. After one that
did not, or that changed what cannot be changed back, the next begins from the stage: the folders as
they were before the first. Which of both was done is among the notes of a report. When the block is
left nothing runs; whoever finds a controller killed uses `axon swarm down --dir`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom
from threading import Event
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from axon.errors import AxonError, ConfigError
from axon.machine import MINUTE, SECOND, Instant
from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultPlan, Op
from axon.swarm.lab import lifecycle, members
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.bitcoind import find_bitcoind
from axon.swarm.lab.blockprompt import BlockPrompt
from axon.swarm.lab.lifecycle import OPERATIONS
from axon.swarm.lab.manifest import BackendName, Manifest, run_locked
from axon.swarm.lab.processes import TooLate
from axon.swarm.lab.processidentity import (
    ProcessIdentity,
    cpu_time_s,
    memory_kb,
    processor_time_s,
)
from axon.swarm.lab.runregistry import RunRegistry, claiming, draw_corner
from axon.swarm.lab.trials.backend import (
    NotPossible,
    check_blueprint,
    check_plan,
    needs_relay,
)
from axon.swarm.lab.trials.journal import Journal
from axon.swarm.lab.trials.network import LabNetwork
from axon.swarm.lab.trials.planning import plan_network
from axon.swarm.lab.trials.pressure import Pressure
from axon.swarm.lab.trials.states import States, best_height
from axon.swarm.lab.trials.throttle import PERIOD_S
from axon.swarm.lab.trials.trial import Trial
from axon.swarm.trialreport import Resources, TrialReport

READY: Final = 30 * MINUTE
"""At most until a network that was raised or restored is ready to be harmed: wallets ask their
first nodes, nodes find each other. Half a minute here, as a whole network may have to start."""

READY_AGAIN: Final = 5 * MINUTE
"""The same for one that was harmed and has healed: five seconds here, about what to restore it
takes."""

MIXED_READY_AGAIN: Final = MINUTE
"""Likewise beside a bitcoind: one that has forgotten its peers finds others slowly, and to begin
from the stage takes less."""

MAX_HEIGHT: Final = 400
"""Of a chain that is used again: what a block costs to judge grows with its length, and so does
what a newcomer has to fetch."""

_LOOK_S: Final = 0.1
_SPENT: Final = frozenset({Op.CLOCK})
"""What cannot be taken back: a clock never goes back, it waits for the others."""


_R = TypeVar("_R")


class Harm(Protocol):
    """What is tried (`spof.candidates.Candidate`)."""

    def harm(self) -> FaultPlan:
        """What is done."""

    def healing(self) -> FaultPlan:
        """What takes it back."""


class _Abandoned(AxonError):
    """Whoever asked for a trial has gone."""


class LabTrials:
    """A network of a blueprint, for trials.

    Args:
        blueprint: what to raise.
        seed: of the times between blocks; processes leave the rest to chance.
        folder: of the run; made if it is missing. `operations.jsonl` in it outlives the run.
        registry: of the user's runs, so that no other takes these addresses; None to draw some.
        backend: where it is raised.
        bitcoind: Bitcoin Core's program, if a node is one; empty for that on the PATH.

    Raises (when the block is entered):
        NotPossible: the backend cannot raise such a network.
        ConfigError: the folder holds something else, or is in use.
        NodeFailed: something does not start, or the network does not come to be.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        seed: int,
        folder: Path,
        registry: RunRegistry | None = None,
        backend: BackendName = BackendName.PROC,
        bitcoind: str = "",
    ) -> None:
        self.blueprint = blueprint
        self._backend = backend
        self._bitcoind = bitcoind
        self._seed = seed
        self._folder = folder
        self._registry = registry
        self._ends = ExitStack()
        self._one_by_one = asyncio.Lock()
        self._abandoned = Event()
        self._net: LabNetwork
        self._states: States
        self._journal: Journal
        self._is_spent = False  # The network must be restored before the next trial.
        self._trials = 0

    async def __aenter__(self) -> Self:
        try:
            await self._in_thread(self._raise)
        except BaseException:
            await asyncio.to_thread(self._ends.close)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.shield(asyncio.to_thread(self._ends.close))

    def impossible(self, harm: FaultPlan) -> str:
        """Why the backend cannot do this to this network; empty if it can."""
        try:
            check_plan(self.blueprint, harm, self._backend)
        except NotPossible as refusal:
            return str(refusal)
        return ""

    async def attempt(self, candidate: Harm) -> TrialReport:
        """Carry one trial out.

        Returns:
            What became of it. If it could not be carried out, its `trouble` says why; where that
            begins with `backend.NOT_POSSIBLE`, nothing was done, and it is to be counted as left
            out.
        """
        harm, healing = candidate.harm(), candidate.healing()
        why = self.impossible(harm) or self.impossible(healing)
        if why:
            return TrialReport(harm, healing, trouble=why)
        async with self._one_by_one:
            self._abandoned.clear()  # Of a trial that was broken off; the next one is another.
            return await self._in_thread(lambda: self._attempt(harm, healing))

    async def _in_thread(self, work: Callable[[], _R]) -> _R:
        """Do work in a thread; whoever gives up waiting has it end soon, and waits for that."""
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._abandoned.set()
            await asyncio.wait([task])
            raise

    # In the thread.

    def _raise(self) -> None:
        check_blueprint(self.blueprint, self._backend)
        BACKENDS[self._backend].check()
        if self.blueprint.is_mixed:
            self._bitcoind = str(find_bitcoind(self._bitcoind).path)
        lifecycle.make_room(self._folder)
        lock = self._ends.enter_context(run_locked(self._folder))
        if Manifest.load(self._folder) is not None:
            raise ConfigError(
                f"a run is up in {self._folder}; axon swarm down ends it, or name another --dir"
            )
        manifest = self._plan()
        manifest.run_lock = lock
        self._net = LabNetwork(self.blueprint, manifest)
        self._ends.callback(self._net.close)
        self._states = self._ends.enter_context(States(manifest))
        self._journal = self._ends.enter_context(Journal(self._folder / OPERATIONS, self._net.now))
        self._net.raise_stage(lambda: self._be_ready(READY))
        self._be_ready(READY)

    def _plan(self) -> Manifest:
        """The run, written down; nothing else of it exists yet."""
        lots = SystemRandom()

        def plan(corner: int) -> Manifest:
            return plan_network(
                self._folder,
                self.blueprint,
                self._seed,
                lots,
                corner,
                self._backend,
                self._bitcoind,
            )

        if self._registry is not None:
            return self._registry.enter(
                claiming(lambda taken: plan(draw_corner(self._seed, taken)), self._ends)
            )
        drawn = lots.getrandbits(32)
        manifest = claiming(lambda taken: plan(draw_corner(drawn, taken)), self._ends)(frozenset())
        manifest.save()
        return manifest

    def _wait(self, is_met: Callable[[], bool], limit_s: float) -> bool:
        """Wait until something holds; whether it did within the limit."""
        end = time.monotonic() + limit_s
        while not is_met():
            if time.monotonic() > end:
                return False
            if self._abandoned.wait(_LOOK_S):
                raise _Abandoned("the trial was broken off")
        return True

    def _be_ready(self, limit: Instant) -> None:
        """Wait until the network is ready to be harmed.

        Raises:
            TooLate: it does not become so.
        """
        missing = [""]

        def is_ready() -> bool:
            if self.blueprint.is_mixed:
                prompt.look(members.views(self._net.manifest))
            missing[0] = self._states.missing()
            return not missing[0]

        prompt = BlockPrompt(self._net.manifest)
        limit_s = limit / SECOND / self._net.pace
        if not self._wait(is_ready, limit_s):
            raise TooLate(f"the network is not ready within {limit_s:g} s: {missing[0]}")

    def _attempt(self, harm: FaultPlan, healing: FaultPlan) -> TrialReport:
        begin = time.monotonic()
        self._trials += 1
        try:
            origin = self._prepare()
            ready_s = time.monotonic() - begin
            self._journal.begin(self._trials)
            before, spent = self._processor_times(), self._spent()
            trial = Trial(self._net, self._states, self._journal, self._wait)
            self._is_spent = True  # Unless it comes to its end.
            report = trial.carry_out(harm, healing)
        except (AxonError, OSError) as error:
            self._is_spent = True
            return TrialReport(harm, healing, trouble=str(error))
        pressure = self._pressure(before)
        pressure.weigh(report)
        self._is_spent = bool(report.broken) or any(step.op in _SPENT for step in harm.steps)
        took_s = time.monotonic() - begin
        report.resources = self._resources(took_s, spent)
        report.notes += [
            origin,
            str(pressure),
            f"took {took_s:.1f} s here, {ready_s:.1f} s of them to have the network ready",
            f"trial {self._trials} in {OPERATIONS}",
        ]
        report.notes += self._mechanisms(harm)
        return report

    def _mechanisms(self, harm: FaultPlan) -> list[str]:
        """How what was done was done, as far as that is not as it is elsewhere."""
        found = []
        if any(step.op is Op.SLOW for step in harm.steps):
            found.append(f"slow: stopped by signals for most of each {PERIOD_S:g} s")
        cuts = [step for step in harm.steps if step.op is Op.CUT]
        if not all(map(needs_relay, cuts)):
            found.append("cut: both ends refuse each other; no packet is swallowed")
        if any(map(needs_relay, cuts)):
            found.append("one-way cut: what goes that way is swallowed; no end is told")
        if self._net.pace > 1 and any(step.op is Op.LINK for step in harm.steps):
            found.append(
                f"link: by the network's clocks, of which {self._net.pace} s are 1 s here; until "
                "TCP sends again what was lost it takes 0.2 s here at least"
            )
        return found

    def _processor_times(self) -> dict[ProcessIdentity, tuple[float, float]]:
        """Seconds that each node and wallet has run and has waited for a processor so far."""
        manifest = self._net.manifest
        processes = [item.process for item in (*manifest.nodes, *manifest.wallets)]
        return {each: processor_time_s(each) for each in processes if each is not None}

    def _spent(self) -> dict[str, tuple[ProcessIdentity, float]]:
        """Processor seconds of each node and wallet since its program started."""
        manifest = self._net.manifest
        return {
            item.name: (item.process, cpu_time_s(item.process))
            for item in (*manifest.nodes, *manifest.wallets)
            if item.process is not None
        }

    def _resources(
        self, took_s: float, before: Mapping[str, tuple[ProcessIdentity, float]]
    ) -> Resources:
        """What the trial took; of a program that was started anew, since then."""
        programs = {}
        for name, (process, cpu_s) in self._spent().items():
            was, spent_s = before.get(name, (None, 0.0))
            since_s = spent_s if was == process else 0.0
            programs[name] = max(0.0, cpu_s - since_s), memory_kb(process)[1]
        cpu_s = sum(cpu_s for cpu_s, _ in programs.values())
        return Resources(took_s, cpu_s, sum(kb for _, kb in programs.values()), programs)

    def _pressure(self, before: Mapping[ProcessIdentity, tuple[float, float]]) -> Pressure:
        """How long all have run and waited since."""
        ran_s = waited_s = 0.0
        for process, (ran, waited) in self._processor_times().items():
            ran_before, waited_before = before.get(process, (0.0, 0.0))
            ran_s, waited_s = ran_s + ran - ran_before, waited_s + waited - waited_before
        return Pressure(ran_s, waited_s)

    def _prepare(self) -> str:
        """Have a network that is ready; where it comes from, in words."""
        if self._trials == 1 and not self._is_spent:
            self._be_ready(READY)
            return "the network just raised"
        if not self._is_spent and self._is_short():
            try:
                self._be_ready(MIXED_READY_AGAIN if self.blueprint.is_mixed else READY_AGAIN)
            except TooLate:
                pass
            else:
                return "the network of the trial before, healed"
        self._net.restore()
        self._be_ready(READY)
        return "the network restored from its stage"

    def _is_short(self) -> bool:
        names = [item.name for item in self._net.manifest.nodes]
        return best_height(self._states.tips(names)) <= MAX_HEIGHT
