"""Headers and blocks: wrong ones, useless ones, and far too many."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import count
from typing import Final

from attacks.attack import Attack
from attacks.strangers import stranger_host
from attacks.victim import HEIGHT, block_on, next_block
from axon.machine import Endpoint
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.transaction import TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.messages import BlockMessage, Headers
from tests.process.blocks import ANYONE, tip_header
from tests.process.rawpeer import PeerGone, RawPeer

TOO_MUCH_SAT: Final = 10**12

STOP_S: Final = 5.0
"""How long a node may take to stop, whatever waits."""


def changed_bodies(node: NodeProcess, seconds: float) -> None:
    """A good block's header with another body comes first; then the block itself."""
    until = time.monotonic() + seconds
    for number in count():
        if time.monotonic() > until:
            return
        good = next_block(node, size_bytes=2_000, salt=number)
        with _peer(node.p2p) as liar, _peer(node.p2p) as honest:
            liar.send(Headers((good.header,)), BlockMessage(_changed(good, number)))
            assert liar.is_dropped(), "who changed a block stays"
            honest.send(Headers((good.header,)), BlockMessage(good.raw))
            assert honest.is_served(), "who brings the good block is dropped"
        assert node.tip() == good.hash[::-1].hex(), "the good block is not taken"


def _changed(good: Block, number: int) -> bytes:
    """One of several bodies that are not the block's."""
    head, body = good.raw[:HEADER_SIZE], good.raw[HEADER_SIZE:]
    first = good.transactions[0].raw
    bodies = (
        body[:-3],
        compact_size(2) + first + first,  # CVE-2012-2459.
        compact_size(0),
        compact_size(1) + first[:-4] + b"\x01\x00\x00\x00",
        body[:-5] + bytes((body[-5] ^ 1,)) + body[-4:],
    )
    return head + bodies[number % len(bodies)]


def invalid_blocks(node: NodeProcess, seconds: float) -> None:
    """Blocks of nearly a megabyte that take too much; each stranger has one."""
    until = time.monotonic() + seconds
    for number in count():
        if time.monotonic() > until:
            return
        takes = [TxOut(TOO_MUCH_SAT, ANYONE)]
        bad = next_block(node, takes, size_bytes=900_000, salt=number)
        with _peer(node.p2p) as peer:
            peer.send(Headers((bad.header,)), BlockMessage(bad.raw))
            assert peer.is_dropped(), "who sends an invalid block stays"


def unwanted_blocks(node: NodeProcess, seconds: float) -> None:
    """Good blocks that fork off long ago, and that nobody asked for."""
    before = _block_bytes(node)
    height = HEIGHT - 50
    old = Header(bytes.fromhex(node.rpc("getblockheader", node.rpc("getblockhash", height), False)))
    until = time.monotonic() + seconds
    with _peer(node.p2p) as peer:
        for number in count():
            if time.monotonic() > until:
                break
            fork = block_on(old, height + 1, size_bytes=900_000, salt=number)
            peer.send(BlockMessage(fork.raw))
        peer.is_served(30.0)
    assert _block_bytes(node) == before, "blocks that nobody asked for fill the disk"


def single_headers(node: NodeProcess, seconds: float) -> None:
    """Tens of thousands of headers beside the tip, each in a message of its own; then a stop."""
    tip = tip_header(node)
    siblings = [block_on(tip, HEIGHT + 1, salt=number).header for number in range(200)]
    frames = b"".join(RawPeer.frame(Headers((header,))) for header in siblings)
    del seconds
    with _peer(node.p2p) as peer:
        for _ in range(150):
            peer.send_bytes(frames)
        began = time.monotonic()
        code = node.stop()
        took_s = time.monotonic() - began
    assert code == 0, f"exit code {code}"
    assert took_s <= STOP_S, f"the stop took {took_s:.1f} s"


@contextlib.contextmanager
def _peer(endpoint: Endpoint) -> Iterator[RawPeer]:
    with RawPeer(endpoint, host=stranger_host()) as peer, contextlib.suppress(PeerGone):
        yield peer.shake_hands()


def _block_bytes(node: NodeProcess) -> int:
    files = (node.network_folder / "blocks").glob("blk*.dat")
    return sum(file.stat().st_size for file in files)


ATTACKS: Final = (
    Attack("changed-bodies", changed_bodies),
    Attack("invalid-blocks", invalid_blocks, memory_mb=60),
    Attack("unwanted-blocks", unwanted_blocks),
    Attack("single-headers", single_headers, ends=True),
)
