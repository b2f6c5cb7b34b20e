"""One light client by itself: its nodes say what the test has them say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import (
    SECOND,
    Commanded,
    Completed,
    Delegate,
    Dial,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Report,
    Transmit,
)
from axon.node.facts import Fact
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.node.walletjobs import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.redial import Target
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.primitives.network import REGTEST
from axon.wire.messages import GetHeaders, Headers, Message, Unknown, Verack, WtxidRelay
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import BLOCKS, BOB, FULL, LOCAL, NOW, their_version

HEADERS: Final = tuple(Header(raw[:HEADER_SIZE]) for raw in BLOCKS)
"""Of 112 blocks, the last ten minutes old."""


@dataclass
class LightRig:
    """A light client that dials so many nodes, and no other.

    Args:
        nodes: how many.
        now: by its own clock.
        onions: onion services that it knows; with some, payments go out privately.
    """

    nodes: int = 2
    now: Instant = NOW
    onions: Sequence[NetAddress] = ()

    wallet: NaiveWallet = field(default_factory=lambda: NaiveWallet([BOB.script]))

    def __post_init__(self) -> None:
        self.facts: list[Fact] = []
        self.dials: list[Dial] = []
        self.holds: type | None = None  # Jobs of this kind are not done, but held.
        self.held: list[Delegate] = []
        self._jobs: list[Delegate] = []
        self._ears: dict[PeerId, V1Transport] = {}
        self._sent: dict[PeerId, list[Message | Unknown]] = {}
        names = [Endpoint(f"10.9.9.{number}", REGTEST.port) for number in range(self.nodes)]
        targets = tuple(Target(str(name), name, v2=False) for name in names)
        connections = ConnectionsConfig(port=REGTEST.port, connect=targets, v2=False)
        private = bool(self.onions)
        addrman = AddrMan(Random(2))
        for address in self.onions:
            addrman.add([TimedAddress(self.now // SECOND, FULL, address)], address, self.now)
        self.node = SpvNode(
            LinkSettings(network=REGTEST, connections=connections, private_broadcast=private),
            headers=HeaderTree(REGTEST),
            filter_headers=FilterHeaderChain(),
            start=ScanStart(None, None),
            addrman=addrman,
            bans=BanList(),
            rng=Random(1),
            now=self.now,
        )
        self.wait(2 * SECOND)
        assert len(self.dials) == self.nodes

    def feed(self, event: Event) -> None:
        """One event, and all that is due right after it."""
        self._note(self.node.handle(event, self.now))
        self.wait(0)

    def wait(self, duration_us: int) -> None:
        """Let time pass; every job is done at once."""
        end = self.now + duration_us
        while True:
            while self._jobs:
                job = self._jobs.pop(0)
                outcome = perform(self.wallet, self.wallet.disk, job.job)
                self._note(self.node.handle(Completed(job.task, outcome), self.now))
            due = self.node.deadline()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self._note(self.node.tick(self.now))
        self.now = end

    def connect(self, number: int, *, height: int = 112, time_s: int | None = None) -> PeerId:
        """A node answers: it claims a height and a time."""
        peer = PeerId(number)
        dial = self.dials[number]
        self._ears[peer], self._sent[peer] = V1Transport(REGTEST.magic), []
        self.feed(Opened(peer, dial.endpoint, LOCAL, dial.ticket))
        clock_s = self.now // SECOND if time_s is None else time_s
        said = their_version(100 + number, start_height=height, time=clock_s)
        self.send(peer, said, WtxidRelay(), Verack())
        return peer

    def send(self, peer: PeerId, *messages: Message) -> None:
        """Messages from a node."""
        form = V1Transport(REGTEST.magic)
        data = b"".join([form.encode(item.command, item.encode()) for item in messages])
        self.feed(Received(peer, data))

    def told(self, peer: PeerId) -> list[Message | Unknown]:
        """What a node was told since the last call."""
        messages, self._sent[peer] = self._sent[peer], []
        return messages

    def ask(self, command: object) -> None:
        """What the operator asks; nobody waits for the answer."""
        self.feed(Commanded(1, command))

    def show(self, peer: PeerId, headers: Sequence[Header]) -> None:
        """A node has these headers, and no more."""
        self.send(peer, Headers(tuple(headers)))

    def asked_headers(self, peer: PeerId) -> bool:
        """Whether a node was asked for headers since the last call."""
        messages, self._sent[peer] = self._sent[peer], []
        return any(isinstance(item, GetHeaders) for item in messages)

    def _note(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Transmit(peer, data):
                    for frame in self._ears[peer].received(data):
                        assert isinstance(frame, Frame)
                        self._sent[peer].append(decode_message(frame.command, frame.payload))
                case Delegate():
                    holds = self.holds is not None and isinstance(effect.job, self.holds)
                    (self.held if holds else self._jobs).append(effect)
                case Dial():
                    self.dials.append(effect)
                case Report(fact):
                    self.facts.append(fact)  # type: ignore[arg-type]
