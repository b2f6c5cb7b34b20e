"""A wallet among nodes that lie and die: one seed, one story, and what must hold of it.

Every node but one may be bad: it lies from the start (`liars`), or dies at some moment. Users pay
the wallet's owner and mine; he pays in turn. What must hold always: no payment counts as confirmed
that is in no block of the honest chain. And in the end, within `SERVICE` of the last event and with
the liars still at it: the wallet has found every payment, and his own have come through.

    young network --payments, blocks, deaths--> quiet --within SERVICE--> served, or a violation
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from axon.chain.coins import Coin
from axon.chain.store import MemoryStore
from axon.machine import MINUTE, SECOND, Endpoint, Instant, Machine
from axon.node.commands import SendTransaction
from axon.node.facts import Fact, PeerMisbehaved, ScanAdvanced
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
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.invariants import Violation
from axon.swarm.signer import Signer, Spendable
from axon.swarm.sim.byzantine import ByzantineNode, Lie
from axon.swarm.sim.lightdisk import LightDisk
from axon.swarm.sim.simulation import SimNetwork, SimNode
from axon.swarm.sim.workload import MATURITY, PAYERS, history
from axon.wallet.keys import watch
from axon.wallet.wallet import Wallet
from axon.wire.messages import Services

HOME: Final = Endpoint("99.1.0.1", REGTEST.port)
"""Where the wallet dials from."""

BOOT: Final = MINUTE
"""For the full nodes to find each other."""

EVENTS: Final = 14
EVENT_SPACING: Final = 45 * SECOND
"""Each event is a payment, a block, a death: some ten minutes of them."""

SERVICE: Final = 20 * MINUTE
"""How long the wallet may take in the end. Most of it is for the case that all it is connected to
lie in one way: then it has to find the honest one by trying further nodes."""

OWNER: Final = Signer("Bob")
_NODE_SERVICES: Final = int(
    Services.NETWORK | Services.WITNESS | Services.NETWORK_LIMITED | Services.COMPACT_FILTERS
)
_PAYMENT_SAT: Final = 50_000
_FEE_SAT: Final = 1_000


@dataclass(frozen=True, slots=True)
class LightPlan:
    """What one seed means.

    Args:
        seed: of all chance.
        lies: what the nodes do that lie, by number.
        deaths: when nodes die, by number, as an event's number.
        honest: nodes that do neither; at least number 0.
        restarts: events before which the wallet's program is killed, and comes up from its disk.
    """

    seed: int
    lies: dict[int, Lie]
    deaths: dict[int, int]
    honest: tuple[int, ...]
    restarts: tuple[int, ...] = ()


@dataclass(slots=True)
class LightReport:
    """What became of one run.

    Args:
        plan: what was to happen.
        violation: what did not hold; None if everything did.
        served_us: from the last event until the wallet had found everything.
        found: payments in the wallet at the end.
        refuted: how often a peer was caught lying.
        events: that machines took in.
        digest: the fingerprint of the run.
    """

    plan: LightPlan
    violation: str | None = None
    served_us: int | None = None
    found: int = 0
    refuted: int = 0
    events: int = 0
    digest: str = ""

    @property
    def seed(self) -> int:
        """It was run with."""
        return self.plan.seed

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return self.violation is None

    def __str__(self) -> str:
        lies = ", ".join(f"{number} {lie.value}" for number, lie in self.plan.lies.items())
        deaths = ", ".join(map(str, self.plan.deaths))
        text = f"seed {self.plan.seed}: liars {lies or 'none'}; deaths {deaths or 'none'}"
        if self.violation is not None:
            nodes = len(self.plan.lies) + len(self.plan.deaths) + len(self.plan.honest)
            replay = f"axon sim --wallet --seeds {self.seed} --nodes {nodes}"
            return f"{text}; {self.violation}; again: {replay}"
        return f"{text}; served after {(self.served_us or 0) // SECOND} s"


def plan_light(seed: int, nodes: int) -> LightPlan:
    """Draw what each node is; node 0 is honest and lives."""
    rng = Random(f"light {seed}")
    lies: dict[int, Lie] = {}
    deaths: dict[int, int] = {}
    kinds = list(Lie)
    share = rng.random()  # How many are bad differs from run to run, up to all but one.
    for number in range(1, nodes):
        if rng.random() < share:
            if rng.random() < 0.7:
                lies[number] = kinds[int(rng.random() * len(kinds))]
            else:
                deaths[number] = int(rng.random() * EVENTS)
    honest = tuple(number for number in range(nodes) if number not in {**lies, **deaths})
    often = rng.random() - 0.5  # In half of all runs it is never restarted.
    restarts = tuple(event for event in range(EVENTS) if rng.random() < often)
    return LightPlan(seed, lies, deaths, honest, restarts)


def run_light(seed: int, nodes: int = 10) -> LightReport:
    """Play one seed."""
    return play_light(plan_light(seed, nodes), nodes)


def play_light(plan: LightPlan, nodes: int) -> LightReport:
    """Play one plan."""
    report = LightReport(plan)
    story = _Story(plan, nodes, report)
    try:
        story.play()
    except Violation as violation:
        report.violation = str(violation)
    report.events = story.net.simulation.trace.events
    report.digest = story.net.simulation.trace.digest()
    return report


class _Story:
    """One run."""

    def __init__(self, plan: LightPlan, nodes: int, report: LightReport) -> None:
        self._plan = plan
        self._report = report
        self.net = SimNetwork(
            plan.seed,
            nodes,
            history=history(1_700_000_000 * SECOND),
            disguise=self._disguise,
        )
        self._rng = self.net.simulation.random("light story")
        descriptor = f"wpkh({OWNER.public_key.hex()})"
        self.wallet = Wallet.create(
            MemoryStore(), REGTEST, watch(REGTEST, descriptor), birthday_s=0
        )
        self._disk = LightDisk()
        self._own: dict[Txid, Transaction] = {}
        self._number = -1

    def play(self) -> None:
        """From the first block to the last check.

        Raises:
            Violation: something did not hold.
        """
        net = self.net
        net.run(BOOT)
        self._number = self._add_light()
        for event in range(EVENTS):
            for number, when in self._plan.deaths.items():
                if when == event:
                    net.crash(number, lose=False, silent=self._rng.random() < 0.5)
            if event in self._plan.restarts:
                net.simulation.crash(self._number)
                net.simulation.restart(self._number)
            self._act()
            net.run(int(EVENT_SPACING * (0.5 + self._rng.random())))
            self._check_truth()
        net.mine(0, PAYERS[0].script)
        net.run(SECOND)
        began = net.now
        served = net.simulation.run_until(self._is_served, began + SERVICE)
        self._check_truth()
        if not served:
            raise Violation("L3", f"not served within {SERVICE // MINUTE} minutes: {self._lack()}")
        self._report.served_us = net.now - began
        self._report.found = len(self.wallet.ledger.confirmed)

    # What happens.

    def _act(self) -> None:
        draw = self._rng.random()
        if draw < 0.4:
            self._pay_owner()
        elif draw < 0.6:
            self._owner_pays()
        else:
            self.net.mine(0, PAYERS[int(self._rng.random() * len(PAYERS))].script)

    def _pay_owner(self) -> None:
        payer = PAYERS[0]
        coins = self._coins_of(payer)
        if not coins:
            return
        coin = coins[int(self._rng.random() * len(coins))]
        change_sat = coin.amount_sat - _PAYMENT_SAT - _FEE_SAT
        outputs = [TxOut(_PAYMENT_SAT, OWNER.script), TxOut(change_sat, payer.script)]
        where = self._plan.honest[int(self._rng.random() * len(self._plan.honest))]
        self.net.simulation.command(where, SendTransaction(payer.pay([coin], outputs)))

    def _owner_pays(self) -> None:
        """He pays with a coin that his wallet knows, through his wallet alone."""
        for coin in self.wallet.coins():
            if coin.confirmations and not coin.immature:
                left_sat = coin.amount_sat - _FEE_SAT
                spent = Spendable(coin.outpoint, coin.amount_sat)
                payment = OWNER.pay([spent], [TxOut(left_sat, PAYERS[2].script)])
                self._own[payment.txid] = payment
                now_s = self.net.simulation.clock(self._number) // SECOND
                self.wallet.record_sent(payment, now_s)
                self.net.simulation.command(self._number, SendTransaction(payment))
                return

    def _coins_of(self, signer: Signer) -> list[Spendable]:
        machine = self.net.machine(0)
        height = machine.active.height + 1
        return [
            Spendable(point, coin.amount_sat)
            for point, coin in machine.coins.items()
            if coin.script_pubkey == signer.script
            and coin.amount_sat > 2 * _PAYMENT_SAT
            and (not coin.coinbase or height - coin.height >= MATURITY)
            and machine.pool.spender(point) is None
        ]

    # What must hold.

    def _check_truth(self) -> None:
        """S7: what the wallet calls confirmed is in the honest chain, where it says."""
        active = self.net.machine(0).active
        for txid, confirmation in self.wallet.ledger.confirmed.items():
            entry = active.at(confirmation.height)
            if entry is None or entry.hash != confirmation.hash:
                raise Violation("S7", f"{to_hex(txid)} counts as confirmed in no honest block")

    def _is_served(self) -> bool:
        return not self._lack()

    def _lack(self) -> str:
        """What the wallet does not know of the honest chain, or the chain of the wallet's."""
        machine = self.net.machine(0)
        light = self.net.simulation.machine(self._number)
        assert isinstance(light, SpvNode)
        if light.headers.best is not machine.active.tip and (
            light.headers.best.hash != machine.active.tip.hash
        ):
            return f"it is at height {light.headers.best.height} of {machine.active.height}"
        if not light.is_synced:
            return f"it has scanned up to {light.scan.height} of {machine.active.height}"
        missing = [txid for txid in self._truth() if txid not in self.wallet.ledger.confirmed]
        if missing:
            return f"it has not found {len(missing)} confirmed payments"
        for txid in self._own:
            known = txid in machine.pool or txid in self.wallet.ledger.confirmed
            if not known:
                return f"his payment {to_hex(txid)} did not come through"
        return ""

    def _truth(self) -> list[Txid]:
        """All transactions in honest blocks that pay to the owner."""
        found: list[Txid] = []
        for raw in self.net.nodes[0].disk.blocks:
            block = Block.decode(raw)
            for item in block.transactions:
                if any(output.script_pubkey == OWNER.script for output in item.outputs):
                    found.append(item.txid)
        return found

    # Who takes part.

    def _disguise(self, node: SimNode, machine: FullNode) -> Machine:
        lie = self._plan.lies.get(node.number)
        if lie is None:
            return machine
        stale_height = machine.active.height

        def read(block_hash: BlockHash) -> tuple[Block, list[list[Coin]]]:
            assert node.ledger is not None, "a node boots before it lies"
            raw = node.ledger.validator.read_block(block_hash)
            spent = node.ledger.validator.read_spent(block_hash)
            assert raw is not None, "it has the blocks of its chain"
            return Block.decode(raw), spent or []

        return ByzantineNode(
            machine, lie, frozenset((HOME.host,)), (OWNER.script,), stale_height, read
        )

    def _add_light(self) -> int:
        simulation = self.net.simulation

        def boot(now: Instant) -> SpvNode:
            rng = simulation.random("light", now)
            addrman = AddrMan(rng, lab=True)
            for node in self.net.nodes:
                address = address_of(node.endpoint)
                assert address is not None, "nodes have IPv4 addresses"
                told = TimedAddress(now // SECOND, _NODE_SERVICES, address)
                addrman.add([told], address, now)
            connections = ConnectionsConfig(
                port=REGTEST.port,
                max_connections=6,
                v2=False,
                lab=True,
                needs=int(Services.COMPACT_FILTERS),
            )
            headers, filter_headers = self._disk.load()
            mark = self.wallet.scanned
            return SpvNode(
                LinkSettings(network=REGTEST, connections=connections),
                headers=headers,
                filter_headers=filter_headers,
                start=ScanStart(None, None) if mark is None else ScanStart(mark.height, mark.hash),
                unconfirmed=self.wallet.unconfirmed_own(),
                addrman=addrman,
                bans=BanList(),
                rng=rng,
                now=now,
            )

        return simulation.add(
            boot,
            HOME,
            perform=lambda job: perform(self.wallet, self._disk, job),
            on_report=self._reported,
            listens=False,
        )

    def _reported(self, fact: object, _now: Instant) -> None:
        assert isinstance(fact, Fact)
        if isinstance(fact, PeerMisbehaved):
            self._report.refuted += 1
            host = fact.address.rpartition(":")[0]
            number = self.net.simulation.number_of(host)
            if number not in self._plan.lies:
                raise Violation("S9", f"the wallet blames honest {number}: {fact.rule}")
        if isinstance(fact, ScanAdvanced):
            self._check_truth()
