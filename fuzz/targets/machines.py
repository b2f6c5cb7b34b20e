"""The parts of p2p, each by itself among a few peers that do anything in any order.

Long because it is a row of targets that do not know one another, each on a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from axon.errors import DecodeError
from axon.machine import DAY, MINUTE, SECOND, Endpoint, Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.addrgossip import AddrGossip
from axon.p2p.addrman import AddrMan
from axon.p2p.admission import InboundAdmitted
from axon.p2p.banlist import BanList, Subnet
from axon.p2p.blockannounce import BlockAnnounce
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.blockfetch import MAX_WANTED, BlockFetch
from axon.p2p.blocksinflight import MAX_IN_FLIGHT
from axon.p2p.connections import Connections
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerFault
from axon.p2p.filterserving import FilterServing
from axon.p2p.handshake import Handshake, OwnVersion
from axon.p2p.headersync import HeaderSync
from axon.p2p.keepalive import KeepAlive
from axon.p2p.peerchains import PeerChains
from axon.p2p.redial import Target
from axon.p2p.requests import DialRequest, address_of
from axon.p2p.serving import ReadRequest, Serving
from axon.p2p.txrelay import TxRelay
from axon.p2p.txrequest import MAX_ANNOUNCEMENTS, MAX_GETDATA, TxRequest
from axon.p2p.uploadtarget import UploadTarget
from axon.p2p.views import HeadersOnly
from axon.primitives.hashes import BlockHash, Wtxid
from axon.primitives.header import Header
from axon.primitives.netaddress import TimedAddress
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    Addr,
    AddrV2,
    CFCheckpt,
    CFHeaders,
    CFilter,
    Feature,
    FeeFilter,
    GetAddr,
    GetBlocks,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    InvItem,
    InvType,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)
from fuzz.source import Source
from fuzz.world import (
    BLOCKS,
    BRANCH,
    CHAIN,
    HASHES,
    MAX_TICKS,
    START,
    Peers,
    drawn_message,
    patched,
)
from tests.mempool.scene import Scene
from tests.p2p.chains import Ledger
from tests.p2p.examples import FULL, OWN, ip, negotiated, spread, told
from tests.p2p.filterworld import Answer, Book, World, ask, honest

MAX_STEPS: Final = 200
"""Of one input: longer ones say little more."""


# One peer.


def keepalive(data: bytes) -> None:
    """Pings, pongs and silence."""
    source = Source(data)
    now: Instant = START
    patient = source.flag()
    part = KeepAlive(
        Random(1), now, patient_until=now + DAY if patient else 0, echoes=source.flag()
    )
    nonces: list[int | None] = [None, 0, 1]
    for _ in range(MAX_STEPS):
        if source.is_empty:
            return
        said: list[Message] = []
        match source.below(6):
            case 0:
                said = part.received(Ping(source.choose(nonces)), now)
            case 1:
                part.received(Pong(source.choose(nonces)), now)
            case 2:
                part.data_received(now)
            case 3:
                part.data_sent(now)
            case 4:
                said = part.ping(now)
            case _:
                now += source.number(4) * 100
        for message in said:
            if isinstance(message, Ping):
                assert message.nonce != 0
                nonces.append(message.nonce)
        try:
            while part.deadline() <= now:
                before = part.deadline()
                assert part.tick(now) or part.deadline() > before
        except PeerFault:
            return
        assert (part.waiting_us(now) or 0) >= 0
        assert part.min_latency_us is None or 0 <= part.min_latency_us <= (part.latency_us or 0)


_GREETINGS: Final[tuple[Message, ...]] = (
    Version(70017, FULL, START // SECOND, ip("8.8.4.4"), 7, "/a/", 5),
    Version(70015, 0, -1, ip("8.8.4.4"), 0, "", -1, relay=False),
    Version(31800, FULL, 2**62, ip("::1"), 0, "\x00\xff", 5),
    Verack(),
    WtxidRelay(),
    SendAddrV2(),
    Feature("BIP434", b"x"),
    Feature("BIP332", b"\x01"),
    SendHeaders(),
    SendCmpct(1, 2),
    SendCmpct(0, 1),
    Ping(1),
    GetAddr(),
)


def handshake(data: bytes) -> None:
    """Any messages in any order before the handshake is complete, and after."""
    source = Source(data)
    kind = source.choose(list(ConnectionType))
    own = OwnVersion(OWN.services, OWN.user_agent, 100, source.flag(), source.flag(), 0)
    nonces: set[int] = {7} if source.flag() else set()
    now: Instant = START
    part = Handshake(kind, own, spread(1), nonces, Random(1), now)
    assert bool(part.start(now)) == kind.is_outbound
    try:
        for _ in range(MAX_STEPS):
            if source.is_empty:
                break
            if source.below(8) == 0:
                now += source.number(2) * 1000
                part.tick(now)
                continue
            message = drawn_message(source, _GREETINGS)
            agreed = part.negotiated
            if message is not None:
                for answer in part.received(message, now):
                    assert type(answer).decode(answer.encode()) == answer
            assert part.negotiated is agreed or agreed is None, "what was agreed on is final"
            assert (part.deadline() is None) == part.is_complete
            assert part.is_complete or (part.deadline() or 0) <= START + 60 * SECOND
    except PeerFault:
        pass
    part.closed()
    assert part.nonce not in nonces


# Headers and blocks.


def _headers(source: Source) -> tuple[Header, ...]:
    """Some headers of one of the two chains; now and then one of them is changed."""
    chain = source.choose((CHAIN, BRANCH))
    start = source.below(len(chain))
    found = list(chain[start : start + source.below(len(chain))])
    if found and source.below(4) == 0:
        place = source.below(len(found))
        found[place] = Header(patched(source, found[place].raw).ljust(80, b"\x00"))
    return tuple(found)


class _HeaderParts:
    """Ends a peer in both parts that know it."""

    def __init__(self, sync: HeaderSync, announcer: BlockAnnounce) -> None:
        self._sync = sync
        self._announcer = announcer

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone."""
        self._announcer.closed(peer)
        return self._sync.closed(peer, now)


