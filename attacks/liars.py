"""Liars: headers without work or from another time, forks without end, blocks that are announced
and never come, and bytes that are no messages."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Final

from attacks.attack import Attack
from attacks.strangers import Strangers, stranger_host, strangers
from attacks.victim import block_on, next_block
from axon.chain.deployments import BLOCK_VERSION
from axon.machine import Endpoint
from axon.primitives.encoding import compact_size
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.messages import BlockMessage, CmpctBlock, Headers, Message, SendCmpct
from axon.wire.messages.compactblocks import Prefilled
from axon.wire.v1 import V1Transport
from tests.process.blocks import proved, tip_header, unproved
from tests.process.rawpeer import PeerGone, RawPeer

CROWD: Final = 30

HOURS_S: Final = 3 * 3_600
"""Further ahead than a block's time may be."""

SHORT_IDS: Final = 4_000
"""Of a full block."""

DEPTH: Final = 8
"""So many blocks a fork has before the next ones begin at the newest block."""

_RNG: Final = Random(11)


def headers_without_work(node: NodeProcess, seconds: float) -> None:
    """Headers on the newest block that prove no work; each stranger has one."""
    for number in _until(seconds):
        tip = tip_header(node)
        root = number.to_bytes(32, "big")
        bare = Header.build(BLOCK_VERSION, tip.hash, root, tip.time + 1, tip.bits, 0)
        with _peer(node.p2p) as peer:
            peer.send(Headers((unproved(bare),)))
            assert peer.is_dropped(), "who sends a header without work stays"


def other_times(node: NodeProcess, seconds: float) -> None:
    """Blocks of three hours ahead, and of before their parents'; the former may be right later."""
    tip = node.tip()
    for number in _until(seconds):
        parent = tip_header(node)
        late = number % 2 == 0
        moment = int(time.time()) + HOURS_S if late else parent.time - HOURS_S
        root = number.to_bytes(32, "big")
        header = proved(Header.build(BLOCK_VERSION, parent.hash, root, moment, parent.bits, 0))
        with _peer(node.p2p) as peer:
            peer.send(Headers((header,)))
            if not late:
                assert peer.is_dropped(), "who sends a block of before its parents stays"
            else:
                assert peer.is_served(), "who sends a block of later on is dropped"
    assert node.tip() == tip, "a block of another time is taken"


def equivocators(node: NodeProcess, seconds: float) -> None:
    """Each of thirty strangers has a fork of its own, and they lengthen them in turn."""
    until = time.monotonic() + seconds
    with Strangers(node.p2p) as crowd:
        peers = crowd.shake_hands(CROWD)
        while time.monotonic() < until:
            start, height = tip_header(node), node.height()
            tips = [start] * len(peers)
            for depth in range(1, DEPTH + 1):
                for place, peer in enumerate(peers):
                    block = block_on(tips[place], height + depth, salt=_RNG.getrandbits(60))
                    tips[place] = block.header
                    peer.send(Headers((block.header,)), BlockMessage(block.raw))
                if time.monotonic() > until:
                    break
            assert peers[0].is_served(60.0), "an equivocator whose blocks are good is dropped"


def withheld_blocks(node: NodeProcess, seconds: float) -> None:
    """Thirty strangers announce each new block first and never hand it over; then one does."""
    with Strangers(node.p2p) as crowd, RawPeer(node.p2p, "/miner:0/").shake_hands() as honest:
        liars = crowd.shake_hands(CROWD)
        for number in _until(seconds):
            block = next_block(node, size_bytes=2_000, salt=number)
            for liar in liars:
                liar.send(Headers((block.header,)))
            honest.send(Headers((block.header,)), BlockMessage(block.raw))
            assert honest.is_served(), "who brings a block is dropped"
            assert node.tip() == block.hash[::-1].hex(), "the block is not taken"


def compact_blocks(node: NodeProcess, seconds: float) -> None:
    """Compact blocks on the newest block, as long as of full ones, of which nothing else exists.

    The work of each is done. Thirty strangers send all of them, again and again.
    """
    tip = tip_header(node)
    coinbase = next_block(node, size_bytes=1_000).transactions[0]
    messages: list[Message] = [SendCmpct(0)]
    for number in range(CROWD):
        root = number.to_bytes(32, "big")
        bare = Header.build(BLOCK_VERSION, tip.hash, root, tip.time + 1, tip.bits, 0)
        names = [_RNG.randbytes(6) for _ in range(SHORT_IDS)]
        header = proved(bare)
        messages.append(Headers((header,)))
        messages.append(CmpctBlock.build(header, number, names, (Prefilled(0, coinbase),)))
    with strangers(node.p2p, CROWD) as crowd:
        crowd.flood(messages, seconds)


def malformed(node: NodeProcess, seconds: float) -> None:
    """Bytes that are no messages, or messages that nobody may send; each stranger sends one."""
    tip = tip_header(node)
    for number in _until(seconds):
        name, data, stays = MALFORMED[number % len(MALFORMED)]
        with _peer(node.p2p) as peer:
            peer.send_bytes(data(tip))
            if stays:
                assert peer.is_served(), f"who sends {name} is dropped"
            else:
                assert peer.is_dropped(), f"who sends {name} stays"


def _frame(command: str, payload: bytes) -> bytes:
    return V1Transport(REGTEST.magic).encode(command, payload)


def _too_many(command: str, items: int, size: int) -> Callable[[Header], bytes]:
    return lambda _tip: _frame(command, compact_size(items) + bytes(size * items))


MALFORMED: Final[tuple[tuple[str, Callable[[Header], bytes], bool], ...]] = (
    ("other magic", lambda _: b"\xfa\xbf\xb5\xdb" + _frame("ping", bytes(8))[4:], False),
    ("a length beyond all", lambda _: REGTEST.magic + b"inv" + bytes(9) + b"\xff" * 8, False),
    ("a wrong checksum", lambda _: _frame("ping", bytes(8))[:-1] + b"\x01", True),
    ("a second version", lambda _: RawPeer.frame(RawPeer.version_of("/again:0/")), True),
    ("half an inv", lambda _: _frame("inv", compact_size(5) + bytes(40)), True),
    ("50,001 announcements", _too_many("inv", 50_001, 36), False),
    ("50,001 requests", _too_many("getdata", 50_001, 36), False),
    ("1,001 addresses", _too_many("addr", 1_001, 30), False),
    (
        "2,001 headers",
        lambda tip: _frame("headers", compact_size(2_001) + (tip.raw + b"\0") * 2_001),
        False,
    ),
    ("an empty block", lambda _: _frame("block", b""), True),
)
"""What it is, its bytes behind a handshake, and whether its sender stays (as in Bitcoin Core)."""


def _until(seconds: float) -> Iterator[int]:
    until = time.monotonic() + seconds
    for number in count():
        if time.monotonic() > until:
            return
        yield number


@contextlib.contextmanager
def _peer(endpoint: Endpoint) -> Iterator[RawPeer]:
    with RawPeer(endpoint, host=stranger_host()) as peer, contextlib.suppress(PeerGone):
        yield peer.shake_hands()


ATTACKS: Final = (
    Attack("headers-without-work", headers_without_work),
    Attack("other-times", other_times),
    Attack("equivocators", equivocators, memory_mb=60),
    Attack("withheld-blocks", withheld_blocks),
    # What waits of each peer: the limit of its inbox, and what is on its way into it.
    Attack("compact-blocks", compact_blocks, memory_mb=30 + 7 * CROWD),
    Attack("malformed", malformed),
)
