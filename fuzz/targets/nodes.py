"""A whole node, full or light, among peers that send what they like; its driver checks on it.

Each input is a series of events: connections come and go, some of them to an honest node whose
bytes may be changed on the way, others to peers that say anything; slow work is done late or out of
turn, and time passes. Whatever happens, the machine keeps the contract of `axon/machine.py`.

A third of the file is what there is to talk about: one message of each kind about one small chain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from axon.chain.headertree import HeaderTree
from axon.machine import (
    MILLISECOND,
    MINUTE,
    SECOND,
    Answer,
    Clogged,
    Closed,
    Commanded,
    Completed,
    Delegate,
    Dial,
    DialFailed,
    Disconnect,
    Drained,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    Pause,
    PeerId,
    Received,
    Resolve,
    Resolved,
    Resume,
    Transmit,
)
from axon.node import commands, partners, spends, walletjobs, work
from axon.node.blockreads import ExamineBlock
from axon.node.full import FullNode
from axon.node.scanflow import ScanStart
from axon.node.settings import LinkSettings
from axon.node.spv import SpvNode
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.compactblock import compact_block
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.redial import Target
from axon.payments.beef import ProveTransactions
from axon.primitives.hashes import Txid
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.netaddress import TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut, outpoint
from axon.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    BlockTxn,
    CFCheckpt,
    CFHeaders,
    CFilter,
    Feature,
    FeeFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetBlockTxn,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    MempoolMessage,
    Message,
    NotFound,
    Ping,
    Pong,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Services,
    Tx,
    Verack,
    WtxidRelay,
)
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from fuzz.source import Source
from fuzz.world import MAX_TICKS, patched
from tests.mempool.scene import consistent
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import (
    ALICE,
    BLOCKS,
    BOB,
    CAROL,
    FULL,
    LOCAL,
    NOW,
    Rig,
    chain_on,
    listening,
    next_block,
    payment,
    their_version,
)
from tests.p2p.examples import spread, told
from tests.signing import Spendable

MAX_STEPS: Final = 150
"""Of one input: longer ones say little more."""

MAX_PEERS: Final = 6

MAX_JOBS: Final = 60
"""Ten for each peer: a few lanes, and what those left behind who have gone."""

_PAUSES: Final = (0, MILLISECOND, SECOND, 10 * SECOND, MINUTE, 21 * MINUTE, 3 * 60 * MINUTE)


@dataclass(slots=True)
class _End:
    """The other end of a connection of the node."""

    ear: V1Transport = field(default_factory=lambda: V1Transport(REGTEST.magic))
    honest: PeerId | None = None  # Its number at the honest node, if that is who it is.
    waiting: deque[bytes] = field(default_factory=deque)  # What the honest node said to it.
    paused: bool = False


class Driver:
    """Drives one machine through an input.

    Args:
        source: draws what happens.
        machine: under test.
        perform: does a job.
        follow: is told how late it is.
        library: what hostile peers say, changed or not.
        orders: what the operator asks.
        honest: the node that some connections lead to.
    """

    def __init__(
        self,
        source: Source,
        machine: FullNode | SpvNode,
        perform: Callable[[object], object],
        follow: Callable[[Instant], None],
        library: tuple[Message, ...],
        orders: tuple[object, ...],
        honest: Rig,
    ) -> None:
        self._source = source
        self._machine = machine
        self._perform = perform
        self._follow = follow
        self._library = library
        self._orders = orders
        self._honest = honest
        self.now: Instant = NOW
        self.ends: dict[PeerId, _End] = {}
        self._jobs: deque[Delegate] = deque()
        self._tasks: set[int] = set()
        self._dials: deque[Dial] = deque()
        self._lookups: deque[Resolve] = deque()
        self._tickets: set[int] = set()  # Of dials and lookups, each used once.
        self._asked: set[int] = set()  # Commands without an answer.
        self._peers = self._commands = 0

    def run(self) -> None:
        """All of the input, then everybody leaves."""
        self._ring()
        for _ in range(MAX_STEPS):
            if self._source.is_empty:
                break
            self._step()
            self._ring()
            assert self._machine.sessions.keys() == self.ends.keys(), "it knows who is there"
            assert len(self._jobs) <= MAX_JOBS, "slow work is bounded"
        while self._jobs:
            self._do_job(0)
        for peer in list(self.ends):
            self._close(peer)
        self._ring()
        while self._jobs:
            self._do_job(0)
        self._ring()

    def note(self, effects: list[Effect]) -> None:
        """Check what the machine wants, and do it."""
        for effect in effects:
            match effect:
                case Transmit(peer, data):
                    self._heard(peer, data)
                case Disconnect(peer):
                    self._forget(peer)
                case Pause(peer):
                    assert not self.ends[peer].paused, "paused twice"
                    self.ends[peer].paused = True
                case Resume(peer):
                    assert self.ends[peer].paused, "resumed without a pause"
                    self.ends[peer].paused = False
                case Delegate(task):
                    assert task not in self._tasks, "a task's number is used once"
                    self._tasks.add(task)
                    self._jobs.append(effect)
                case Dial(ticket):
                    assert ticket not in self._tickets, "a ticket is used once"
                    self._tickets.add(ticket)
                    self._dials.append(effect)
                case Resolve(ticket):
                    assert ticket not in self._tickets, "a ticket is used once"
                    self._tickets.add(ticket)
                    self._lookups.append(effect)
                case Answer(ticket):
                    self._asked.remove(ticket)

    # What happens.

    def _step(self) -> None:
        source = self._source
        peer = source.choose(list(self.ends)) if self.ends else None
        match source.below(16):
            case 0 | 1:
                self._open(None)
            case 2 | 3 | 4 if peer is not None:
                self._say(peer, source.choose(self._library))
            case 5 if peer is not None:
                self._say(peer, *self._greeting())
            case 6 | 7 | 8 if peer is not None:
                self._pass_on(peer, source.below(3) == 0)
            case 9 if peer is not None:
                self._feed(Received(peer, source.piece()))
            case 10 if peer is not None:
                kind = Clogged if source.flag() else Drained
                self._feed(kind(peer))
            case 11 if peer is not None and source.below(4) == 0:
                self._close(peer)
            case 12:
                self._command()
            case 13:
                self._answer_dial()
            case 14 if self._jobs:
                self._do_job(source.below(len(self._jobs)))
            case _:
                self.now += source.choose(_PAUSES)
                self._follow(self.now)

    def _feed(self, event: Event) -> None:
        self.note(self._machine.handle(event, self.now))

    def _ring(self) -> None:
        """Tick until nothing is due: that must come to an end."""
        for _ in range(MAX_TICKS):
            due = self._machine.deadline()
            if due is None or due > self.now:
                return
            self.note(self._machine.tick(self.now))
        raise AssertionError("a due tick moves the deadline on")

    def _open(self, ticket: int | None) -> None:
        if len(self.ends) >= MAX_PEERS:
            return
        peer, end = PeerId(self._peers), _End()
        self._peers += 1
        if self._source.flag():
            end.honest = self._honest.open()
        self.ends[peer] = end
        remote = Endpoint(f"{20 + peer % 200}.{peer // 200}.0.1", 40_000)
        self._feed(Opened(peer, remote, LOCAL, ticket))

    def _close(self, peer: PeerId) -> None:
        self._forget(peer)
        self._feed(Closed(peer, "the other side went"))

    def _forget(self, peer: PeerId) -> None:
        end = self.ends.pop(peer)
        if end.honest is not None:
            self._honest.feed(Closed(end.honest))

    def _greeting(self) -> list[Message]:
        services = self._source.choose((_ALL, FULL, 0))
        version = their_version(self._source.number(2), services=services, start_height=120)
        return [version, WtxidRelay(), SendAddrV2(), Verack()]

    def _say(self, peer: PeerId, *messages: Message) -> None:
        """A hostile peer says this, or something like it, in one piece or in two."""
        data = b"".join(self._frame(each.command, each.encode()) for each in messages)
        cut = self._source.number(2) % (len(data) + 1)
        for piece in (data[:cut], data[cut:]):
            if piece and peer in self.ends:
                self._feed(Received(peer, piece))

    def _frame(self, command: str, payload: bytes) -> bytes:
        if self._source.flag():
            payload = patched(self._source, payload)
        return V1Transport(REGTEST.magic).encode(command, payload)

    def _pass_on(self, peer: PeerId, change: bool) -> None:
        """What the honest node said arrives, whole or changed."""
        end = self.ends[peer]
        while end.waiting and peer in self.ends:
            data = end.waiting.popleft()
            if change:
                frames = V1Transport(REGTEST.magic).received(data)
                data = b"".join(
                    self._frame(each.command, each.payload)
                    for each in frames
                    if isinstance(each, Frame)
                )
            self._feed(Received(peer, data))

    def _heard(self, peer: PeerId, data: bytes) -> None:
        """The node said something: it can be read, and the honest node answers."""
        end = self.ends[peer]
        for frame in end.ear.received(data):
            assert isinstance(frame, Frame)
            decode_message(frame.command, frame.payload)
        if end.honest is None:
            return
        rig = self._honest
        rig.now = max(rig.now, self.now)
        rig.feed(Received(end.honest, data))
        rig.work()
        for effect in rig.effects:
            for other in self.ends.values():
                match effect:
                    case Transmit(honest, said) if other.honest == honest:
                        other.waiting.append(said)
                    case Disconnect(honest) if other.honest == honest:
                        other.honest = None  # From here on it is silent.
        rig.clear()

    def _command(self) -> None:
        self._commands += 1
        self._asked.add(self._commands)
        self._feed(Commanded(self._commands, self._source.choose(self._orders)))

    def _answer_dial(self) -> None:
        if self._lookups:
            lookup = self._lookups.popleft()
            hosts = (Endpoint("9.9.9.9", lookup.port), Endpoint("::1", 1))
            self._feed(Resolved(lookup.ticket, hosts if self._source.flag() else ()))
        elif self._dials:
            dial = self._dials.popleft()
            if self._source.below(4) and len(self.ends) < MAX_PEERS:
                self._open(dial.ticket)
            else:
                self._feed(DialFailed(dial.ticket, "refused"))

    def _do_job(self, place: int) -> None:
        """One of the jobs that wait, the first of its lane."""
        lane = self._jobs[place].lane
        job = next(job for job in self._jobs if job.lane == lane)
        self._jobs.remove(job)
        self._feed(Completed(job.task, self._perform(job.job)))


# What there is to talk about.

_ALL: Final = FULL | int(Services.COMPACT_FILTERS)
_RIG: Final = Rig()
_FIRST: Final = payment(_RIG, which=0)
_CHILD: Final = BOB.pay(
    [Spendable(outpoint(_FIRST.txid, 0), _FIRST.outputs[0].amount_sat)],
    [TxOut(_FIRST.outputs[0].amount_sat - 5_000, CAROL.script)],
)
_RIVAL: Final = payment(_RIG, which=0, fee_sat=20_000)
_SECOND: Final = payment(_RIG, which=1)
_NEXT: Final = next_block(_RIG, [_SECOND])
_GREEDY: Final = next_block(_RIG, reward_sat=60 * 100_000_000)
_EMPTY: Final = chain_on(_RIG.node.active.tip, 4)
_FORK_AT: Final = _RIG.node.active.at(109)
assert _FORK_AT is not None
_FORK: Final = chain_on(_FORK_AT, 5, salt=b"fork")
_CHAIN: Final = [Header(raw[:HEADER_SIZE]) for raw in BLOCKS]
_TIP: Final = _CHAIN[-1].hash
_TRANSACTIONS: Final = (_FIRST, _CHILD, _RIVAL, _SECOND)
_BLOCKS: Final = (_NEXT, _GREEDY, *_EMPTY, *_FORK)


def _items(kind: InvType, *names: bytes) -> tuple[InvItem, ...]:
    return tuple(InvItem(kind, name) for name in names)


_ABOUT_THE_CHAIN: Final[tuple[Message, ...]] = (
    Headers(()),
    Headers(tuple(_CHAIN)),
    Headers((_CHAIN[-1],)),
    Headers((_NEXT.header,)),
    Headers((_GREEDY.header,)),
    Headers(tuple(block.header for block in _EMPTY)),
    Headers(tuple(block.header for block in _FORK)),
    Headers((_FORK[2].header, _FORK[3].header)),
    *(BlockMessage(block.raw) for block in _BLOCKS),
    *(compact_block(block, 7) for block in _BLOCKS),
    *(BlockTxn.build(block.hash, block.transactions[1:]) for block in _BLOCKS),
    Inv(_items(InvType.BLOCK, *(block.hash for block in _BLOCKS))),
    NotFound(_items(InvType.WITNESS_BLOCK, *(block.hash for block in _BLOCKS))),
)

_ABOUT_TRANSACTIONS: Final[tuple[Message, ...]] = (
    *(Tx(transaction) for transaction in _TRANSACTIONS),
    Inv(_items(InvType.WTX, *(each.wtxid for each in _TRANSACTIONS))),
    Inv(_items(InvType.TX, *(each.txid for each in _TRANSACTIONS))),
    NotFound(_items(InvType.WTX, *(each.wtxid for each in _TRANSACTIONS))),
    FeeFilter(100_000),
    FeeFilter(0),
    MempoolMessage(),
)

_ABOUT_PEERS: Final[tuple[Message, ...]] = (
    their_version(),
    their_version(nonce=0, services=0, relay=False),
    their_version(version=209, user_agent="\x1b[2J", start_height=-1, time=-(2**63)),
    Verack(),
    WtxidRelay(),
    SendAddrV2(),
    Feature("BIP434", b"x"),
    Feature("BIP332", b"\x01"),
    SendHeaders(),
    SendCmpct(1, 2),
    SendCmpct(0, 1),
    Ping(None),
    Ping(2**64 - 1),
    Pong(0),
    Pong(1),
    FilterLoad(bytes(100), 50, 2**32 - 1, 1),
    FilterAdd(b"x"),
    FilterClear(),
    GetAddr(),
    Addr(tuple(told(spread(number)) for number in range(12))),
    AddrV2(tuple(told(spread(number)) for number in range(5))),
)

_REQUESTS: Final[tuple[Message, ...]] = (
    GetHeaders((_CHAIN[50].hash,), _CHAIN[60].hash),
    GetHeaders((), _TIP),
    GetBlocks((_CHAIN[10].hash,), _TIP),
    GetData(_items(InvType.WITNESS_BLOCK, _TIP, *(block.hash for block in _BLOCKS))),
    GetData(_items(InvType.BLOCK, *(header.hash for header in _CHAIN))),
    GetData(_items(InvType.WTX, *(each.wtxid for each in _TRANSACTIONS))),
    GetData(_items(InvType.FILTERED_BLOCK, _TIP) + _items(InvType.CMPCT_BLOCK, _TIP)),
    GetBlockTxn(_TIP, (0,)),
    GetBlockTxn(_CHAIN[50].hash, (0, 1)),
    *(GetBlockTxn(block.hash, (0,)) for block in _BLOCKS),
    GetCFilters(0, 1, _CHAIN[100].hash),
    GetCFHeaders(0, 1, _TIP),
    GetCFCheckpt(0, _TIP),
)

_FILTERS: Final[tuple[Message, ...]] = (
    CFilter(0, _TIP, b"\x00"),
    CFHeaders(0, _TIP, bytes(32), (bytes(32),) * 112),
    CFHeaders(0, _TIP, bytes(32), ()),
    CFCheckpt(0, _TIP, ()),
)

_LIBRARY: Final = (
    *_ABOUT_THE_CHAIN,
    *_ABOUT_TRANSACTIONS,
    *_ABOUT_PEERS,
    *_REQUESTS,
    *_FILTERS,
)

_TARGET: Final = Target("10.9.9.9", Endpoint("10.9.9.9", REGTEST.port), v2=False)

_LINK_ORDERS: Final[tuple[object, ...]] = (
    commands.AddNode(_TARGET),
    commands.DialOnce(Endpoint("10.8.8.8", 1)),
    commands.DisconnectNode(PeerId(0)),
    commands.DisconnectNode(PeerId(1)),
    commands.SendTransaction(_FIRST),
    commands.SendTransaction(_CHILD),
)

_FULL_ORDERS: Final[tuple[object, ...]] = (
    *_LINK_ORDERS,
    commands.RemoveNode(_TARGET.name),
    commands.SetNetworkActive(False),
    commands.SetNetworkActive(True),
    commands.PingAll(),
    commands.SubmitBlock(_NEXT),
    commands.SubmitBlock(_GREEDY),
    commands.SubmitHeader(_EMPTY[0].header),
    commands.SubmitPackage((_FIRST, _CHILD)),
    commands.SubmitPackage((_SECOND,), test_only=True),
    commands.Prioritise(Txid(_FIRST.txid), -900),
)

_CLAIM: Final = spends.ClaimedCoin(_FIRST.prevouts[0], ALICE.script, 1)

_LIGHT_ORDERS: Final[tuple[object, ...]] = (
    *_LINK_ORDERS,
    commands.Rescan(0),
    commands.Rescan(111),
    commands.RecentFeerates(3),
    ExamineBlock(2, ProveTransactions((_FIRST.txid,))),
    spends.FindSpends((_CLAIM,)),
    spends.StopFinding((_CLAIM,)),
    spends.WatchPayment(_FIRST, (_CLAIM,)),
    spends.WatchPayment(_CHILD, ancestors=(_FIRST,)),
    spends.StopWatching(_FIRST.txid),
    partners.JoinPartner(1),
    partners.LeavePartner(1),
    partners.HearHeaders(1, tuple(_CHAIN[:60])),
    partners.HearHeaders(1, tuple(_CHAIN[70:])),
    partners.HearHeaders(1, ()),
    partners.GiveHeaders((_CHAIN[50].hash,)),
    partners.GiveFilters(1, _CHAIN[-1].hash),
    partners.WantFilters(),
    partners.HearFilters(1, (b"\x00", b"")),
)


def _connections(source: Source, needs: int = 0) -> ConnectionsConfig:
    """To whom a node connects: of its own accord, to one, or to nobody."""
    chosen: tuple[tuple[Target, ...] | None, ...] = ((), (_TARGET,), None)
    return ConnectionsConfig(
        port=REGTEST.port,
        max_connections=source.choose((125, 12, 3)),
        connect=source.choose(chosen),
        dns_seeds=("seed.example",) if source.flag() else (),
        v2=False,
        needs=needs,
    )


def _permissions(source: Source) -> frozenset[str]:
    return (
        frozenset(("noban", "download", "addr", "relay")) if source.below(4) == 0 else frozenset()
    )


def full_node(data: bytes) -> None:
    """The full node, with blocks or without, next to one that is a block ahead."""
    source = Source(data)
    permissions = _permissions(source)
    settings = replace(
        listening(),
        connections=_connections(source),
        permissions=lambda _remote, _local, _inbound: permissions,
        blocks_only=source.below(8) == 0,
        serve_filters=source.below(4) > 0,
        max_upload_bytes=1_000 if source.below(8) == 0 else 0,
        listen_port=REGTEST.port if source.flag() else None,
    )
    rig = Rig(BLOCKS if source.flag() else BLOCKS[:4], settings)
    rig.node.links.addrman.add([told(spread(n)) for n in range(20)], spread(99), NOW)

    def follow(now: Instant) -> None:
        rig.now = now

    driver = Driver(
        source,
        rig.node,
        lambda job: work.perform(rig.ledger, job),
        follow,
        _LIBRARY,
        _FULL_ORDERS,
        Rig([*BLOCKS, _NEXT.raw]),
    )
    driver.note(rig.effects)
    driver.run()
    assert not rig.node.sessions
    consistent(rig.node.pool)
    tip = rig.node.active.tip
    assert rig.node.headers.get(tip.hash) is tip
    assert not rig.node.headers.is_invalid(tip.hash)
    assert rig.ledger.lag == 0 or not rig.node.follows


def light_client(data: bytes) -> None:
    """The light client, next to a full node that serves filters."""
    source = Source(data)
    wallet = NaiveWallet([ALICE.script], [BOB.script])
    addrman = AddrMan(Random(1))
    addrman.add([TimedAddress(NOW // SECOND, _ALL, spread(n)) for n in range(20)], spread(99), NOW)
    headers = HeaderTree(REGTEST)
    headers.add_chain(_CHAIN[: source.choose((0, 40, 112))], NOW)
    permissions = _permissions(source)
    machine = SpvNode(
        LinkSettings(
            network=REGTEST,
            connections=_connections(source, int(Services.COMPACT_FILTERS)),
            permissions=lambda _remote, _local, _inbound: permissions,
        ),
        headers=headers,
        filter_headers=FilterHeaderChain(),
        start=ScanStart(40, _CHAIN[39].hash) if source.below(4) == 0 else ScanStart(None, None),
        unconfirmed=(_FIRST,) if source.flag() else (),
        addrman=addrman,
        bans=BanList(),
        rng=Random(1),
        now=NOW,
        alone=source.below(4) == 0,
    )
    driver = Driver(
        source,
        machine,
        lambda job: walletjobs.perform(wallet, wallet.disk, job),
        lambda _now: None,
        _LIBRARY,
        _LIGHT_ORDERS,
        Rig([*BLOCKS, _NEXT.raw]),
    )
    driver.run()
    assert not machine.sessions
    for height, transaction in wallet.confirmed.values():
        assert height <= headers.best.height
        assert transaction.outputs


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "full-node": full_node,
    "light-client": light_client,
}
