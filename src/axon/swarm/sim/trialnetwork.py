"""A blueprint raised in virtual time: its nodes, wallets, miners, seeds and uplinks, to be harmed.

What is done to it comes as steps of a fault plan, and says by name to which component. A component
that several share (a host, a group, a proxy) is harmed by harming all that hang on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import log
from typing import Final

from axon.chain.store import MemoryStore
from axon.drivers.sim.network import Cut, LinkModel
from axon.host.lightwallet import check_scripts
from axon.machine import MILLISECOND, SECOND, Endpoint, Instant, Machine
from axon.node.commands import SubmitBlock
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.settings import NodeSettings
from axon.node.spv import SpvNode
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.p2p.requests import address_of
from axon.primitives.network import REGTEST
from axon.swarm.blueprint import Blueprint, ComponentClass, MinerPlan, WalletPlan
from axon.swarm.faultplan import FaultStep, Op, Way, Withheld
from axon.swarm.signer import Signer
from axon.swarm.sim.lightprogram import Device, Ways, add_light
from axon.swarm.sim.simulation import PORT, SimNetwork, SimNode, host
from axon.swarm.withholder import Withholder
from axon.wallet.keys import watch
from axon.wallet.wallet import Wallet
from axon.wire.messages import Services

EVENT_COST: Final = MILLISECOND
"""What one event costs a program that is not slow, about; a slow one takes a multiple of it."""

BLOCK_INTERVAL: Final = 30 * SECOND
"""Mean time between blocks, all miners together."""

HANDED_TO: Final = 2
"""Nodes to which a miner hands what it found: one of them may keep it to itself."""

_FOR_NODES: Final = int(Services.NETWORK | Services.WITNESS)
_ASKED_FOR: Final = (_FOR_NODES, _FOR_NODES | int(Services.COMPACT_FILTERS))
"""Services that nodes and wallets ask a seed for, by the first part of the name."""

_NOBODY: Final = Signer("a miner").script


class TrialNetwork:
    """One network of a blueprint.

    Args:
        blueprint: what to raise.
        seed: of all chance.
        history: blocks that every node has at the start; newcomers have none.
        link: what links are like; the default if None.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        seed: int,
        history: tuple[bytes, ...],
        link: LinkModel | None = None,
    ) -> None:
        self.blueprint = blueprint
        newcomer = blueprint.newcomer_node
        self._plans = (*blueprint.nodes, *((newcomer,) if newcomer is not None else ()))
        self._numbers = {plan.name: number for number, plan in enumerate(self._plans)}
        self._sieves: dict[int, Withholder] = {}
        self.on_fact: Callable[[str, FullNode, Fact], None] | None = None
        self.net = SimNetwork(
            seed,
            len(self._plans),
            history=history,
            link=link,
            contacts=self._contacts,
            settings=self._settings,
            disguise=self._sieve,
            on_fact=self._told,
        )
        self.simulation = self.net.simulation
        if newcomer is not None:  # It is there from the start, and down until it is to come.
            self.net.crash(self._numbers[newcomer.name], lose=False)
            self.net.nodes[self._numbers[newcomer.name]].disk.wipe()
        for name in blueprint.seeds:
            self._let_answer(name, answers=True)
        self.devices: dict[str, Device] = {}
        for wallet in blueprint.wallets:
            self.add_wallet(wallet)
        self._cuts: list[Cut] = []
        self._idle: dict[str, str] = {}  # Miners that do not mine, or censor: how.
        self._turns: dict[str, int] = {}  # How often each miner has asked a node.
        self.is_mining = True
        """Whether blocks are found at all; else all miners rest."""
        self._rng = self.simulation.random("miners")
        for miner in blueprint.miners:
            self._plan_block(miner)

    # Who takes part.

    @property
    def now(self) -> Instant:
        """Virtual time."""
        return self.simulation.now

    def number(self, name: str) -> int:
        """Of a node or a wallet in the simulation."""
        if name in self._numbers:
            return self._numbers[name]
        return self.devices[name].number

    def node(self, name: str) -> FullNode:
        """A node's machine."""
        return self.net.machine(self._numbers[name])

    def light(self, name: str) -> SpvNode:
        """A wallet's machine."""
        machine = self.simulation.machine(self.devices[name].number)
        assert isinstance(machine, SpvNode)
        return machine

    def is_running(self, name: str) -> bool:
        """Whether its program runs; it may be stopped where it is."""
        return self.simulation.is_running(self.number(name))

    def add_wallet(self, plan: WalletPlan) -> Device:
        """Raise a wallet with an empty disk."""
        descriptor = f"wpkh({self.signer(plan.name).public_key.hex()})"
        wallet = Wallet.create(MemoryStore(), REGTEST, watch(REGTEST, descriptor), birthday_s=0)
        wallet.check_scripts = check_scripts
        device = self.devices[plan.name] = Device(wallet)
        place = len(self.devices)
        ways = Ways(
            tuple(map(self._endpoint, plan.knows)),
            None if plan.dials is None else tuple(map(self._endpoint, plan.dials)),
            plan.seeds,
        )
        device.number = add_light(
            self.simulation,
            device,
            Endpoint(f"99.{place // 250}.{place % 250}.1", PORT),
            ways,
            on_report=lambda _fact, _now: None,
        )
        return device

    def signer(self, wallet: str) -> Signer:
        """The key of a wallet's owner."""
        return Signer(wallet)

    def _endpoint(self, node: str) -> Endpoint:
        return Endpoint(host(self._numbers[node]), PORT)

    def _contacts(self, number: int) -> list[int]:
        return [self._numbers[name] for name in self._plans[number].knows]

    def _settings(self, number: int, usual: NodeSettings) -> NodeSettings:
        plan = self._plans[number]
        own = address_of(self._endpoint(plan.name))
        assert own is not None, "nodes have IPv4 addresses"
        dials = plan.dials
        targets = [Target(name, self._endpoint(name), v2=False) for name in dials or ()]
        return NodeSettings(
            network=REGTEST,
            connections=ConnectionsConfig(
                port=PORT,
                v2=False,
                lab=True,
                connect=None if dials is None else tuple(targets),
                dns_seeds=plan.seeds,
            ),
            user_agent=usual.user_agent,
            listen_port=PORT if plan.listens else None,
            own_addresses=(own,) if plan.listens else (),
            blocks_only=not plan.relays,
            serve_filters=plan.filters,
        )

    def _sieve(self, node: SimNode, made: FullNode) -> Machine:
        before = self._sieves.get(node.number)
        sieve = self._sieves[node.number] = Withholder(made)
        if before is not None:
            sieve.withheld = before.withheld
        return sieve

    def _told(self, number: int, fact: Fact, _now: Instant) -> None:
        if self.on_fact is not None:
            self.on_fact(self._plans[number].name, self.net.machine(number), fact)

    # Miners.

    def _plan_block(self, miner: MinerPlan) -> None:
        mean_us = BLOCK_INTERVAL * len(self.blueprint.miners)
        wait_us = 1 + int(-log(1.0 - self._rng.random()) * mean_us)
        self.simulation.at(self.now + wait_us, partial(self._find_block, miner))

    def _find_block(self, miner: MinerPlan) -> None:
        self._plan_block(miner)
        state = self._idle.get(miner.name, "")
        if self.is_mining and state != _DEAD:
            nodes = self._asked_by(miner)
            if nodes:
                empty = miner.censors or state == _CENSORS
                block = self.net.mine(self._numbers[nodes[0]], _NOBODY, empty=empty)
                for node in nodes[1:]:
                    self.simulation.command(self._numbers[node], SubmitBlock(block))

    def _asked_by(self, miner: MinerPlan) -> list[str]:
        """The nodes that a miner turns to this time: the first of them knows what to mine."""
        turn = self._turns[miner.name] = self._turns.get(miner.name, -1) + 1
        start = turn % len(miner.nodes)
        return list(filter(self.answers, miner.nodes[start:] + miner.nodes[:start]))[:HANDED_TO]

    def answers(self, node: str) -> bool:
        """Whether a node's program runs and is not stopped where it is."""
        number = self._numbers[node]
        return self.simulation.is_running(number) and not self.simulation.is_stopped(number)

    # What is done to them.

    def apply(self, step: FaultStep) -> None:
        """Do one step of a fault plan.

        Raises:
            KeyError: it names a component that this network does not have.
        """
        match step.op:
            case Op.CUT:
                self._cut(step.target, Way(str(step.param("way"))), drops=bool(step.param("drops")))
            case Op.HEAL:
                cuts, self._cuts = self._cuts, []
                for cut in cuts:
                    self.simulation.mend(cut)
            case _:
                for target in step.target.split(","):
                    for name in self.blueprint.members(target):
                        self._harm(name, step)

    def _harm(self, name: str, step: FaultStep) -> None:
        kind = self.blueprint.components().get(name, ComponentClass.NODE)
        if kind is ComponentClass.MINER:
            self._harm_miner(name, step)
        elif kind is ComponentClass.SEED:
            self._harm_seed(name, step)
        else:
            self._harm_program(name, step)

    def _harm_program(self, name: str, step: FaultStep) -> None:
        number, simulation = self.number(name), self.simulation
        match step.op:
            case Op.KILL:
                simulation.crash(number, silent=bool(step.param("silent")))
            case Op.RESTART:
                if not simulation.is_running(number):
                    if step.param("wipe"):
                        self._wipe(name)
                    simulation.restart(number)
            case Op.WIPE:
                self._wipe(name)
            case Op.STOP:
                simulation.stop(number)
            case Op.CONT:
                simulation.go_on(number)
            case Op.SLOW:
                factor = float(step.param("factor"))
                simulation.slow_down(number, round(EVENT_COST * factor) if factor > 1 else 0)
            case Op.CLOCK:
                simulation.set_clock(number, round(float(step.param("offset_s")) * SECOND))
            case Op.LIE:
                if number in self._sieves:
                    self._sieves[number].withheld = Withheld(str(step.param("withhold")))

    def _wipe(self, name: str) -> None:
        if name in self._numbers:
            self.net.nodes[self._numbers[name]].disk.wipe()

    def _harm_miner(self, name: str, step: FaultStep) -> None:
        match step.op:
            case Op.KILL | Op.STOP:
                self._idle[name] = _DEAD
            case Op.LIE if step.param("withhold") == Withheld.TRANSACTIONS:
                self._idle[name] = _CENSORS
            case Op.RESTART | Op.CONT | Op.LIE:
                self._idle.pop(name, None)

    def _harm_seed(self, name: str, step: FaultStep) -> None:
        match step.op:
            case Op.KILL | Op.STOP:
                self._let_answer(name, answers=False)
            case Op.RESTART | Op.CONT:
                self._let_answer(name, answers=True)

    def _let_answer(self, seed: str, *, answers: bool) -> None:
        """Have a seed answer with its nodes, whatever services are asked for, or not at all."""
        hosts = tuple(host(self._numbers[node]) for node in self.blueprint.seeds[seed])
        for services in _ASKED_FOR:
            self.simulation.set_name(f"x{services:x}.{seed}", hosts if answers else None)

    def _cut(self, target: str, way: Way, *, drops: bool) -> None:
        for near, far in self._sides(target):
            if way is not Way.IN:
                self._put_cut(Cut(near, far, drops))
            if way is not Way.OUT:
                self._put_cut(Cut(far, near, drops))

    def _sides(self, target: str) -> list[tuple[frozenset[int], frozenset[int] | None]]:
        """Between which programs a cut lies; None for all others."""
        for uplink in self.blueprint.uplinks:
            if uplink.name == target:
                return [(self._programs(uplink.sides[0]), self._programs(uplink.sides[1]))]
        one, bar, other = target.partition("|")
        if not bar:
            one, bar, other = target.partition("-")
        if bar:
            return [(self._programs(one.split(",")), self._programs(other.split(",")))]
        names = [name for each in target.split(",") for name in self.blueprint.members(each)]
        near = self._programs(names)
        everybody = frozenset(range(self.simulation.count))
        return [(near, everybody - near)] if near else []

    def _programs(self, names: Sequence[str]) -> frozenset[int]:
        known = [name for name in names if name in self._numbers or name in self.devices]
        return frozenset(map(self.number, known))

    def _put_cut(self, cut: Cut) -> None:
        self._cuts.append(cut)
        self.simulation.cut(cut)


_DEAD: Final = "dead"
_CENSORS: Final = "censors"
