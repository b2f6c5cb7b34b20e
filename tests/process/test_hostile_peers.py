"""What strangers may send over a real socket: they lose their connection, or nothing happens."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.wire.messages import (
    Addr,
    BlockMessage,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    Message,
    Ping,
    Pong,
    Tx,
    Verack,
    Version,
)
from tests.process.blocks import ANYONE, block_on_tip, headers_on, proved, tip_header, unproved
from tests.process.conftest import Grown, NodeFactory
from tests.process.rawpeer import PATIENCE_S, RawPeer
from tests.process.soak import resident_kb

pytestmark = pytest.mark.process

MAGIC: Final = REGTEST.magic


@pytest.fixture(scope="module", name="node")
def node_fixture(tmp_path_factory: pytest.TempPathFactory, grown: Grown) -> Iterator[NodeProcess]:
    """One node for all that follows: whoever harms it harms the next test."""
    with NodeFactory(tmp_path_factory.mktemp("hostile")) as make:
        node = make("node", "-debug=validation", "-debug=mempoolrej")
        shutil.copytree(grown.folder, node.folder)
        node.start()
        yield node
        assert node.stop() == 0
        assert node.errors() == ""
        log = (node.network_folder / "debug.log").read_text()
        assert "Traceback" not in log


@pytest.fixture(name="witness", autouse=True)
def witness_fixture(node: NodeProcess) -> Iterator[RawPeer]:
    """An honest peer, who must be served before, during and after."""
    with RawPeer(node.p2p, "/witness:0/").shake_hands() as peer:
        yield peer
        assert peer.is_served()
    assert node.rpc("getblockcount") >= 0


class Log:
    """What a node writes from now on."""

    def __init__(self, node: NodeProcess) -> None:
        self._path = node.network_folder / "debug.log"
        self._start = self._path.stat().st_size

    def has(self, text: str) -> bool:
        return text in self._path.read_bytes()[self._start :].decode()


def frame(command: bytes, payload: bytes, size: int | None = None, magic: bytes = MAGIC) -> bytes:
    """A message's bytes, as false as wished."""
    size = len(payload) if size is None else size
    return magic + struct.pack("<12sI", command, size) + sha256d(payload)[:4] + payload


BROKEN_STREAMS: Final[dict[str, tuple[bytes, str]]] = {
    "garbage": (Random(1).randbytes(10_000), ""),
    "a request of the web": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300, ""),
    "zeros": (bytes(10_000), ""),
    "another network's magic": (frame(b"ping", bytes(8), magic=b"\xf9\xbe\xb4\xd9") * 300, ""),
    "a size above all bounds": (frame(b"ping", bytes(8), size=0xFFFF_FFFF) * 300, "payload"),
    "a size just above the bound": (frame(b"block", b"", size=4_000_001) * 300, "payload"),
}


@pytest.mark.parametrize("name", BROKEN_STREAMS)
@pytest.mark.parametrize("after_handshake", [False, True])
def test_a_stream_that_cannot_be_followed_ends(
    node: NodeProcess, name: str, after_handshake: bool
) -> None:
    data, reason = BROKEN_STREAMS[name]
    if not after_handshake:
        reason = ""  # It is taken for a key, and garbage that has no end.
    log = Log(node)
    with RawPeer(node.p2p) as peer:
        if after_handshake:
            peer.shake_hands()
        peer.send_bytes(data)
        assert peer.is_dropped()
    wait_until(lambda: log.has("disconnecting peer=") and log.has(reason), PATIENCE_S, "it is told")


IGNORED: Final[dict[str, tuple[bytes, str]]] = {
    "a wrong checksum": (frame(b"ping", bytes(8))[:-9] + b"\xff" + bytes(8), "wrong checksum"),
    "an unknown message": (frame(b"nonsense", b"abc"), "unknown message"),
    "a name that is no text": (frame(b"\xff\xfe\xfd", b""), "invalid message type"),
    "a name behind zeros": (frame(b"\0\0ping", b""), "invalid message type"),
    "a message without its end": (frame(b"inv", b"\xfd"), "ignored 'inv'"),
    "a count above what follows": (frame(b"headers", b"\xfd\xd0\x07"), "ignored 'headers'"),
    "a transaction that is none": (frame(b"tx", b"\x01\x02\x03"), "ignored 'tx'"),
    "a block that is none": (frame(b"block", bytes(20)), "ignored 'block'"),
    "addresses that are none": (frame(b"addr", b"\x05" + bytes(10)), "ignored 'addr'"),
    "a filter request that is none": (frame(b"getcfilters", b"\x00"), "ignored 'getcfilters'"),
    "a second verack": (frame(b"verack", b""), ""),
    "a pong that nobody awaits": (frame(b"pong", bytes(8)), ""),
    "a ping of the old form": (frame(b"ping", b""), ""),
}