def header_sync(data: bytes) -> None:
    """Headers of honest and other peers, validated as a node does."""
    source, ledger = Source(data), Ledger()
    known = source.below(len(CHAIN))
    if known:
        ledger.connect(ledger.learn(CHAIN[:known]))
    ledger.initial_sync, ledger.minimum_chainwork = source.flag(), source.number(1)
    chain = ledger if source.flag() else HeadersOnly(ledger.tree, ledger.minimum_chainwork)
    patience = SECOND if source.flag() else None
    chains = PeerChains(ledger.tree)
    part = HeaderSync(chain, chains, Random(1), patience=patience)
    announcer = BlockAnnounce(chain, chains)
    peers = Peers(source, _HeaderParts(part, announcer))

    def receive(peer: PeerId) -> None:
        message = Headers(_headers(source))
        try:
            left = part.received(peer, message, peers.now)
            if not left:
                return
            verdict = ledger.tree.add_chain(left, peers.now)
            lost = verdict.rejected is not None and verdict.rejected.reason == "prev-blk-not-found"
            count = len(message.headers)
            peers.perform(
                part.validated(peer, verdict.last, count, lost, verdict.rejected, peers.now)
            )
        except PeerFault:
            peers.leave(peer)

    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(8):
            case 0 if peers.has_room():
                new = peers.arrive()
                said = part.opened(
                    new,
                    outbound=source.flag(),
                    preferred=source.flag(),
                    now=peers.now,
                    version=70012 + source.below(2) - 1,
                    serves_blocks=source.flag(),
                    block_relay_only=source.flag(),
                    noban=source.flag(),
                )
                announcer.opened(new, prefers_headers=source.flag())
                peers.perform(said)
            case 1 | 2 | 3 if peer is not None:
                receive(peer)
            case 4 if peer is not None:
                peers.perform(part.announced(peer, source.choose(HASHES), peers.now))
            case 5 if peer is not None:
                announcer.prefers_headers(peer)
                chains.sent(peer, source.choose(HASHES))
            case 6:
                entry = ledger.tree.best.ancestor(ledger.active.height + 1)
                if entry is not None and entry.parent is ledger.active.tip:
                    ledger.active.connect(entry)
                    part.tip_moved(peers.now)
                    peers.perform(announcer.announce([entry], peers.now))
                    ledger.initial_sync = False
            case _:
                peers.leave_or_wait(peer)
        peers.rest(part)
        for peer in peers.here:
            best = chains.best_known(peer)
            assert best is None or ledger.tree.get(best.hash) is best
            assert chains.height(peer) == (-1 if best is None else best.height)
            assert part.presynced_headers(peer) >= -1


