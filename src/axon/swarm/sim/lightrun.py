"""A wallet among nodes that lie and die: one seed, one story, and what must hold of it.

Every node but one may be bad: it lies from the start (`liars`), or dies at some moment. Users pay
the wallet's owner and mine; he pays in turn. His program is killed and comes up from its disk, his
clock may be wrong until the end, he may have two devices with one seed, and some who pay him take
it back. What must hold always: no payment counts as confirmed that is in no block of the honest
chain, and what `lightjudge` says. And in the end, within `SERVICE` of the last event and with the
liars still at it: the wallet has found every payment, his own have come through, and what was taken
back has gone.

    young network --payments, blocks, deaths--> quiet --within SERVICE--> served, or a violation
"""

from __future__ import annotations

from functools import partial
from typing import Final

from axon.chain.coins import Coin
from axon.chain.store import MemoryStore
from axon.host.lightwallet import check_scripts
from axon.machine import MINUTE, SECOND, Endpoint, Instant, Machine
from axon.node.commands import SendTransaction
from axon.node.facts import Fact, InSync, PeerConnected, PeerMisbehaved, ScanAdvanced
from axon.node.full import FullNode
from axon.node.spv import SpvNode
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.swarm.invariants import Violation
from axon.swarm.signer import Signer, Spendable
from axon.swarm.sim.byzantine import ByzantineNode
from axon.swarm.sim.lightjudge import LightJudge
from axon.swarm.sim.lightplan import EVENTS, LightPlan, LightReport, plan_light
from axon.swarm.sim.lightprogram import Device, Ways, add_light
from axon.swarm.sim.lookout import Lookout
from axon.swarm.sim.simulation import SimNetwork, SimNode
from axon.swarm.sim.workload import MATURITY, PAYERS, history
from axon.wallet.history import PaymentState
from axon.wallet.keys import watch
from axon.wallet.wallet import Wallet

HOME: Final = Endpoint("99.1.0.1", REGTEST.port)
TWIN_HOME: Final = Endpoint("99.2.0.1", REGTEST.port)
"""Where the owner's devices dial from."""

BOOT: Final = MINUTE
"""For the full nodes to find each other."""

EVENT_SPACING: Final = 45 * SECOND
"""On average from one event to the next: some ten minutes of them."""

SERVICE: Final = 20 * MINUTE
"""How long the wallet may take in the end. Most of it is for the case that all it is connected to
lie in one way: then it has to find the honest one by trying further nodes."""

OWNER: Final = Signer("Bob")
_PAYMENT_SAT: Final = 50_000
_FEE_SAT: Final = 1_000


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
    report.sometimes = story.lookout.found.to_json()
    report.events = story.net.simulation.trace.events
    report.digest = story.net.simulation.trace.digest()
    return report


def _new_wallet() -> Wallet:
    descriptor = f"wpkh({OWNER.public_key.hex()})"
    wallet = Wallet.create(MemoryStore(), REGTEST, watch(REGTEST, descriptor), birthday_s=0)
    wallet.check_scripts = check_scripts
    return wallet


