"""A node brings a payment out privately, while all goes wrong around it, and is listened to.

Alice (0) and her friends, two bridges (1, 2), are on IPv4 and reach onion services, as the others
are. Chance decides which faults there are: onion services that crash, keep the payment to
themselves or say nothing; a proxy that ends; a network that is cut; slow and lossy links; Alice
herself.

    python -m tests.swarm.sim.privateworld FIRST COUNT    as many seeds as wanted
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from axon.drivers.linkmodel import LinkModel, Loss
from axon.drivers.sim.driver import START
from axon.drivers.sim.network import Cut, below
from axon.machine import (
    MILLISECOND,
    MINUTE,
    SECOND,
    Dial,
    Effect,
    Endpoint,
    Event,
    Instant,
    Machine,
    Opened,
    PeerId,
    Received,
    Resolve,
    Transmit,
)
from axon.node.commands import SendPrivately, SetNetworkActive
from axon.node.full import FullNode
from axon.node.outbox import PRIVATE_MESSAGES
from axon.node.settings import NodeSettings
from axon.p2p.handshake import ANONYMOUS_AGENT
from axon.p2p.redial import Target
from axon.primitives.netaddress import UNSPECIFIED, AddressNetwork, NetAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.sim.simulation import SimNetwork, SimNode, host
from axon.wire.messages import Tx, Version
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from tests.node.history import PEOPLE, history, spendable

ALICE_NODE: Final = 0
BRIDGES: Final = (1, 2)
COUNT: Final = 7
ONIONS: Final = range(3, COUNT)
WIND_UP: Final = 20 * SECOND
FAULTS_FOR: Final = 6 * MINUTE
CALM: Final = 20 * MINUTE
"""After the faults: an unconfirmed payment is stale after 5 minutes, and looked at every 3."""

_PAYER, _PAYEE = PEOPLE[:2]


def onion_host(number: int) -> str:
    """The name of a node that is an onion service."""
    key = sha256(b"onion %d" % number).digest()
    return NetAddress(AddressNetwork.TORV3, key, REGTEST.port).to_text()


@dataclass(slots=True)
class Overheard:
    """What Alice's node sent, as far as it concerns her payment.

    Args:
        clear: pieces with the payment or its names in them on connections that lead back to her,
            before it came to her from the network.
        telling: what she said on private connections and should not have.
        private: private connections that stood.
        given: of these, those on which the payment was handed over.
        looked_up: names.
    """

    clear: int = 0
    telling: list[str] = field(default_factory=list)
    private: int = 0
    given: int = 0
    looked_up: int = 0
    returned: bool = False


class Tap(Machine):
    """Alice's machine, overheard.

    Args:
        machine: hers.
        heard: takes what is of note.
    """

    def __init__(self, machine: FullNode, heard: Overheard) -> None:
        self._machine = machine
        self._heard = heard
        self._private_tickets: dict[int, None] = {}
        self._private: dict[PeerId, V1Transport] = {}
        self._announced: dict[PeerId, None] = {}  # Who said that the payment exists.
        self._ears: dict[PeerId, V1Transport] = {}
        self.secrets: tuple[bytes, ...] = ()
        self.payment: Transaction | None = None

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        match event:
            case Opened(peer, ticket=int(ticket)) if ticket in self._private_tickets:
                self._private[peer] = V1Transport(REGTEST.magic)
                self._heard.private += 1
            case Received(peer, data) if peer not in self._private and self.payment is not None:
                if any(secret in data for secret in self.secrets):
                    self._announced[peer] = None
                if not self._heard.returned:
                    self._listen(peer, data)
        return self._overhear(self._machine.handle(event, now))

    def tick(self, now: Instant) -> list[Effect]:
        return self._overhear(self._machine.tick(now))

    def deadline(self) -> Instant | None:
        return self._machine.deadline()

    def _listen(self, peer: PeerId, data: bytes) -> None:
        """Whether a friend sends the payment: from then on it is everybody's."""
        if self.payment is not None and self.payment.raw in data:
            self._heard.returned = True
            return
        # It may be cut: so only whole frames tell for sure.
        ear = self._ears.setdefault(peer, V1Transport(REGTEST.magic))
        for item in ear.received(data):
            if isinstance(item, Frame) and item.command == "tx" and self.payment is not None:
                self._heard.returned |= item.payload == self.payment.raw

    def _overhear(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            match effect:
                case Dial(ticket, private=True):
                    self._private_tickets[ticket] = None
                case Resolve():
                    self._heard.looked_up += 1
                case Transmit(peer, data) if peer in self._private:
                    self._check_private(peer, data)
                case Transmit(peer, data) if not self._heard.returned:
                    known = any(secret in data for secret in self.secrets)
                    # Whoever announced it is asked for it, as any other node would ask.
                    asks = peer in self._announced and data[4:11] == b"getdata"
                    self._heard.clear += known and not asks
        return effects

    def _check_private(self, peer: PeerId, data: bytes) -> None:
        for item in self._private[peer].received(data):
            assert isinstance(item, Frame)
            message = decode_message(item.command, item.payload)
            match message:
                case Version():
                    said = (message.services, message.time, message.start_height, message.relay)
                    if said != (0, 0, 0, False) or message.user_agent != ANONYMOUS_AGENT:
                        self._heard.telling.append(str(message))
                    if message.receiver != UNSPECIFIED:
                        self._heard.telling.append(str(message.receiver))
                case Tx():
                    self._heard.given += 1
                case _ if not isinstance(message, PRIVATE_MESSAGES):
                    self._heard.telling.append(item.command)


class Spy(Machine):
    """An onion service that takes what it is given and tells nobody, or does not even answer.

    Args:
        machine: as which it comes up.
        mute: it does not even fetch it.
        secrets: how it knows the payment.
    """

    def __init__(self, machine: FullNode, mute: bool, secrets: list[bytes]) -> None:
        self._machine = machine
        self._mute = mute
        self._secrets = secrets

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        return self._keep(self._machine.handle(event, now))

    def tick(self, now: Instant) -> list[Effect]:
        return self._keep(self._machine.tick(now))

    def deadline(self) -> Instant | None:
        return self._machine.deadline()

    def _keep(self, effects: list[Effect]) -> list[Effect]:
        """Whatever speaks of the payment stays here; a mute one does not even ask for it."""
        kept: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Transmit) and self._secrets:
                known = any(secret in effect.data for secret in self._secrets)
                asks = b"getdata" in effect.data[4:16]
                if known and (self._mute or not asks):
                    continue
            kept.append(effect)
        return kept


