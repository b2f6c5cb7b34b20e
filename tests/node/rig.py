"""One full node by itself: events in, effects out, its jobs done when the test says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, TypeVar

from axon.chain.activechain import ActiveChain
from axon.chain.backgroundindex import BackgroundIndex
from axon.chain.coins import Coins, MemoryStore
from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.consensus.indexing import Indexing
from axon.consensus.ledger import Ledger
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.machine import (
    SECOND,
    Answer,
    Commanded,
    Completed,
    Delegate,
    Dial,
    Disconnect,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    Pause,
    PeerId,
    Received,
    Report,
    Resume,
    Transmit,
)
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.mining.miner import mine
from axon.mining.template import assemble, next_template
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.settings import NodeSettings
from axon.node.work import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.redial import Target
from axon.primitives.block import Block
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut
from axon.wire.messages import (
    Headers,
    Message,
    Ping,
    SendAddrV2,
    Services,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from tests.node.history import PEOPLE, history
from tests.signing import Signer, Spendable
from tests.v2peer import HandMadePeer

NOW: Final[Instant] = 1_700_000_000 * SECOND
FULL: Final = int(Services.NETWORK | Services.WITNESS | Services.NETWORK_LIMITED)
LOCAL: Final = Endpoint("10.0.0.1", REGTEST.port)
BLOCKS: Final = history(NOW)
"""A chain of 112 blocks up to ten minutes ago: of twelve coinbases everybody has four."""

ALICE, BOB, CAROL = PEOPLE

F = TypeVar("F", bound=Fact)
M = TypeVar("M", bound=Message)


THEIR_END: Final = Endpoint("10.9.9.9", REGTEST.port)
"""Whom a node with `dialling()` dials."""


def listening() -> NodeSettings:
    """A node that dials nobody, so that a test sees whom it asks."""
    connections = ConnectionsConfig(port=REGTEST.port, connect=(), v2=False)
    return NodeSettings(network=REGTEST, connections=connections)


def crowded() -> NodeSettings:
    """The same, and all who dial it may have transactions."""
    settings = listening()
    return replace(settings, connections=replace(settings.connections, relay_percent=100))


def dialling() -> NodeSettings:
    """A node that dials one peer, which the operator named."""
    target = Target("10.9.9.9", THEIR_END, v2=False)
    connections = ConnectionsConfig(port=REGTEST.port, connect=(target,), v2=False)
    return NodeSettings(network=REGTEST, connections=connections)


def their_version(nonce: int = 7, **changes: object) -> Version:
    """What a peer says of itself."""
    version = Version(70017, FULL, NOW // SECOND, UNSPECIFIED, nonce, "/peer/", 112)
    return replace(version, **changes)  # type: ignore[arg-type]


@dataclass
class Rig:
    """A node, and everything that it did.

    Args:
        blocks: on its disk at the start.
        settings: the operator's.
        indexes: background indexes, by name.
        policy: of its pool.
    """

    blocks: Sequence[bytes] = BLOCKS
    settings: NodeSettings = field(default_factory=listening)
    now: Instant = NOW
    indexes: Mapping[str, BackgroundIndex] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        validator = MemoryValidator(World(), lambda: self.now)
        self.ledger = Ledger(
            validator,
            Coins(MemoryStore()),
            FilterIndex(MemoryStore()),
            indexing=Indexing(validator, self.indexes),
        )
        headers = HeaderTree(REGTEST)
        active = ActiveChain(headers.genesis)
        for raw in self.blocks:
            entry = headers.add(Header(raw[:HEADER_SIZE]), self.now)
            assert isinstance(entry, HeaderEntry)
            self.ledger.validate(raw)
            active.connect(entry)
        self.effects: list[Effect] = []  # All since the last `clear`.
        self.jobs: deque[Delegate] = deque()
        self.answers: dict[int, object] = {}
        self._ears: dict[PeerId, V1Transport | HandMadePeer] = {}
        self._sent: dict[PeerId, list[Message | Unknown]] = {}
        self._peers = 0
        self._tickets = 0
        self.node = FullNode(
            self.settings,
            headers=headers,
            active=active,
            stored=frozenset(),
            coins=self.ledger.coins,
            filters=self.ledger.filters,
            pool=Mempool(self.policy),
            addrman=AddrMan(Random(2)),
            bans=BanList(),
            rng=Random(1),
            now=self.now,
            lag=self.ledger.lag,
            indexes=self.indexes,
        )
        self.tick()

    # In.

    def feed(self, event: Event) -> list[Effect]:
        """One event; its effects."""
        return self._note(self.node.handle(event, self.now))

    def tick_once(self) -> None:
        """Ring once."""
        self._note(self.node.tick(self.now))

    def tick(self) -> None:
        """Ring as long as something is due."""
        while (due := self.node.deadline()) is not None and due <= self.now:
            self._note(self.node.tick(self.now))

    def wait(self, duration_us: int) -> None:
        """Let time pass, ring whenever wanted, do every job at once."""
        end = self.now + duration_us
        while (due := self.node.deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self._note(self.node.tick(self.now))
            self.work()
        self.now = end

    def work(self, count: int | None = None) -> None:
        """Do the jobs that wait, and those that follow; or so many."""
        while self.jobs and count != 0:
            job = self.jobs.popleft()
            self.feed(Completed(job.task, perform(self.ledger, job.job)))
            count = None if count is None else count - 1
        self.tick()

    def command(self, command: object) -> object:
        """What the operator asks; its answer, with all that it takes."""
        ticket = self._tickets = self._tickets + 1
        self.feed(Commanded(ticket, command))
        self.work()
        return self.answers[ticket]

    def open(
        self,
        ticket: int | None = None,
        remote: Endpoint | None = None,
        ear: HandMadePeer | None = None,
    ) -> PeerId:
        """A connection stands; nothing was said yet. Where it leads, or comes from, may be said.

        Args:
            ear: what reads the bytes for the peer; None for the first transport.
        """
        number = self._peers
        self._peers += 1
        peer = PeerId(number)
        self._ears[peer], self._sent[peer] = ear or V1Transport(REGTEST.magic), []
        remote = remote or Endpoint(f"{20 + number % 200}.{number // 200}.0.1", 40_000)
        self.feed(Opened(peer, remote, LOCAL, ticket))
        return peer

    def connect(self, version: Version | None = None) -> PeerId:
        """A peer that dialled us, has shaken hands, and has shown that its tip is ours."""
        peer = self.open()
        self.send(peer, version or their_version(100 + peer), WtxidRelay(), SendAddrV2(), Verack())
        self.wait(SECOND)
        tip = self.node.active.tip
        self.send(peer, Headers((tip.header,) if tip.height else ()))
        self.sent_to(peer)
        return peer

    def send(self, peer: PeerId, *messages: Message) -> list[Effect]:
        """Messages from a peer, in one piece."""
        data = b"".join(self.frame(item.command, item.encode()) for item in messages)
        return self.feed(Received(peer, data))

    @staticmethod
    def frame(command: str, payload: bytes) -> bytes:
        """A message as bytes."""
        return V1Transport(REGTEST.magic).encode(command, payload)

    # Out.

    def _note(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        for effect in effects:
            match effect:
                case Transmit(peer, data):
                    for frame in self._ears[peer].received(data):
                        assert isinstance(frame, Frame)
                        self._sent[peer].append(decode_message(frame.command, frame.payload))
                case Delegate():
                    self.jobs.append(effect)
                case Answer(ticket, value):
                    self.answers[ticket] = value
        return effects

    def sent_to(self, peer: PeerId) -> list[Message | Unknown]:
        """What a peer was told since the last call."""
        messages, self._sent[peer] = self._sent[peer], []
        return messages

    def told(self, peer: PeerId, kind: type[M]) -> list[M]:
        """The same, of one kind."""
        return [item for item in self.sent_to(peer) if isinstance(item, kind)]

    def commands(self, peer: PeerId) -> list[str]:
        """The same, by their names."""
        return [item.command for item in self.sent_to(peer)]

    def facts(self, kind: type[F]) -> list[F]:
        """Facts of one kind since the last `clear`."""
        reports = (effect.fact for effect in self.effects if isinstance(effect, Report))
        return [fact for fact in reports if isinstance(fact, kind)]

    def dials(self) -> list[Dial]:
        """Connections it wants to open."""
        return [effect for effect in self.effects if isinstance(effect, Dial)]

    def disconnected(self, peer: PeerId) -> str | None:
        """Why the node ended a connection; None if it did not."""
        for effect in self.effects:
            if isinstance(effect, Disconnect) and effect.peer == peer:
                return effect.reason
        return None

    def pauses(self, peer: PeerId) -> list[str]:
        """Which of `Pause` and `Resume` were said for a peer, in order."""
        return [
            type(effect).__name__
            for effect in self.effects
            if isinstance(effect, Pause | Resume) and effect.peer == peer
        ]

    def is_alive(self, peer: PeerId) -> bool:
        """Whether a peer still gets an answer."""
        self.sent_to(peer)
        self.send(peer, Ping(77))
        self.work()
        return "pong" in self.commands(peer)

    def clear(self) -> None:
        """Forget all effects so far."""
        self.effects.clear()


def next_block(
    rig: Rig,
    transactions: Sequence[Transaction] = (),
    *,
    parent: HeaderEntry | None = None,
    reward_sat: int | None = None,
    script: bytes = ALICE.script,
    extra_nonce: bytes = b"",
    spacing_s: int = 600,
) -> Block:
    """A block on a node's tip, or on another one; valid unless the reward is too high."""
    parent = rig.node.active.tip if parent is None else parent
    template = next_template(REGTEST, parent, (), parent.time + spacing_s)
    subsidy_sat = template.subsidy_sat
    block = assemble(
        parent,
        transactions,
        [TxOut(subsidy_sat if reward_sat is None else reward_sat, script)],
        version=template.version,
        time=template.time,
        bits=template.bits,
        extra_nonce=extra_nonce,
    )
    mined = mine(block, 10_000)
    assert mined is not None
    return mined