class _Story:
    """One run."""

    def __init__(self, plan: LightPlan, nodes: int, report: LightReport) -> None:
        self._plan = plan
        self._report = report
        self.lookout = Lookout()
        self.net = SimNetwork(
            plan.seed,
            nodes,
            history=history(1_700_000_000 * SECOND),
            disguise=self._disguise,
            on_fact=self._told,
        )
        self._judging = False  # All nodes are up.
        self._judge = LightJudge(self.net, plan.honest, OWNER.script)
        self._rng = self.net.simulation.random("light story")
        self.devices = [Device(_new_wallet()) for _ in range(1 + plan.twin)]
        self._closed = False
        self._own: dict[Txid, Transaction] = {}
        self._taken_back: dict[Txid, Transaction] = {}  # Promises, with what spends the same.

    def play(self) -> None:
        """From the first block to the last check.

        Raises:
            Violation: something did not hold.
        """
        net = self.net
        net.run(BOOT)
        self._judging = True
        for device, home in zip(self.devices, (HOME, TWIN_HOME), strict=False):
            device.number = self._add_light(device, home)
        for event in range(EVENTS):
            for number, when in self._plan.deaths.items():
                if when == event:
                    net.crash(number, lose=False, silent=self._rng.random() < 0.5)
            if event in self._plan.restarts:
                self._act_while_closed()
            else:
                self._act()
            net.run(int(EVENT_SPACING * (0.5 + self._rng.random())))
            self._check_truth()
        for device in self.devices:
            net.simulation.set_clock(device.number, 0)
        net.mine(0, PAYERS[0].script)
        net.run(SECOND)
        began = net.now
        served = net.simulation.run_until(self._is_served, began + SERVICE)
        self._check_truth()
        if not served:
            raise Violation("L3", f"not served within {SERVICE // MINUTE} minutes: {self._lack()}")
        self._report.served_us = net.now - began
        self._report.found = len(self.devices[0].wallet.ledger.confirmed)

    # What happens.

    def _act_while_closed(self) -> None:
        """Something happens, and half a minute passes, while no program of his runs."""
        simulation = self.net.simulation
        for device in self.devices:
            simulation.crash(device.number)
        self._closed = True
        self._act()
        self.net.run(EVENT_SPACING * 2 // 3)
        self._closed = False
        for device in self.devices:
            simulation.restart(device.number)

    def _act(self) -> None:
        draw = self._rng.random()
        if draw < 0.4:
            self._pay_owner()
        elif draw < 0.6:
            self._owner_pays(self.devices[int(self._rng.random() * len(self.devices))])
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
        promise = payer.pay([coin], outputs)
        self.net.simulation.command(self._honest_node(), SendTransaction(promise))
        if self._plan.takes_back and self._rng.random() < 0.5:
            back = payer.pay([coin], [TxOut(coin.amount_sat - 20 * _FEE_SAT, payer.script)])
            self._taken_back[promise.txid] = back
            self.net.simulation.command(self._honest_node(), SendTransaction(back))

    def _honest_node(self) -> int:
        return self._plan.honest[int(self._rng.random() * len(self._plan.honest))]

    def _owner_pays(self, device: Device) -> None:
        """He pays with a coin that a device of his knows, through that device alone."""
        for coin in device.wallet.coins():
            if coin.confirmations and not coin.immature:
                left_sat = coin.amount_sat - _FEE_SAT
                spent = Spendable(coin.outpoint, coin.amount_sat)
                payment = OWNER.pay([spent], [TxOut(left_sat, PAYERS[2].script)])
                self._own[payment.txid] = payment
                now_s = self.net.simulation.clock(device.number) // SECOND
                device.wallet.record_sent(payment, now_s)
                if not self._closed:
                    self.net.simulation.command(device.number, SendTransaction(payment))
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
        for device in self.devices:
            for txid, confirmation in device.wallet.ledger.confirmed.items():
                entry = active.at(confirmation.height)
                if entry is None or entry.hash != confirmation.hash:
                    raise Violation("S7", f"{to_hex(txid)} counts as confirmed in no honest block")
            self._judge.check(device)

    def _is_served(self) -> bool:
        return not self._lack()

    def _lack(self) -> str:
        return next(filter(None, map(self._lack_of, self.devices)), "")

    def _lack_of(self, device: Device) -> str:
        """What a device does not know of the honest chain, or the chain of the device's."""
        machine, ledger = self.net.machine(0), device.wallet.ledger
        light = self.net.simulation.machine(device.number)
        assert isinstance(light, SpvNode)
        if light.headers.best is not machine.active.tip and (
            light.headers.best.hash != machine.active.tip.hash
        ):
            return f"it is at height {light.headers.best.height} of {machine.active.height}"
        if not light.is_synced:
            return f"it has scanned up to {light.scan.height} of {machine.active.height}"
        missing = [txid for txid in self._truth() if txid not in ledger.confirmed]
        if missing:
            return f"it has not found {len(missing)} confirmed payments"
        for txid, payment in self._own.items():
            known = txid in machine.pool or txid in ledger.confirmed
            if not known and not self._is_outdone(payment):
                return f"his payment {to_hex(txid)} did not come through"
        for entry in device.wallet.history():
            back = self._taken_back.get(entry.txid)
            if back is not None and entry.state is PaymentState.UNCONFIRMED:
                if not all(map(self._is_unspent, back.prevouts)):
                    return f"{to_hex(entry.txid)} was taken back, and still counts as coming"
        return ""

    def _is_unspent(self, point: OutPoint) -> bool:
        return any(held == point for held, _ in self.net.machine(0).coins.items())

    def _is_outdone(self, payment: Transaction) -> bool:
        """Whether his other device has spent the same, so that only one of both could come."""
        machine = self.net.machine(0)
        return self._plan.twin and all(
            not self._is_unspent(point) or machine.pool.spender(point) is not None
            for point in payment.prevouts
        )

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

    def _told(self, number: int, fact: Fact, _now: Instant) -> None:
        self.lookout.told(number, self.net.machine(number), fact)
        if self._judging:
            self._judge.note_tips()

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
            machine,
            lie,
            frozenset((HOME.host, TWIN_HOME.host)),
            (OWNER.script,),
            stale_height,
            read,
        )

    def _add_light(self, device: Device, home: Endpoint) -> int:
        ways = Ways(knows=tuple(node.endpoint for node in self.net.nodes))
        return add_light(
            self.net.simulation,
            device,
            home,
            ways,
            on_report=partial(self._reported, device),
            clock_offset_us=self._plan.clock_us,
        )

    def _reported(self, device: Device, fact: object, _now: Instant) -> None:
        assert isinstance(fact, Fact)
        if device.number >= 0:
            machine = self.net.simulation.machine(device.number)
            self.lookout.wallet_told(device.number, machine, fact)
        if isinstance(fact, PeerMisbehaved):
            self._report.refuted += 1
            host = fact.address.rpartition(":")[0]
            number = self.net.simulation.number_of(host)
            if number not in self._plan.lies:
                raise Violation("S9", f"the wallet blames honest {number}: {fact.rule}")
        if isinstance(fact, ScanAdvanced) and device.number >= 0:
            self._check_truth()
        if isinstance(fact, InSync | PeerConnected) and device.number >= 0:
            self._judge.check(device)