@pytest.mark.parametrize("name", IGNORED)
def test_a_bad_message_costs_nothing_but_itself(node: NodeProcess, name: str) -> None:
    data, reason = IGNORED[name]
    log = Log(node)
    with RawPeer(node.p2p).shake_hands() as peer:
        peer.send_bytes(data)
        assert peer.is_served()
        assert log.has(reason)
        peer.send_bytes(data * 1000)
        assert peer.is_served()


def test_messages_before_the_handshake_are_not_answered(node: NodeProcess) -> None:
    log = Log(node)
    with RawPeer(node.p2p) as peer:
        # In the clear a version comes first: whatever else begins is taken for a key.
        peer.send(peer.version(), Ping(7), GetHeaders((REGTEST.genesis.hash,)), Verack())
        heard: list[object] = []
        with contextlib.suppress(TimeoutError):
            while True:
                heard.append(peer.next(1.0))
        assert heard
        assert not any(isinstance(message, Pong | Headers) for message in heard)
        assert peer.is_served()
    assert log.has("non-version message before version handshake")


def test_a_second_version_changes_nothing(node: NodeProcess) -> None:
    with RawPeer(node.p2p).shake_hands() as peer:
        peer.send(peer.version())
        assert peer.is_served()


def test_bytes_may_come_one_by_one(node: NodeProcess) -> None:
    with RawPeer(node.p2p) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in peer.frame(peer.version()) + peer.frame(Verack()):
            peer.send_bytes(bytes((byte,)))
        peer.receive(Version)
        peer.receive(Verack)
        for byte in peer.frame(Ping(12345)):
            peer.send_bytes(bytes((byte,)))
        assert peer.receive(Pong).nonce == 12345


def test_a_message_that_never_ends_keeps_nobody_waiting(
    node: NodeProcess, witness: RawPeer
) -> None:
    before = len(node.peers())
    with RawPeer(node.p2p).shake_hands() as peer:
        peer.send_bytes(frame(b"block", bytes(100_000), size=3_900_000))
        assert witness.is_served()
        assert len(node.peers()) == before + 1
    wait_until(lambda: len(node.peers()) == before, PATIENCE_S, "it is gone")


def of_another_difficulty(tip: Header) -> Header:
    return proved(Header.build(0x2000_0000, tip.hash, bytes(32), tip.time + 1, 0x1F7F_FFFF, 0))


VIOLATIONS: Final[dict[str, tuple[Callable[[Header], Message], str]]] = {
    "a header without work": (lambda tip: Headers((unproved(headers_on(tip, 1)[0]),)), ""),
    "a header of another difficulty": (lambda tip: Headers((of_another_difficulty(tip),)), ""),
    "a header from long ago": (
        lambda tip: Headers(tuple(headers_on(tip, 1, step_s=-10_000_000))),
        "time-too-old",
    ),
    "headers that do not connect to each other": (
        lambda tip: Headers((*headers_on(tip, 1), *headers_on(tip, 1, step_s=2))),
        "each header of a message builds on the one before",
    ),
    "too many headers": (lambda tip: Headers((tip,) * 2001), "headers"),
    "too many items told": (
        lambda _: Inv((InvItem(InvType.TX, bytes(32)),) * 50_001),
        "inventory items",
    ),
    "too many items asked": (
        lambda _: GetData((InvItem(InvType.TX, bytes(32)),) * 50_001),
        "inventory items",
    ),
    "too many addresses": (
        lambda _: Addr((TimedAddress(0, 1, NetAddress.from_text("8.8.8.8", 8333)),) * 1001),
        "addr",
    ),
    "filters of an unknown kind": (
        lambda tip: GetCFilters(9, 0, tip.hash),
        "filters",
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_who_breaks_a_rule_is_dropped(node: NodeProcess, name: str) -> None:
    make, reason = VIOLATIONS[name]
    log = Log(node)
    height = node.height()
    with RawPeer(node.p2p).shake_hands() as peer:
        peer.send(make(tip_header(node)))
        assert peer.is_dropped()
    wait_until(lambda: log.has("disconnecting peer=") and log.has(reason), PATIENCE_S, "it is told")
    assert node.height() == height
    assert len(node.rpc("getchaintips")) == 1


def forged(node: NodeProcess) -> Block:
    """Its transactions are not those that its header commits to."""
    block = block_on_tip(node, 1)
    other = block_on_tip(node, 2)
    return Block.decode(block.raw[:HEADER_SIZE] + other.raw[HEADER_SIZE:])


def out_of_thin_air(node: NodeProcess) -> Block:
    spent = TxIn(OutPoint(b"\x11" * 32 + bytes(4)))
    return block_on_tip(node, 1, Transaction.build(2, [spent], [TxOut(1, ANYONE)]))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda node: block_on_tip(node, 10**10), "bad-cb-amount"),
        (forged, "bad-txnmrklroot"),
        (out_of_thin_air, "bad-txns-inputs-missingorspent"),
    ],
)
def test_who_sends_an_invalid_block_is_dropped(
    node: NodeProcess, make: Callable[[NodeProcess], Block], reason: str
) -> None:
    log, tip = Log(node), node.tip()
    block = make(node)
    with RawPeer(node.p2p).shake_hands() as peer:
        peer.send(BlockMessage(block.raw))
        assert peer.is_dropped()
    wait_until(lambda: log.has(reason), PATIENCE_S, "the reason is told")
    assert node.tip() == tip