def block_download(data: bytes) -> None:
    """Blocks asked of several peers, which deliver them, or others, or nothing."""
    source, ledger = Source(data), Ledger()
    ledger.learn(CHAIN)
    ledger.learn(BRANCH)
    known = [entry for name in HASHES if (entry := ledger.tree.get(name)) is not None]
    ledger.initial_sync = source.flag()
    chains = PeerChains(ledger.tree)
    part = BlockDownload(ledger, chains, Random(1))
    peers = Peers(source, part)
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(9):
            case 0 if peers.has_room():
                new = peers.arrive()
                chains.opened(new)
                part.opened(
                    new,
                    preferred=source.flag(),
                    serves_blocks=source.below(4) > 0,
                    limited=source.flag(),
                )
            case 1 if peer is not None:
                chains.shown(peer, source.choose(known).hash)
            case 2 if peer is not None:
                peers.perform(part.announced(peer, source.choose(known), peers.now))
            case 3 | 4 | 5 if peer is not None:
                _deliver(source, part, ledger, peer, peers.now)
            case 6 if peer is not None:
                part.notfound(peer, source.choose(HASHES), peers.now)
            case 7:
                peers.perform(part.update(peers.now))
            case _:
                peers.leave_or_wait(peer)
                ledger.initial_sync = ledger.initial_sync and source.below(4) > 0
        peers.rest(part)
        asked = [part.inflight(peer) for peer in peers.here]
        assert all(len(heights) <= MAX_IN_FLIGHT for heights in asked)
        assert part.in_flight_total <= sum(map(len, asked))


def _deliver(
    source: Source, part: BlockDownload, ledger: Ledger, peer: PeerId, now: Instant
) -> None:
    """A block arrives and is validated: stored if it is of the chain, refused if of the branch."""
    name = source.choose(HASHES)
    wanted = part.arrived(peer, name, now)
    if not wanted or ledger.has_block(name) or ledger.tree.is_invalid(name):
        return
    block = next((block for block in BLOCKS if block.hash == name), None)
    if block is not None:
        ledger.store(block)
    elif source.flag() and ledger.tree.get(name) is not None:
        ledger.tree.mark_invalid(name)
    if block is not None:
        part.settled(name, now)
    part.validated(name, block is not None)


def block_fetch(data: bytes) -> None:
    """The blocks of a light client."""
    source, ledger = Source(data), Ledger()
    ledger.learn(CHAIN)
    chains = PeerChains(ledger.tree)
    part = BlockFetch(chains, Random(1))
    peers = Peers(source, part)
    wanted: dict[BlockHash, None] = {}
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(7):
            case 0 if peers.has_room():
                new = peers.arrive()
                chains.opened(new)
                chains.shown(new, source.choose(HASHES))
                part.opened(new)
            case 1 | 2:
                names = [source.choose(HASHES) for _ in range(source.below(20))]
                wanted.update(dict.fromkeys(names))
                peers.perform(part.want(names, peers.now))
            case 3:
                name = source.choose(HASHES)
                wanted.pop(name, None)
                peers.perform(part.arrived(name, peers.now))
            case 4 if peer is not None:
                peers.perform(part.missing(peer, source.choose(HASHES), peers.now))
            case 5 if source.below(8) == 0:
                part.cancel_all()
                wanted.clear()
            case _:
                peers.leave_or_wait(peer)
        peers.rest(part)
        assert all(part.is_wanted(name) == (name in wanted) for name in HASHES)
        assert len(wanted) <= MAX_WANTED


