"""A blueprint raised in virtual time: its nodes, wallets, miners, seeds and uplinks, to be harmed.

What is done to it comes as steps of a fault plan, and says by name to which component. A host or a
group is harmed by harming all that are on it; what programs only use is in `surroundings`, and
miners are in `trialminers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from axon.drivers.linkmodel import LinkModel
from axon.drivers.sim.network import Cut, Shaping
from axon.errors import StorageError
from axon.machine import MILLISECOND, SECOND, Endpoint, Instant, Machine
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.jobs import ReadBlock, VerifyScripts
from axon.node.settings import NodeSettings
from axon.node.spv import SpvNode
from axon.node.work import perform
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.p2p.requests import address_of
from axon.payments.walletnode import WalletNode
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Rejected
from axon.swarm.blueprint import Blueprint, ComponentClass, NodePlan, WalletPlan
from axon.swarm.faultplan import FaultStep, Op, Way, Withheld
from axon.swarm.planfit import sides_of
from axon.swarm.signer import Signer
from axon.swarm.sim.lightprogram import Device, Ways, add_light, watching_wallet
from axon.swarm.sim.lookout import Lookout
from axon.swarm.sim.payingprogram import PayingDevice
from axon.swarm.sim.simulation import PORT, SimNetwork, SimNode, host
from axon.swarm.sim.surroundings import USED, Surroundings
from axon.swarm.sim.trialminers import TEMPLATE_TIME, Miners
from axon.swarm.withholder import Withholder

EVENT_COST: Final = MILLISECOND
"""What one event costs a program that is not slow, about; a slow one takes a multiple of it."""


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
        self._names: list[str] = [
            plan.name for plan in self._plans
        ]  # By number; wallets come behind nodes.
        self._sieves: dict[int, Withholder] = {}
        self.on_fact: Callable[[str, FullNode, Fact], None] | None = None
        self.lookout = Lookout()
        self.net = SimNetwork(
            seed,
            len(self._plans),
            history=history,
            link=link,
            contacts=self._contacts,
            settings=self._settings,
            disguise=self._sieve,
            perform=self._perform,
            on_fact=self._told,
        )
        self.simulation = self.net.simulation
        if newcomer is not None:  # It is there from the start, and down until it is to come.
            self.net.crash(self._numbers[newcomer.name], lose=False)
            self.net.nodes[self._numbers[newcomer.name]].disk.wipe()
        self.devices: dict[str, Device] = {}
        self._surroundings = Surroundings(
            blueprint, self.simulation, self._find, self._lose, self._start_again
        )
        for plan in self._plans:
            self._guard(plan)
        for wallet in blueprint.wallets:
            self.add_wallet(wallet)
        self._cuts: list[Cut] = []
        self._shapings: list[Shaping] = []
        self._slowness: dict[str, float] = {}  # By which factor, of programs that are slow.
        self.miners = Miners(self.net, blueprint.miners, self.number, self._answer_us)

    # Who takes part.

    @property
    def now(self) -> Instant:
        """Virtual time."""
        return self.simulation.now

    @property
    def is_mining(self) -> bool:
        """Whether blocks are found at all; else all miners rest."""
        return not self.miners.rest

    @is_mining.setter
    def is_mining(self, is_mining: bool) -> None:
        self.miners.rest = not is_mining

    def number(self, name: str) -> int:
        """Of a node or a wallet in the simulation."""
        if name in self._numbers:
            return self._numbers[name]
        return self.devices[name].number

    def name(self, number: int) -> str:
        """Of a node or a wallet."""
        return self._names[number]

    def node(self, name: str) -> FullNode:
        """A node's machine."""
        return self.net.machine(self._numbers[name])

    def light(self, name: str) -> SpvNode:
        """A wallet's machine."""
        machine = self.simulation.machine(self.devices[name].number)
        if isinstance(machine, WalletNode):
            return machine.spv
        assert isinstance(machine, SpvNode)
        return machine

    def paying(self, name: str) -> PayingDevice:
        """A wallet that pays and is paid directly."""
        device = self.devices[name]
        assert isinstance(device, PayingDevice), f"{name} is none of these"
        return device

    def script_of(self, name: str) -> bytes:
        """Where a wallet is paid; it need not have come yet."""
        device = self.devices.get(name)
        return device.script if isinstance(device, PayingDevice) else self.signer(name).script

    def is_node(self, name: str) -> bool:
        """Whether it is a node; else it is a wallet."""
        return name in self._numbers

    def name_at(self, host: str) -> str | None:
        """Of the node or wallet at an address."""
        number = self.simulation.number_of(host)
        return None if number is None or number >= len(self._names) else self._names[number]

    def is_running(self, name: str) -> bool:
        """Whether its program runs; it may be stopped where it is."""
        return self.simulation.is_running(self.number(name))

    def add_wallet(self, plan: WalletPlan) -> Device:
        """Raise a wallet with an empty disk."""
        place = 1 + len(self.devices)
        home = Endpoint(f"99.{place // 250}.{place % 250}.1", PORT)
        ways = Ways(
            tuple(map(self._endpoint, plan.knows)),
            None if plan.dials is None else tuple(map(self._endpoint, plan.dials)),
            plan.seeds,
        )
        device: Device
        if self.blueprint.payees and plan in self.blueprint.wallets:
            device = paying = PayingDevice(plan.name)
            told = partial(self._wallet_told, device)
            paying.start(self.simulation, home, ways, listens=plan.listens, on_report=told)
        else:
            device = Device(watching_wallet(self.signer(plan.name)))
            told = partial(self._wallet_told, device)
            device.number = add_light(self.simulation, device, home, ways, on_report=told)
        self.devices[plan.name] = device
        assert device.number == len(self._names), "programs are numbered as they come"
        self._names.append(plan.name)
        self._surroundings.settle(plan.name)
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
            announce_pool=True,
            blocks_only=not plan.relays,
            serve_filters=plan.filters,
            prune_target_bytes=0 if plan.keeps_blocks else None,
        )

    def _guard(self, plan: NodePlan) -> None:
        if plan.admits is not None:
            hosts = frozenset(self._endpoint(node).host for node in plan.admits)
            self.simulation.admit_only(self._numbers[plan.name], hosts)

    def _perform(self, node: SimNode, job: object) -> object:
        """A job of a node, as its disk and its release allow it."""
        plan, ledger = self._plans[node.number], node.ledger
        assert ledger is not None, "a node boots before it works"
        if node.disk.is_lost:
            raise StorageError("the node's folder is gone")
        match job:
            case VerifyScripts(transaction, _) if transaction.version > plan.max_tx_version:
                return Rejected("version")
            case ReadBlock(block_hash, _) if plan.keeps_blocks:
                machine = self.net.machine(node.number)
                entry = machine.headers.get(block_hash)
                lowest = machine.active.height - plan.keeps_blocks
                if entry is not None and entry.height < lowest:
                    return None
        return perform(ledger, job)

    def _sieve(self, node: SimNode, made: FullNode) -> Machine:
        before = self._sieves.get(node.number)
        sieve = self._sieves[node.number] = Withholder(made)
        if before is not None:
            sieve.withheld = before.withheld
        return sieve

    def _wallet_told(self, device: Device, fact: object, _now: Instant) -> None:
        if device.number >= 0 and isinstance(fact, Fact):  # Else it is just being raised.
            machine = self.simulation.machine(device.number)
            light = machine.spv if isinstance(machine, WalletNode) else machine
            self.lookout.wallet_told(device.number, light, fact)

    def _told(self, number: int, fact: Fact, _now: Instant) -> None:
        self.lookout.told(number, self.net.machine(number), fact)
        if self.on_fact is not None:
            self.on_fact(self._plans[number].name, self.net.machine(number), fact)

    def answers(self, node: str) -> bool:
        """Whether a node's program runs and is not stopped where it is."""
        number = self._numbers[node]
        return self.simulation.is_running(number) and not self.simulation.is_stopped(number)

    def _answer_us(self, node: str) -> int | None:
        """How long a miner waits for a node's answer; None if there will be none."""
        factor = self._slowness.get(node, 1)
        return round(TEMPLATE_TIME * factor) if self.answers(node) else None

    # What is done to them.

    def apply(self, step: FaultStep) -> None:
        """Do one step of a fault plan.

        Raises:
            KeyError: it names a component that this network does not have.
        """
        match step.op:
            case Op.CUT:
                self._cut(step.target, Way(str(step.param("way"))), drops=bool(step.param("drops")))
            case Op.LINK:
                self._shape(step.target, Way(str(step.param("way"))), step.link().model())
            case Op.HEAL:
                self._heal()
            case _:
                for target in step.target.split(","):
                    for name in self.blueprint.members(target):
                        self._harm(name, step)

    def _harm(self, name: str, step: FaultStep) -> None:
        kind = self.blueprint.components().get(name, ComponentClass.NODE)
        if kind is ComponentClass.MINER:
            self.miners.harm(name, step)
        elif kind in USED:
            self._surroundings.harm(name, step)
        else:
            self._harm_program(name, step)

    def _harm_program(self, name: str, step: FaultStep) -> None:
        number, simulation = self.number(name), self.simulation
        match step.op:
            case Op.KILL:
                simulation.crash(number, silent=bool(step.param("silent")))
            case Op.RESTART:
                if not (simulation.is_running(number) or self._surroundings.has_lost(name)):
                    if step.param("wipe"):
                        self._wipe(name)
                    self._start_again(number)
            case Op.WIPE:
                self._wipe(name)
            case Op.STOP:
                simulation.stop(number)
            case Op.CONT:
                simulation.go_on(number)
            case Op.SLOW:
                factor = self._slowness[name] = float(step.param("factor"))
                simulation.slow_down(number, round(EVENT_COST * factor) if factor > 1 else 0)
            case Op.CLOCK:
                simulation.set_clock(number, round(float(step.param("offset_s")) * SECOND))
            case Op.LIE:
                if number in self._sieves:
                    self._sieves[number].withheld = Withheld(str(step.param("withhold")))

    def _start_again(self, number: int) -> None:
        self.lookout.restarted(number, disk_failed=number in self.simulation.failures)
        self.simulation.restart(number)
        for device in self.devices.values():
            if device.number == number and isinstance(device, PayingDevice):
                device.open_words(self.simulation)

    def _wipe(self, name: str) -> None:
        if name in self._numbers:
            self.net.nodes[self._numbers[name]].disk.wipe()

    def _find(self, name: str) -> int | None:
        device = self.devices.get(name)
        return self._numbers.get(name) if device is None else device.number

    def _lose(self, name: str, lost: bool) -> None:
        """Take a program's folder away, or put it back."""
        if name in self.devices:
            self.devices[name].disk.is_lost = lost
        else:
            self.net.nodes[self._numbers[name]].disk.is_lost = lost

    def _cut(self, target: str, way: Way, *, drops: bool) -> None:
        near, far = self._sides(target)
        if far is None:
            coming = self.blueprint.newcomer_wallet is not None
            far = frozenset(range(self.simulation.count + coming)) - near
        if way is not Way.IN:
            self._put_cut(Cut(near, far, drops))
        if way is not Way.OUT:
            self._put_cut(Cut(far, near, drops))

    def _sides(self, target: str) -> tuple[frozenset[int], frozenset[int] | None]:
        """Between which programs something is done; None for all others."""
        near, far = sides_of(self.blueprint, target)
        return self._programs(near), None if far is None else self._programs(far)

    def _programs(self, names: Sequence[str]) -> frozenset[int]:
        """By number; the wallet that comes new is the next, while it has not come."""
        coming, known = len(self._names), (*self._numbers, *self.devices)
        return frozenset(self.number(name) if name in known else coming for name in names)

    def _shape(self, target: str, way: Way, model: LinkModel) -> None:
        near, far = self._sides(target)
        if way is not Way.IN:
            self._put_shaping(Shaping(near, far, model))
        if way is not Way.OUT:
            self._put_shaping(Shaping(far, near, model))

    def _put_shaping(self, shaping: Shaping) -> None:
        self._shapings.append(shaping)
        self.simulation.shape_ways(shaping)

    def _heal(self) -> None:
        cuts, self._cuts = self._cuts, []
        for cut in cuts:
            self.simulation.mend(cut)
        shapings, self._shapings = self._shapings, []
        for shaping in shapings:
            self.simulation.unshape(shaping)

    def _put_cut(self, cut: Cut) -> None:
        self._cuts.append(cut)
        self.simulation.cut(cut)
