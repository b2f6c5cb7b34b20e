"""A network of full nodes in virtual time: the real protocol code, validated by the in-memory
validator.

Each node is the `FullNode` that runs on sockets; its world is `drivers/sim`. What it has on disk is
a `simdisk.Disk`: a crash may take back what was not synced. Payments are signed like real ones,
though the in-memory validator does not run scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderTree
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.drivers.linkmodel import LinkModel
from axon.drivers.sim.driver import Simulation
from axon.machine import MILLISECOND, SECOND, Endpoint, Instant, Machine
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.mining.miner import mine
from axon.mining.template import next_template
from axon.node.commands import SendTransaction, SubmitBlock, Submitted
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.jobs import ValidateBlock, VerifyScripts
from axon.node.settings import NodeSettings
from axon.node.work import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.requests import address_of
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected
from axon.swarm.sim.simdisk import Disk, LedgerOnDisk

PORT: Final = REGTEST.port
KNOWN_AT_START: Final = 8
"""Addresses of other nodes that a new one knows."""

_TRIES: Final = 10_000


def host(number: int) -> str:
    """The address of a node: each in a netgroup (/16) of its own."""
    return f"{127 if number < 250 else 100}.{1 + number % 250}.{number // 250}.1"


@dataclass(slots=True)
class SimNode:
    """One node of a simulated network.

    Args:
        number: counts up from 0, the same as its number in the simulation.
        disk: outlives crashes.
        ledger: of the present run.
        host: its address; None for an IPv4 one by its number.
        peers: what it has written of known addresses (`peers.dat`); empty for nothing.
        facts: how often each kind of fact was reported, over all runs.
    """

    number: int
    disk: Disk
    ledger: LedgerOnDisk | None = None
    peers: bytes = b""
    host: str | None = None
    facts: dict[str, int] = field(default_factory=dict)

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return Endpoint(self.host or host(self.number), PORT)


class SimNetwork:
    """Full nodes that find each other in virtual time.

    Args:
        seed: of all chance.
        count: how many nodes.
        link: what links are like; the default if None.
        contacts: which addresses a node knows at first, by its number; None for a few at random.
        history: blocks that every node has on its disk at the start, parents first.
        on_fact: is told every fact: the node's number, the fact, and the node's own time.
        settings: changes a node's settings, given its number; None to leave them as they are.
        disguise: what stands in a node's place towards others, given its number; None for itself.
        perform: does a job of a node's; None for as ever.
        hosts: the addresses of nodes that are no IPv4 ones, as onion services; by number.
    """

    def __init__(
        self,
        seed: int,
        count: int,
        *,
        link: LinkModel | None = None,
        contacts: Callable[[int], Sequence[int]] | None = None,
        history: Sequence[bytes] = (),
        on_fact: Callable[[int, Fact, Instant], None] | None = None,
        settings: Callable[[int, NodeSettings], NodeSettings] | None = None,
        disguise: Callable[[SimNode, FullNode], Machine] | None = None,
        perform: Callable[[SimNode, object], object] | None = None,
        hosts: Mapping[int, str] | None = None,
    ) -> None:
        self.simulation = Simulation(seed, link=link)
        self.world = World()
        self._rng = self.simulation.random("network")
        self._contacts = contacts
        self._count = count
        self._on_fact = on_fact
        self._change = settings
        self._disguise = disguise
        self._perform = perform or _perform
        self._behind: dict[int, FullNode] = {}  # Those in disguise.
        named = hosts or {}
        self.nodes = [
            SimNode(number, Disk(list(history)), host=named.get(number)) for number in range(count)
        ]
        for node in self.nodes:
            self._add(node)

    @property
    def now(self) -> Instant:
        """Virtual time."""
        return self.simulation.now

    def machine(self, number: int) -> FullNode:
        """A node's machine."""
        machine = self._behind.get(number) or self.simulation.machine(number)
        assert isinstance(machine, FullNode)
        return machine

    def _add(self, node: SimNode) -> None:
        number = node.number

        def boot(now: Instant) -> Machine:
            made = self._boot(node, now)
            if self._disguise is None:
                return made
            self._behind[number] = made
            return self._disguise(node, made)

        def reported(fact: object, now: Instant) -> None:
            name = type(fact).__name__
            node.facts[name] = node.facts.get(name, 0) + 1
            if self._on_fact is not None:
                assert isinstance(fact, Fact)
                self._on_fact(number, fact, now)

        self.simulation.add(
            boot,
            node.endpoint,
            perform=partial(self._perform, node),
            job_time_us=_job_time,
            on_report=reported,
            listens=self.settings(number).listen_port is not None,
        )

    def settings(self, number: int) -> NodeSettings:
        """The settings with which a node runs."""
        own = address_of(self.nodes[number].endpoint)
        assert own is not None, "nodes have addresses"
        settings = NodeSettings(
            network=REGTEST,
            connections=ConnectionsConfig(port=PORT, v2=False, lab=True),
            user_agent=f"/axon:sim({number})/",
            listen_port=PORT,
            own_addresses=(own,),
            announce_pool=True,
        )
        return settings if self._change is None else self._change(number, settings)

    def _boot(self, node: SimNode, now: Instant) -> FullNode:
        """A node as it comes up from its disk."""
        rng = self.simulation.random("node", node.number, now)
        validator = MemoryValidator(self.world, partial(self.simulation.clock, node.number))
        kept, node.disk.blocks = node.disk.blocks, []
        ledger = node.ledger = LedgerOnDisk(validator, node.disk)
        headers = HeaderTree(REGTEST)
        active = ActiveChain(headers.genesis)
        for raw in kept:
            self._load(raw, ledger, headers, active, now)
        node.disk.sync()
        held = {Header(raw[:HEADER_SIZE]).hash: None for raw in node.disk.blocks}
        entries = [entry for item in held if (entry := headers.get(item)) is not None]
        return FullNode(
            self.settings(node.number),
            headers=headers,
            active=active,
            stored=frozenset(entry.hash for entry in entries if not active.contains(entry)),
            coins=ledger.coins,
            filters=ledger.filters,
            pool=Mempool(Policy()),
            addrman=self._addresses(node, rng, now),
            bans=BanList(),
            rng=rng,
            now=now,
            lag=ledger.lag,
        )

    def _load(
        self,
        raw: bytes,
        ledger: LedgerOnDisk,
        headers: HeaderTree,
        active: ActiveChain,
        now: Instant,
    ) -> None:
        """Take one block from the disk; one whose parent was lost is lost too."""
        if isinstance(headers.add(Header(raw[:HEADER_SIZE]), now), Rejected):
            return
        outcome = ledger.validate(raw)
        for _ in outcome.disconnected:
            active.disconnect()
        for step in outcome.connected:
            entry = headers.get(step.hash)
            assert entry is not None, "headers come before blocks"
            active.connect(entry)

    def _addresses(self, node: SimNode, rng: Random, now: Instant) -> AddrMan:
        if node.peers:
            return AddrMan.decode(node.peers, rng, lab=True)
        addrman = AddrMan(rng, lab=True)
        if self._contacts is not None:
            numbers = list(self._contacts(node.number))
        else:
            others = [number for number in range(self._count) if number != node.number]
            numbers = []
            for _ in range(min(KNOWN_AT_START, len(others))):
                numbers.append(others.pop(int(rng.random() * len(others))))
        services = self.settings(node.number).services
        source = address_of(node.endpoint)
        assert source is not None, "nodes have addresses"
        for number in numbers:
            address = address_of(self.nodes[number].endpoint)
            assert address is not None, "nodes have addresses"
            told = TimedAddress(now // SECOND, services, address)
            addrman.add([told], source, now)
        return addrman

    # What users do.

    def mine(self, number: int, script: bytes, *, empty: bool = False) -> Block:
        """Have a node find the next block at once and submit it to itself; the block.

        Args:
            number: of the node.
            script: who is paid.
            empty: the block holds no transactions of the pool.
        """
        now_s = self.simulation.clock(number) // SECOND
        machine = self.machine(number)
        if empty:
            template = next_template(REGTEST, machine.active.tip, (), now_s)
        else:
            template = machine.template(now_s)
        nonce = int(self._rng.random() * (1 << 32)).to_bytes(4, "little")
        block = mine(template.build(script, nonce), _TRIES)
        assert block is not None, "on regtest every second hash will do"
        self.simulation.command(number, SubmitBlock(block))
        return block

    def submit(self, number: int, block: Block) -> Submitted:
        """Hand a block to a node and wait for the answer."""
        answer = self.simulation.ask(number, SubmitBlock(block))
        assert isinstance(answer, Submitted)
        return answer

    def send(self, number: int, transaction: Transaction) -> object:
        """Hand a transaction to a node and wait for the answer."""
        return self.simulation.ask(number, SendTransaction(transaction))

    # What happens to them.

    def crash(self, number: int, *, lose: bool = True, silent: bool = False) -> None:
        """Kill a node; with `lose` a part of what it had not synced is gone.

        Args:
            number: of the node.
            lose: the power fails, so what was not synced may be lost.
            silent: its host goes down with it: peers are not told.
        """
        self.simulation.crash(number, silent=silent)
        if lose:
            self.nodes[number].disk.lose_unsynced(self._rng)

    def restart(self, number: int, *, wipe: bool = False) -> None:
        """Start a node again, with a new disk if wanted."""
        if wipe:
            self.nodes[number].disk.wipe()
        self.simulation.restart(number)

    # What is seen.

    def run(self, duration_us: int) -> None:
        """Let time pass."""
        self.simulation.run(self.now + duration_us)

    def running(self) -> list[int]:
        """The numbers of nodes that run."""
        return [node.number for node in self.nodes if self.simulation.is_running(node.number)]

    def tips(self) -> dict[int, BlockHash]:
        """The tip of each running node."""
        return {number: self.machine(number).active.tip.hash for number in self.running()}

    def agrees(self) -> bool:
        """Whether all running nodes stand on one block."""
        return len(set(self.tips().values())) == 1

    def settle(self, within_us: int) -> bool:
        """Let time pass until all agree; whether they did."""
        return self.simulation.run_until(self.agrees, self.now + within_us)


def _perform(node: SimNode, job: object) -> object:
    assert node.ledger is not None, "a node boots before it works"
    return perform(node.ledger, job)


def _job_time(job: object) -> int:
    match job:
        case ValidateBlock():
            return 5 * MILLISECOND
        case VerifyScripts():
            return MILLISECOND // 5
    return MILLISECOND