def test_an_invalid_transaction_is_refused_and_no_more(node: NodeProcess) -> None:
    pool = node.rpc("getmempoolinfo")["size"]
    tip = node.tip()
    coinbase = node.rpc("getblock", node.rpc("getblockhash", 12))["tx"][0]
    spent = TxIn(OutPoint(bytes.fromhex(coinbase)[::-1] + bytes(4)))
    log = Log(node)
    with RawPeer(node.p2p).shake_hands() as peer:
        for transaction in (
            Transaction.build(2, [spent], [TxOut(10**8, b"\x00\x14" + bytes(20))]),  # Unsigned.
            Transaction.build(2, [spent], [TxOut(10**12, b"\x00\x14" + bytes(20))]),
            Transaction.build(2, [], []),
            Transaction.build(2, [TxIn(OutPoint(b"\x12" * 36))], [TxOut(1, ANYONE)]),
        ):
            peer.send(Tx(transaction))
            assert peer.is_served()
    assert node.rpc("getmempoolinfo")["size"] == pool
    assert node.tip() == tip
    assert log.has("bad-txns-in-belowout")


def test_senseless_addresses_are_passed_over(node: NodeProcess) -> None:
    known = len(node.rpc("getnodeaddresses", 0))
    hosts = ["0.0.0.0", "127.0.0.1", "255.255.255.255", "10.1.2.3", "::", "::1", "fe80::1"]
    told = [
        TimedAddress(0xFFFF_FFFF, 0xFFFF_FFFF_FFFF, NetAddress.from_text(host, 0)) for host in hosts
    ]
    with RawPeer(node.p2p).shake_hands() as peer:
        peer.send(Addr(tuple(told)))
        assert peer.is_served()
    assert len(node.rpc("getnodeaddresses", 0)) == known


def test_a_peer_that_asks_and_never_reads_costs_little(node: NodeProcess, witness: RawPeer) -> None:
    tip = bytes.fromhex(node.tip())[::-1]
    before_kb = resident_kb(node)
    wanted = GetData((InvItem(InvType.WITNESS_BLOCK, tip),) * 10_000)
    with RawPeer(node.p2p, receive_buffer_bytes=4096).shake_hands() as peer:
        data = peer.frame(wanted) * 20
        peer.socket.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            while sent < len(data):
                sent += peer.socket.send(data[sent : sent + 65536])
        for _ in range(10):
            assert witness.is_served()
        assert resident_kb(node) - before_kb < 60_000
    wait_until(lambda: len(node.peers()) == 1, PATIENCE_S, "it is gone")


def test_a_flood_of_messages_keeps_nobody_waiting(node: NodeProcess, witness: RawPeer) -> None:
    with RawPeer(node.p2p).shake_hands() as peer:
        flood = peer.frame(Ping(1)) * 20_000
        peer.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            peer.socket.send(flood)
        began = time.monotonic()
        assert witness.is_served()
        assert time.monotonic() - began < 3.0


def test_peers_that_come_and_go_leave_nothing_behind(node: NodeProcess) -> None:
    for number in range(60):
        peer = RawPeer(node.p2p)
        if number % 3 == 1:
            peer.send(peer.version())
        if number % 3 == 2:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    wait_until(lambda: len(node.peers()) == 1, PATIENCE_S, "all are gone")


def test_more_peers_than_there_is_room_for_do_not_shut_anybody_out(
    make_node: Callable[..., NodeProcess],
) -> None:
    small = make_node("small", "-maxconnections=20").start()
    peers = [RawPeer(small.p2p) for _ in range(40)]
    try:
        wait_until(lambda: len(small.peers()) <= 20, PATIENCE_S, "its bound holds")
        assert small.height() == 0
    finally:
        for peer in peers:
            peer.close()
    wait_until(lambda: not small.peers(), PATIENCE_S, "all are gone")
    with RawPeer(small.p2p).shake_hands() as late:
        assert late.is_served()


def test_a_peer_that_never_greets_is_dropped(make_node: Callable[..., NodeProcess]) -> None:
    node = make_node()
    now = int(time.time())
    node.start(f"-mocktime={now}")
    with RawPeer(node.p2p) as mute, RawPeer(node.p2p) as half:
        half.send(half.version())
        half.receive(Version)
        wait_until(lambda: len(node.peers()) == 2, PATIENCE_S, "both are there")
        node.rpc("setmocktime", now + 59)
        assert not mute.is_dropped(0.5)
        node.rpc("setmocktime", now + 61)
        assert mute.is_dropped()
        assert half.is_dropped()
    with RawPeer(node.p2p) as leaving:
        leaving.socket.shutdown(socket.SHUT_WR)
        assert leaving.is_dropped()