# Transactions.


def tx_request(data: bytes) -> None:
    """Announcements by several peers, and answers that come, or do not."""
    source = Source(data)
    part = TxRequest(Random(1))
    peers = Peers(source, part)
    names = [bytes((number,)) * 32 for number in range(12)]
    kinds = (InvType.TX, InvType.WTX)
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(7):
            case 0 if peers.has_room():
                part.opened(peers.arrive(), wtxid_relay=source.flag(), witness=source.flag())
            case 1 | 2 if peer is not None:
                item = InvItem(source.choose(kinds), source.choose(names))
                crowded = part.overloaded(peer)
                part.announced(peer, item, source.flag(), crowded, peers.now)
            case 3 if peer is not None:
                part.received(peer, source.choose(names))
            case 4 if peer is not None:
                part.notfound(peer, source.choose(names))
            case 5:
                name = source.choose(names)
                part.forget(name)
                assert name not in part._by_hash
            case _:
                peers.leave_or_wait(peer)
        for message in peers.perform(part.requests(peers.now)):
            assert isinstance(message, GetData)
            assert 0 < len(message.items) <= MAX_GETDATA
        peers.rest(part)
        assert len(part) <= MAX_ANNOUNCEMENTS * len(peers.here)
        in_flight = sum(part.in_flight(peer) for peer in peers.here)
        assert in_flight <= sum(name in part._by_hash for name in names), "one is asked at a time"


def tx_relay(data: bytes) -> None:
    """The pool as several peers hear of it."""
    source, scene = Source(data), Scene()
    scene.now = START
    part = TxRelay(Random(1), scene.pool)
    peers = Peers(source, part)
    made: list[Transaction] = []
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(9):
            case 0 if peers.has_room():
                part.opened(
                    peers.arrive(),
                    inbound=source.flag(),
                    wtxid_relay=source.flag(),
                    relay=source.below(4) > 0,
                    noban=source.flag(),
                    forcerelay=source.flag(),
                    now=peers.now,
                )
            case 1 | 2 if len(made) < 20:
                entry = scene.add(scene.pay(scene.coin(), fee=1_000 + source.number(2)))
                made.append(entry.transaction)
                part.announce(Wtxid(entry.wtxid), peers.now)
            case 3 if peer is not None and made:
                chosen = source.choose(made)
                part.known(peer, source.choose((chosen.txid, chosen.wtxid)))
            case 4 if peer is not None:
                feerate = source.choose((0, 1_000, 10**15, 2_100_000_000_000_000, -1))
                part.received(peer, FeeFilter(feerate), peers.now)
            case 5 if peer is not None:
                try:
                    part.mempool(peer, permitted=source.flag(), now=peers.now)
                except PeerFault:
                    peers.leave(peer)
            case 6:
                part.minimum_changed(source.choose((100, 5_000, 2_100_000_000_000_000)), peers.now)
                part.block_connected(made[: source.below(20)])
            case 7 if peer is not None and made:
                chosen = source.choose(made)
                item = InvItem(
                    source.choose(list(InvType)), source.choose((chosen.txid, bytes(32)))
                )
                found = part.find(peer, item, peers.now)
                assert found is None or item.hash in (found.txid, found.wtxid)
            case _:
                peers.leave_or_wait(peer)
        peers.rest(part)
        for peer in peers.here:
            assert part.stats(peer).queued <= len(made)


# Addresses.