class PrivateWorld:
    """One run.

    Args:
        seed: of all chance, faults included.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.heard = Overheard()
        self._rng = SimRandom(seed)
        self._secrets: list[bytes] = []
        self._taps: list[Tap] = []
        self._alice_fell = False
        roles = {n: self._rng.pick(("honest", "honest", "spy", "mute")) for n in ONIONS}
        roles[ONIONS[0]] = "honest"  # One is always left, so that it can come out at all.
        self._roles = roles
        slow = LinkModel(
            latency_us=(5 * MILLISECOND, 400 * MILLISECOND),
            jitter_us=(0, 200 * MILLISECOND),
            loss=Loss(0.03) if self._rng.chance(0.5) else None,
        )
        self.network = SimNetwork(
            seed,
            COUNT,
            history=history(START),
            contacts=lambda number: [n for n in range(COUNT) if n != number],
            hosts={number: onion_host(number) for number in ONIONS},
            settings=self._settings,
            disguise=self._disguise,
            link=slow if self._rng.chance(0.5) else None,
        )

    def _settings(self, number: int, settings: NodeSettings) -> NodeSettings:
        ipv4, onion = AddressNetwork.IPV4, AddressNetwork.TORV3
        reach = frozenset((onion,) if number in ONIONS else (ipv4, onion))
        config = replace(settings.connections, reachable=reach)
        if number == ALICE_NODE:  # Else she would soon know all, and nobody be a stranger.
            friends = tuple([Endpoint(host(each), REGTEST.port) for each in BRIDGES])
            added = tuple([Target(str(each), each, v2=False) for each in friends])
            config = replace(config, max_connections=0, added=added)
        return replace(settings, connections=config, private_broadcast=number == ALICE_NODE)

    def _disguise(self, node: SimNode, machine: FullNode) -> Machine:
        if node.number == ALICE_NODE:
            tap = Tap(machine, self.heard)
            tap.secrets = tuple(self._secrets)
            self._taps.append(tap)
            return tap
        role = self._roles.get(node.number, "honest")
        return machine if role == "honest" else Spy(machine, role == "mute", self._secrets)

    # The run.

    def run(self) -> None:
        """Pay, break things, mend them, and wait."""
        network = self.network
        network.run(WIND_UP)
        paid = self.payment()
        self.overhear(paid)
        faults = [fault for fault in self._faults() if self._rng.chance(0.35)]
        begin = network.now
        for fault in faults:
            at = begin + self._rng.below(FAULTS_FOR // 2)
            network.simulation.at(at, fault)
        network.simulation.command(ALICE_NODE, SendPrivately(paid))
        network.run(FAULTS_FOR)
        self._heal()
        network.simulation.run_until(self.is_out, network.now + CALM, every_us=5 * SECOND)

    def is_out(self) -> bool:
        """Whether the payment came to Alice from the network; or she fell, and knows no more."""
        return self.heard.returned or self._alice_fell

    def faults_found(self) -> list[str]:
        """All that should not have been."""
        heard, found = self.heard, []
        if heard.clear:
            found.append(f"{heard.clear} pieces in the clear")
        if heard.telling:
            found.append(f"said privately: {heard.telling[:3]}")
        if heard.looked_up:
            found.append(f"{heard.looked_up} names looked up")
        if not self.is_out():
            found.append("the payment never came out")
        return found

    def overhear(self, paid: Transaction) -> None:
        """Listen for this payment from now on."""
        self._secrets[:] = [paid.txid, paid.wtxid, paid.raw[4:60]]
        for tap in self._taps:
            tap.secrets, tap.payment = tuple(self._secrets), paid

    def payment(self) -> Transaction:
        """Alice's payment to Bob."""
        coin = spendable(self.network.machine(ALICE_NODE), _PAYER)[0]
        return _PAYER.pay([coin], [TxOut(coin.amount_sat - 2_000, _PAYEE.script)])

    # What goes wrong.

    def _faults(self) -> list[Callable[[], None]]:
        simulation = self.network.simulation
        alice = frozenset({ALICE_NODE})
        onions = frozenset(ONIONS)
        return [
            *(lambda n=n: self._crash(n) for n in ONIONS[1:]),
            lambda: self._crash(BRIDGES[0]),
            lambda: self._crash(BRIDGES[1]),
            self._crash_alice,
            lambda: simulation.bar(ALICE_NODE, barred=True),
            lambda: simulation.cut(Cut(alice, onions, drops=True)),
            lambda: simulation.cut(Cut(onions, alice)),
            lambda: simulation.cut(Cut(alice, frozenset(BRIDGES))),
            self._blink,
            lambda: self._sever(),
            lambda: self._mine(),
        ]

    def _crash(self, number: int) -> None:
        self.network.crash(number, lose=False, silent=self._rng.chance(0.5))

    def _crash_alice(self) -> None:
        if self._rng.chance(0.3):
            self._alice_fell = True
            self.network.crash(ALICE_NODE, lose=False)

    def _blink(self) -> None:
        """The operator switches the network off, and soon on again."""
        simulation = self.network.simulation
        if not simulation.is_running(ALICE_NODE):
            return
        simulation.command(ALICE_NODE, SetNetworkActive(False))
        simulation.at(self.network.now + 20 * SECOND, self._switch_on)

    def _switch_on(self) -> None:
        if self.network.simulation.is_running(ALICE_NODE):
            self.network.simulation.command(ALICE_NODE, SetNetworkActive(True))

    def _sever(self) -> None:
        for number in ONIONS:
            self.network.simulation.sever(ALICE_NODE, number)

    def _mine(self) -> None:
        if self.network.simulation.is_running(BRIDGES[0]):
            self.network.mine(BRIDGES[0], _PAYEE.script)

    def _heal(self) -> None:
        network, simulation = self.network, self.network.simulation
        simulation.bar(ALICE_NODE, barred=False)
        for cut in list(simulation._network.cuts):
            if cut.sources is None or cut.targets is None:
                continue  # Of a host that is down.
            simulation.mend(cut)
        for number in range(COUNT):
            if not simulation.is_running(number):
                network.restart(number)


class SimRandom:
    """Chance of one run, apart from the simulation's own."""

    def __init__(self, seed: int) -> None:
        from axon.drivers.sim.network import stream

        self._rng = stream(seed, "private world")

    def chance(self, share: float) -> bool:
        return self._rng.random() < share

    def below(self, limit: int) -> int:
        return below(limit, self._rng)

    def pick(self, words: tuple[str, ...]) -> str:
        return words[self.below(len(words))]


def main() -> None:
    first, count = int(sys.argv[1]), int(sys.argv[2])
    began, private, given, fell = time.process_time(), 0, 0, 0
    for seed in range(first, first + count):
        world = PrivateWorld(seed)
        world.run()
        private += world.heard.private
        given += world.heard.given
        fell += world._alice_fell
        for fault in world.faults_found():
            print(f"seed {seed}: {fault}", flush=True)
        if (seed - first + 1) % 50 == 0:
            took = time.process_time() - began
            print(
                f"{seed - first + 1} seeds: {private} private connections, {given} hand-overs, "
                f"{fell} with Alice's crash, {took:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