def chain_on(
    parent: HeaderEntry, count: int, *, salt: bytes = b"", spacing_s: int = 60
) -> list[Block]:
    """So many empty blocks, one on the other."""
    tree = HeaderTree(REGTEST)
    path: list[HeaderEntry] = []
    walk: HeaderEntry | None = parent
    while walk is not None and walk.height > 0:
        path.append(walk)
        walk = walk.parent
    tip: HeaderEntry = tree.genesis
    for entry in reversed(path):
        added = tree.add(entry.header, NOW * 2)
        assert isinstance(added, HeaderEntry)
        tip = added
    blocks = []
    for _ in range(count):
        template = next_template(REGTEST, tip, (), tip.time + spacing_s)
        block = mine(template.build(BOB.script, salt), 10_000)
        assert block is not None
        added = tree.add(block.header, NOW * 2)
        assert isinstance(added, HeaderEntry)
        tip = added
        blocks.append(block)
    return blocks


def coins_of(rig: Rig, signer: Signer) -> list[Spendable]:
    """The mature coins of a person, confirmed in a node's chain, the oldest first."""
    height = rig.node.active.height + 1
    found = [
        (coin.height, Spendable(point, coin.amount_sat))
        for point, coin in rig.node.coins.items()
        if coin.script_pubkey == signer.script and height - coin.height >= 100
    ]
    return [coin for _, coin in sorted(found, key=lambda item: item[0])]


def payment(rig: Rig, payer: Signer = ALICE, which: int = 0, fee_sat: int = 1_000) -> Transaction:
    """A payment of one of a person's coins to Bob, all of it."""
    coin = coins_of(rig, payer)[which]
    return payer.pay([coin], [TxOut(coin.amount_sat - fee_sat, BOB.script)])