_TOLD: Final = tuple(told(spread(number), START - number * MINUTE) for number in range(40))
_GOSSIP: Final[tuple[Message, ...]] = (
    GetAddr(),
    Addr(_TOLD[:1]),
    Addr(_TOLD[:12]),
    AddrV2(_TOLD[5:10]),
    AddrV2(_TOLD),
    AddrV2((TimedAddress(2**32 - 1, 2**64 - 1, ip("127.0.0.1", 0)),)),
)


def addr_gossip(data: bytes) -> None:
    """Addresses of strangers, true and made up."""
    source = Source(data)
    addrman, bans = AddrMan(Random(1)), BanList()
    addrman.add(_TOLD[20:], ip("250.1.1.1"), START)
    part = AddrGossip(addrman, bans, Random(2))
    peers = Peers(source, part)
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(7):
            case 0 if peers.has_room():
                new = peers.arrive()
                kind = source.choose(list(ConnectionType))
                agreed = negotiated(source.flag(), our_address=spread(source.below(40)))
                peers.perform(
                    part.opened(new, kind, spread(100 + new), agreed, peers.now, source.flag())
                )
            case 1 | 2 | 3 if peer is not None:
                message = drawn_message(source, _GOSSIP)
                if isinstance(message, GetAddr | Addr | AddrV2):
                    try:
                        peers.perform(part.received(peer, message, peers.now))
                    except PeerFault:
                        peers.leave(peer)
            case 4:
                bans.discourage(spread(source.below(40)))
                bans.ban(Subnet.of(spread(source.below(40))), peers.now, 2**31)
            case 5:
                port = 8333 if source.flag() else None
                own = [spread(source.below(40))] if source.flag() else []
                part.advertise(own, FULL, port, peers.now)
            case _:
                peers.leave_or_wait(peer)
        peers.rest(part)
        for address in addrman.addresses():
            assert address.is_routable()
        assert len(addrman) == addrman.size()


def addr_man(data: bytes) -> None:
    """The tables of addresses, told of many, of which some answer."""
    source = Source(data)
    part, now = AddrMan(Random(1)), START
    hosts = [spread(number) for number in range(60)] + [ip("2a01:4f8::7"), ip("127.0.0.1")]
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        host = source.choose(hosts)
        match source.below(8):
            case 0 | 1:
                some = [told(source.choose(hosts), now) for _ in range(source.below(20))]
                part.add(some, host, now, source.number(2) * SECOND)
            case 2:
                part.attempt(host, now, source.flag())
            case 3:
                part.good(host, now, source.flag())
            case 4:
                part.connected(host, now)
                part.set_services(host, source.number(8))
            case 5:
                part.resolve_collisions(now)
                part.collision_to_test()
            case 6:
                now += source.number(3) * SECOND
            case _:
                drawn = part.select(now)
                assert drawn is None or drawn.address in part
        counted = sum(1 for _ in part.addresses())
        assert counted == len(part) == part.size() == part.size(tried=True) + part.size(tried=False)
        tried = part.places(tried=True)
        assert len(tried) == part.size(tried=True), "a tried address has one place"
        assert len(part.places(tried=False)) >= part.size(tried=False)
    again = AddrMan.decode(part.snapshot().encode(), Random(3))
    assert sorted(map(str, again.addresses())) == sorted(map(str, part.addresses()))


