"""A light client in a simulated network of full nodes, some of which may lie to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from axon.chain.coins import Coin
from axon.machine import MILLISECOND, MINUTE, SECOND, Endpoint, Instant, Machine
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.node.walletjobs import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.requests import address_of
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.sim.byzantine import ByzantineNode, Lie
from axon.swarm.sim.simulation import SimNetwork, SimNode
from axon.wire.messages import Services
from tests.node.history import history
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import ALICE, BOB, FULL
from tests.signing import Spendable

HOME = Endpoint("99.1.0.1", REGTEST.port)
OTHER_HOME = Endpoint("99.1.0.2", REGTEST.port)
FILTERS = int(Services.COMPACT_FILTERS)


@dataclass
class Light:
    """A light client in a simulated network."""

    net: SimNetwork
    wallet: NaiveWallet
    number: int
    facts: list[Fact] = field(default_factory=list)

    @property
    def node(self) -> SpvNode:
        machine = self.net.simulation.machine(self.number)
        assert isinstance(machine, SpvNode)
        return machine

    def until(self, condition: Callable[[], bool], within: int = MINUTE) -> Instant:
        """Let time pass until something holds; how long it took."""
        began = self.net.now
        simulation = self.net.simulation
        assert simulation.run_until(condition, began + within), f"seed {simulation.seed}"
        return self.net.now - began

    def synced(self) -> bool:
        """Whether the wallet has seen the tip of node 0."""
        tip = self.net.machine(self.net.running()[0]).active.tip.hash
        return self.node.is_synced and self.node.headers.best.hash == tip


def light(
    net: SimNetwork,
    wallet: NaiveWallet,
    contacts: tuple[int, ...] = (0,),
    *,
    home: Endpoint = HOME,
    birthday_s: int = 0,
    alone: bool = False,
    job_time_us: Callable[[object], int] = lambda _: MILLISECOND,
) -> Light:
    """Add a light client that knows the addresses of these nodes, and what is on its disk."""

    def boot(now: Instant) -> SpvNode:
        rng = net.simulation.random("light", now)
        addrman = AddrMan(rng, lab=True)
        for number in contacts:
            address = address_of(net.nodes[number].endpoint)
            assert address is not None
            addrman.add([TimedAddress(now // SECOND, FULL | FILTERS, address)], address, now)
        connections = ConnectionsConfig(
            port=REGTEST.port, max_connections=6, v2=False, lab=True, needs=FILTERS
        )
        headers, filter_headers = wallet.disk.load()
        return SpvNode(
            LinkSettings(network=REGTEST, connections=connections),
            headers=headers,
            filter_headers=filter_headers,
            start=ScanStart(*(wallet.scanned or (None, None, birthday_s))),
            addrman=addrman,
            bans=BanList(),
            rng=rng,
            now=now,
            alone=alone,
        )

    number = net.simulation.add(
        boot,
        home,
        perform=lambda job: perform(wallet, wallet.disk, job),
        job_time_us=job_time_us,
        on_report=lambda fact, _: made.facts.append(fact),  # type: ignore[arg-type]
        listens=False,
    )
    made = Light(net, wallet, number)
    return made


def network(
    seed: int, count: int, lies: Mapping[int, Lie] | None = None, *, unseen: bytes = b""
) -> SimNetwork:
    """Full nodes with a common past, connected to each other.

    Args:
        seed: of all chance.
        count: how many.
        lies: what some do to the light client at `HOME`, by number.
        unseen: the script that blind ones leave out of their filters.
    """

    def disguise(node: SimNode, machine: FullNode) -> Machine:
        lie = (lies or {}).get(node.number)
        if lie is None:
            return machine

        def read(block_hash: BlockHash) -> tuple[Block, list[list[Coin]]]:
            assert node.ledger is not None
            raw = node.ledger.validator.read_block(block_hash)
            assert raw is not None
            return Block.decode(raw), node.ledger.validator.read_spent(block_hash) or []

        height = machine.active.height
        return ByzantineNode(machine, lie, frozenset((HOME.host,)), (unseen,), height, read)

    net = SimNetwork(seed, count, history=history(1_700_000_000 * SECOND), disguise=disguise)
    net.run(MINUTE)
    return net


def pay_bob(net: SimNetwork, amount_sat: int, which: int = 0) -> Transaction:
    """Alice pays Bob, through node 0."""
    machine = net.machine(0)
    coins = sorted(
        (coin.height, point, coin.amount_sat)
        for point, coin in machine.coins.items()
        if coin.script_pubkey == ALICE.script and machine.active.height + 1 - coin.height >= 100
    )
    _, point, held_sat = coins[which]
    change = TxOut(held_sat - amount_sat - 1_000, ALICE.script)
    paid = ALICE.pay([Spendable(point, held_sat)], [TxOut(amount_sat, BOB.script), change])
    net.send(0, paid)
    return paid
