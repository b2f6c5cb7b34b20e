"""A blueprint raised as processes: nodes, wallets and miners, to be harmed step by step.

    nothing --raised--> funded --stopped in order, copied--> stage --started--> ready
    ready --harm, healing--> ready again, or restored from the stage

Seeds are no programs here: who starts is told, by the controller, the addresses that those of its
seeds give which answer.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from random import Random
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.privatefiles import make_folder
from axon.machine import SECOND, Instant
from axon.swarm.blueprint import Blueprint, ComponentClass
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, Way, Withheld
from axon.swarm.lab import lifecycle, startup
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.faucet import give, mine
from axon.swarm.lab.firstblocks import FIRST_BLOCKS
from axon.swarm.lab.manifest import (
    NETWORK_FOLDER,
    Component,
    ComponentKind,
    DesiredState,
    Manifest,
)
from axon.swarm.lab.members import node_of
from axon.swarm.lab.orders import CALL, Orders
from axon.swarm.lab.processidentity import identity_of, is_alive, send_signal
from axon.swarm.lab.programs import TURN_MINER
from axon.swarm.lab.trials import cuts, ways
from axon.swarm.lab.trials.planning import pace_of
from axon.swarm.lab.trials.throttle import Throttle
from axon.swarm.lab.trials.turnminer import TurnMiner
from axon.swarm.planfit import sides_of

LEAD: Final = 30 * 24 * 3600 * SECOND
"""The network's clocks begin so long before this machine's, and gain on it: the library that judges
blocks has this machine's, and refuses blocks of its future. At the pace of trials that is reached
after twelve hours; a network that is restored begins where its stage began."""

_SEEDED: Final = (ComponentKind.JOINER, ComponentKind.COLD)

STAGE: Final = lifecycle.STAGE


def _quiet(_text: str) -> None:
    pass


class LabNetwork:
    """One network of processes.

    Args:
        blueprint: what it is.
        manifest: drawn up for it, and locked.
    """

    def __init__(self, blueprint: Blueprint, manifest: Manifest) -> None:
        self.blueprint = blueprint
        self.manifest = manifest
        self.pace = pace_of(blueprint)
        """So many seconds pass by its clocks in one here."""
        self._clock = Clock()
        self._orders: dict[str, Orders] = {}
        self._begin = self._clock.now()
        self._told = self._begin - (LEAD if self.pace > 1 else 0)
        self._staged_at: Instant = 0
        self._silent: set[str] = set()  # Seeds that do not answer.
        self._guards = {item.name: item.bans for item in manifest.components.values()}
        self._throttles: dict[str, Throttle] = {}

    # Time.

    def now(self) -> Instant:
        """By the clocks of the network."""
        return self._told + (self._clock.now() - self._begin) * self.pace

    # From nothing to a stage.

    def raise_stage(self, wait: Callable[[], None]) -> None:
        """Raise it from nothing, give its wallets coins, and keep what it then is.

        Args:
            wait: waits until all are on one block, and wallets see their coins.

        Raises:
            NodeFailed: something does not start, or does not come to be.
        """
        manifest = self.manifest
        self._set_clocks(self._told)
        startup.start(manifest, [item.name for item in manifest.nodes], _quiet)
        with node_of(manifest, manifest.nodes[0].name).connected() as first:
            mine(first, FIRST_BLOCKS)
            owners = manifest.of_kind(ComponentKind.WALLET, ComponentKind.COLD)
            if owners:
                give(first, [self.address_of(item.name) for item in owners])
        startup.start(manifest, [item.name for item in manifest.wallets], _quiet)
        wait()
        self._staged_at = self.now()
        lifecycle.kill(manifest, list(manifest.components), signal.SIGTERM)
        for item in manifest.components.values():
            source = manifest.folder_of(item.name) / NETWORK_FOLDER
            if source.exists():
                shutil.copytree(source, manifest.folder / STAGE / item.name)
        self._start_all()

    def restore(self) -> None:
        """End whatever runs, and start it anew from the stage.

        Raises:
            NodeFailed: something does not end or does not start.
        """
        manifest = self.manifest
        self._end_throttles()
        lifecycle.kill(manifest, list(manifest.components))
        ways.heal(manifest)
        for item in manifest.components.values():
            folder = manifest.folder_of(item.name) / NETWORK_FOLDER
            shutil.rmtree(folder, ignore_errors=True)
            kept = manifest.folder / STAGE / item.name
            if kept.exists():
                shutil.copytree(kept, folder)
            manifest.change(item.name, bans=self._guards[item.name])
        self._silent.clear()
        # A clock that is this machine's has gone on.
        self._set_clocks(self._staged_at if self.pace > 1 else self._clock.now())
        self._start_all()

    def _start_all(self) -> None:
        manifest = self.manifest
        usual = (ComponentKind.NODE, ComponentKind.WALLET, ComponentKind.MINER)
        self.start([item.name for item in manifest.of_kind(*usual)])

    def _set_clocks(self, told: Instant) -> None:
        self._begin, self._told = self._clock.now(), told
        for name in self.manifest.components:
            make_folder(self.manifest.folder_of(name))
            self._orders[name] = Orders(pace=self.pace, begin=self._begin, told=told)
            self._orders[name].write(self.manifest.folder_of(name))

    def address_of(self, wallet: str) -> str:
        """Where a wallet is paid; it need not have been started yet."""
        # Of all that is called here, only this needs the wallet's library.
        from axon.swarm.lab.walletkeys import first_address, provide_words

        return first_address(provide_words(self.manifest.folder_of(wallet)))

    # Starting and ending.

    def start(self, names: Iterable[str]) -> None:
        """Start those that do not live, and wait until they answer.

        Raises:
            NodeFailed: one left at its start, or does not answer in time.
        """
        manifest = self.manifest
        items = [manifest.components[name] for name in names]
        for item in items:
            self.ask_seeds(item)
        miners = [item for item in items if item.kind is ComponentKind.MINER]
        startup.start(manifest, [item.name for item in items if item not in miners], _quiet)
        for item in miners:
            if not is_alive(item.process):
                self._start_miner(item)
        manifest.save()

    def ask_seeds(self, item: Component) -> None:
        """Tell who is to start what its seeds give."""
        blueprint = self.blueprint
        nodes = (*blueprint.nodes, blueprint.newcomer_node)
        plans = (*nodes, *blueprint.wallets, blueprint.newcomer_wallet)
        plan = next((each for each in plans if each is not None and each.name == item.name), None)
        if plan is not None and plan.seeds:
            given = [
                node
                for seed in plan.seeds
                if seed not in self._silent
                for node in blueprint.seeds[seed]
            ]
            self.manifest.change(item.name, knows=tuple(dict.fromkeys((*plan.knows, *given))))

    def _start_miner(self, item: Component) -> None:
        manifest = self.manifest
        asked = [manifest.components[name] for name in item.dials or ()]
        plan = next(each for each in self.blueprint.miners if each.name == item.name)
        miner = TurnMiner(
            manifest.folder_of(item.name),
            startup.mean_of(manifest),
            item.seed,
            plan.censors,
            plan.waits,
            tuple(
                (
                    f"http://{node.rpc}",
                    str(manifest.folder_of(node.name) / NETWORK_FOLDER / ".cookie"),
                    str(backend_of(manifest).namespace(manifest, node) or ""),
                )
                for node in asked
            ),
        )
        assert manifest.run_lock is not None, "who starts something holds the run"
        folder = manifest.folder_of(item.name)
        pid = manifest.run_lock.spawn(TURN_MINER, folder, miner.arguments())
        # Its next start draws other times, or a miner that is often killed would find no block.
        seed = Random(item.seed).getrandbits(32)
        manifest.change(item.name, process=identity_of(pid), seed=seed, desired=DesiredState.RUN)

    def remove_newcomers(self) -> None:
        """End those that came new, and let them forget everything."""
        names = [item.name for item in self.manifest.of_kind(*_SEEDED)]
        lifecycle.kill(self.manifest, names)
        lifecycle.wipe(self.manifest, names)

    def rest_miners(self, *, rests: bool) -> None:
        """Have all miners find nothing, or go on."""
        for item in self.manifest.of_kind(ComponentKind.MINER):
            self._order(item.name, rests=rests)

    def _order(
        self,
        name: str,
        *,
        rests: bool | None = None,
        withheld: Withheld | None = None,
        offset_s: int | None = None,
    ) -> None:
        before = self._orders[name]
        changed = replace(
            before,
            rests=before.rests if rests is None else rests,
            withheld=before.withheld if withheld is None else withheld,
            offset_s=before.offset_s if offset_s is None else offset_s,
        )
        if changed != before:
            self._orders[name] = changed
            changed.write(self.manifest.folder_of(name))
            send_signal(self.manifest.components[name].process, CALL)

    # Harm and healing.

    def carry_out(self, plan: FaultPlan, wait_until: Callable[[Instant], None]) -> None:
        """Do all steps of a plan that the backend can carry out, each when it is due.

        Args:
            plan: whose times are of the network's clocks.
            wait_until: waits for an instant of theirs.

        Raises:
            NodeFailed: something does not end or does not start.
            Unreachable: a node that is to be told something does not answer.
        """
        begin = self.now()
        for _, alike in groupby(plan.steps, key=lambda step: (step.at_us, step.op, step.params)):
            steps = list(alike)
            wait_until(begin + steps[0].at_us)
            match steps[0].op:
                case Op.CUT | Op.LINK:
                    for step in steps:
                        self._harm_ways(step)
                case Op.HEAL:
                    ways.heal(self.manifest)
                    cuts.heal(self.manifest, self._guards)
                case _:
                    self._harm(steps[0], self._named(steps))

    def _harm_ways(self, step: FaultStep) -> None:
        near, far = sides_of(self.blueprint, step.target)
        way = Way(str(step.param("way")))
        if step.op is Op.LINK:
            ways.shape(self.manifest, near, far, way, step.link().hurried(self.pace))
        elif way is Way.BOTH:
            cuts.cut(self.manifest, near, far)
        else:
            ways.swallow(self.manifest, near, far, way)

    def _named(self, steps: Sequence[FaultStep]) -> list[str]:
        """The programs that steps mean; seeds, which are none, are harmed on the way."""
        names: list[str] = []
        kinds = self.blueprint.components()
        for step in steps:
            for target in step.target.split(","):
                for name in self.blueprint.members(target):
                    if kinds.get(name) is ComponentClass.SEED:
                        self._harm_seed(name, step.op)
                    elif kinds.get(name) is ComponentClass.CLOCK:
                        names += self.blueprint.users(name)
                    else:
                        names.append(name)
        return list(dict.fromkeys(names))

    def _harm_seed(self, name: str, op: Op) -> None:
        if op in (Op.KILL, Op.STOP):
            self._silent.add(name)
        else:
            self._silent.discard(name)

    def _harm(self, step: FaultStep, names: Sequence[str]) -> None:
        manifest = self.manifest
        match step.op:
            case Op.KILL:
                lifecycle.kill(manifest, names)
            case Op.RESTART:
                down = [n for n in names if not is_alive(manifest.components[n].process)]
                if step.param("wipe"):
                    lifecycle.wipe(manifest, down)
                self.start(down)
            case Op.WIPE:
                down = [n for n in names if not is_alive(manifest.components[n].process)]
                lifecycle.wipe(manifest, down)
            case Op.STOP:
                lifecycle.pause(manifest, names)
            case Op.CONT:
                lifecycle.cont(manifest, names)
            case Op.SLOW:
                self._slow_down(names, float(step.param("factor")))
            case Op.CLOCK:
                for name in names:
                    self._order(name, offset_s=round(float(step.param("offset_s"))))
            case Op.LIE:
                for name in names:
                    self._order(name, withheld=Withheld(str(step.param("withhold"))))

    def _slow_down(self, names: Iterable[str], factor: float) -> None:
        for name in names:
            throttle = self._throttles.pop(name, None)
            if throttle is not None:
                throttle.end()
            identity = self.manifest.components[name].process
            if factor > 1 and identity is not None and is_alive(identity):
                self._throttles[name] = Throttle(identity, factor)

    def _end_throttles(self) -> None:
        self._slow_down(list(self._throttles), 1)

    def close(self) -> None:
        """End every process, and remove what was made."""
        self._end_throttles()
        lifecycle.down(self.manifest)