def connections(data: bytes) -> None:
    """Whom a node dials and lets in: never more than its limits, never anybody twice."""
    source = Source(data)
    addrman, bans = AddrMan(Random(1)), BanList()
    addrman.add(_TOLD, ip("250.1.1.1"), START)
    targets = tuple(Target(f"10.0.0.{n}", Endpoint(f"10.0.0.{n}", 1), v2=False) for n in range(3))
    config = ConnectionsConfig(
        port=8333,
        max_connections=source.choose((0, 3, 12, 125)),
        connect=targets[:1] if source.flag() else None,
        added=targets[1:] if source.flag() else (),
        dns_seeds=("seed.example",) if source.flag() else (),
        fixed_seeds=(spread(50),),
        anchors=(spread(60), spread(61)),
    )
    part = Connections(config, addrman, bans, Random(2), START)
    peers = Peers(source, part, most=20)
    under_way: list[DialRequest] = []
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        match source.below(9):
            case 0 | 1 | 2 if under_way and peers.has_room():
                request = under_way.pop(source.below(len(under_way)))
                remote = address_of(request.endpoint)
                peers.perform(part.opened(request, peers.arrive(), remote, peers.now))
            case 3 if under_way:
                part.dial_failed(under_way.pop(source.below(len(under_way))), peers.now)
            case 4 if peer is not None:
                if source.flag():
                    peers.perform(part.greeted(peer, peers.now))
                else:
                    part.handshake_complete(peer, peers.now)
            case 5 if peers.has_room():
                remote = spread(200 + source.below(50))
                admitted = part.admission.admit(remote, (), peers.now, noban=source.flag())
                if isinstance(admitted, InboundAdmitted):
                    part.opened_inbound(peers.arrive(), remote, peers.now)
            case 6 if peer is not None:
                is_protected = source.flag()  # Then the node does not say so.
                if not is_protected and part.admission.misbehaved(peer):
                    peers.leave(peer)
            case 7:
                _operate(source, part, targets, under_way, peers)
            case _:
                peers.leave_or_wait(peer)
        for _ in range(MAX_TICKS):
            due = part.deadline()
            if due is None or due > peers.now:
                break
            for asked in part.tick(peers.now):
                if isinstance(asked, DialRequest):
                    under_way.append(asked)
                else:
                    part.resolved(asked.host, [spread(70)] if source.flag() else [], peers.now)
        else:
            raise AssertionError("a due tick moves the deadline on")
        assert len({request.endpoint for request in under_way}) == len(under_way), "dialled twice"
        assert part.count(ConnectionType.INBOUND) <= len(peers.here)
        assert len(part.anchors()) <= 2
        for here in peers.here:
            assert here in part._table.open


def _operate(
    source: Source,
    part: Connections,
    targets: Sequence[Target],
    under_way: list[DialRequest],
    peers: Peers,
) -> None:
    """What the operator says about connections."""
    target = source.choose(targets)
    match source.below(5):
        case 0:
            peers.perform(part.set_active(source.flag(), peers.now))
        case 1:
            part.add_node(target, peers.now)
        case 2:
            part.remove_node(target.name)
        case 3:
            request = part.dial(target.endpoint, ConnectionType.MANUAL, False)
            if request is not None:
                under_way.append(request)
        case _:
            part.adapt(source.flag(), source.flag(), source.flag())


# What peers ask of us.

_REQUESTS: Final[tuple[Message, ...]] = (
    GetHeaders((CHAIN[4].hash, HASHES[0]), BlockHash(bytes(32))),
    GetHeaders((), CHAIN[9].hash),
    GetBlocks((CHAIN[20].hash,), BlockHash(bytes(32))),
    GetBlocks(tuple(HASHES[:40]), CHAIN[7].hash),
    GetData((InvItem(InvType.WITNESS_BLOCK, CHAIN[3].hash),)),
    GetData(tuple(InvItem(InvType.BLOCK, name) for name in HASHES)),
    GetData((InvItem(InvType.WTX, bytes(32)), InvItem(InvType.TX, bytes(32)))),
    GetData((InvItem(InvType.FILTERED_BLOCK, CHAIN[2].hash),)),
    GetData((InvItem(InvType.CMPCT_BLOCK, CHAIN[28].hash), InvItem(0, CHAIN[2].hash))),
)


class _OneTransaction:
    """Gives one transaction to whoever asks for any of a part of the names."""

    def serve(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:  # noqa: ARG002
        return BLOCKS[0].transactions[0] if item.hash[0] == 0 else None


def serving(data: bytes) -> None:
    """Requests for headers, blocks and transactions, also for what there is not."""
    source, ledger = Source(data), Ledger()
    ledger.learn(CHAIN)
    for block in BLOCKS:
        ledger.store(block)
    ledger.learn(BRANCH)
    ledger.minimum_chainwork = source.number(1)
    part = Serving(ledger, _OneTransaction(), UploadTarget(source.number(3)))
    peers = Peers(source, part)
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = peers.any()
        try:
            match source.below(6):
                case 0 if peers.has_room():
                    part.opened(
                        peers.arrive(),
                        transactions=source.flag(),
                        download=source.flag(),
                    )
                case 1 | 2 if peer is not None and not part.is_busy(peer):
                    message = drawn_message(source, _REQUESTS)
                    if isinstance(message, GetHeaders | GetBlocks | GetData):
                        peers.perform(part.received(peer, message))
                case 3 | 4 if peer is not None:
                    following = part.take_next(peer, peers.now)
                    if isinstance(following, ReadRequest):
                        block_hash = BlockHash(following.item.hash)
                        assert ledger.has_block(block_hash)
                        raw = ledger.blocks[block_hash].raw if source.below(8) else None
                        following = part.block_read(peer, following.item, raw)
                    assert len(following) <= 2, "one thing at a time, and an inventory behind it"
                    peers.perform(following)
                case _:
                    peers.leave_or_wait(peer)
        except PeerFault:
            if peer is not None:
                peers.leave(peer)


_FILTER_REQUESTS: Final[tuple[Message, ...]] = (
    GetCFilters(0, 1, CHAIN[8].hash),
    GetCFilters(0, 30, BRANCH[4].hash),
    GetCFHeaders(0, 0, CHAIN[-1].hash),
    GetCFHeaders(0, 2**32 - 1, CHAIN[0].hash),
    GetCFCheckpt(0, CHAIN[-1].hash),
    GetCFCheckpt(1, BlockHash(bytes(32))),
)


def filter_serving(data: bytes) -> None:
    """Requests for filters: all that is given fits what was asked."""
    source, ledger = Source(data), Ledger()
    ledger.connect(ledger.learn(CHAIN))
    ledger.learn(BRANCH)
    book = Book(ledger)
    part = FilterServing(ledger.tree, ledger.active, bool(source.below(8)))
    peer = PeerId(0)
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        message = drawn_message(source, _FILTER_REQUESTS)
        if not isinstance(message, GetCFilters | GetCFHeaders | GetCFCheckpt):
            continue
        try:
            actions = ask(part, book, peer, message)
        except PeerFault:
            continue
        for action in actions:
            assert isinstance(action, Send)
            answer = action.message
            assert type(answer).decode(answer.encode()) == answer
            if isinstance(answer, CFilter):
                assert answer.filter == book.filter(answer.block_hash)
            elif isinstance(answer, CFHeaders | CFCheckpt):
                assert answer.stop_hash == message.stop_hash


# A light client's filters.


def filter_sync(data: bytes) -> None:
    """Filter headers and filters from an honest peer and three others: the truth comes out."""
    source = Source(data)
    chain = CHAIN[: 10 + source.below(20)]
    world = World(source.number(1), chain, start=source.below(5))

    def changed(answer: Answer) -> Message | None:
        match source.below(4):
            case 0:
                return answer
            case 1:
                return None
            case _:
                try:
                    return type(answer).decode(patched(source, answer.encode()))
                except DecodeError:
                    return None

    world.join(0, world.server(chain, honest))
    for number in range(1, 4):
        lies = {chain[source.below(len(chain))].hash: b"a lie %d" % number}
        world.join(number, world.server(chain, changed, lies=lies if source.flag() else None))
        world.run(source.number(1) / 10)
    world.run(3600)
    world.expect_truth()
    assert PeerId(0) not in world.dropped


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "keepalive": keepalive,
    "handshake": handshake,
    "header-sync": header_sync,
    "block-download": block_download,
    "block-fetch": block_fetch,
    "tx-request": tx_request,
    "tx-relay": tx_relay,
    "addr-gossip": addr_gossip,
    "addr-man": addr_man,
    "connections": connections,
    "serving": serving,
    "filter-serving": filter_serving,
    "filter-sync": filter_sync,
}
