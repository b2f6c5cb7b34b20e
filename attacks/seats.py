"""Connections: those that say nothing, those that come and go, and more than there are seats."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from itertools import count
from typing import Final

from attacks.attack import Attack
from attacks.strangers import Strangers, stranger_host
from attacks.victim import block_on
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.messages import BlockMessage, Headers, Tx
from axon.wire.v2 import MAX_GARBAGE_SIZE
from axon.wire.v2packets import TERMINATOR_SIZE
from tests.process.blocks import tip_header
from tests.process.rawpeer import PeerGone, RawPeer
from tests.v2peer import HandMadePeer

SEATS: Final = 189
"""Inbound connections of a node with `-maxconnections=200`."""

USUAL_DESCRIPTORS: Final = 1024

NEWCOMERS: Final = 9

DECOYING: Final = 10

LIMIT_S: Final = 20.0
"""How long a stranger waits for the node to take or to say something."""


def silence(node: NodeProcess, seconds: float) -> None:
    """As many silent connections as there are seats, renewed whenever one is lost."""
    served = 0
    with Strangers(node.p2p) as crowd:
        for _ in range(NEWCOMERS):
            crowd.connect(SEATS)
            time.sleep(seconds / NEWCOMERS)
            served += _is_newcomer_served(node)
            _forget_oldest(crowd, 4 * SEATS)
    assert served >= NEWCOMERS - 1, f"{served} of {NEWCOMERS} newcomers were served"


def slow_words(node: NodeProcess, seconds: float) -> None:
    """All seats taken by connections that say their version byte by byte."""
    said = RawPeer.frame(RawPeer.version_of("/slow:0/"))
    served = tried = 0
    until = time.monotonic() + seconds
    with Strangers(node.p2p) as crowd:
        crowd.connect(SEATS)
        for byte in itertools.cycle(said[:-1]):
            if time.monotonic() > until:
                break
            for mute in crowd.mute:
                with contextlib.suppress(OSError):
                    mute.send(bytes((byte,)))
            served += _is_newcomer_served(node)
            tried += 1
            crowd.connect(SEATS // 10)  # In place of those who gave way.
            _forget_oldest(crowd, 2 * SEATS)
            time.sleep(seconds / 60)
    assert served >= tried - 1, f"{served} of {tried} newcomers were served"


def seat_hogs(node: NodeProcess, seconds: float) -> None:
    """All seats taken by peers that shake hands and stay; new ones in place of those evicted."""
    served = tried = 0
    until = time.monotonic() + seconds
    with Strangers(node.p2p) as crowd:
        while time.monotonic() < until:
            with contextlib.suppress(PeerGone, TimeoutError):
                crowd.shake_hands(SEATS if not crowd.peers else SEATS // 10)
            served += _is_newcomer_served(node)
            tried += 1
            for hog in crowd.peers[: -4 * SEATS]:
                hog.close()
            del crowd.peers[: -4 * SEATS]
    assert served >= tried - 1, f"{served} of {tried} newcomers were served"


def _is_newcomer_served(node: NodeProcess) -> bool:
    with (
        contextlib.suppress(PeerGone, TimeoutError),
        RawPeer(node.p2p, host=stranger_host()) as newcomer,
    ):
        return newcomer.shake_hands().is_served(2.0)
    return False


def bursts(node: NodeProcess, seconds: float) -> None:
    """Thousands of connections at once, again and again, while an honest peer brings blocks."""
    tip, height = tip_header(node), node.height()
    with RawPeer(node.p2p, "/miner:0/").shake_hands() as miner, Strangers(node.p2p) as crowd:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            crowd.connect(400)
            height += 1
            block = block_on(tip, height, size_bytes=5_000, salt=height)
            tip = block.header
            miner.send(Headers((tip,)), BlockMessage(block.raw))
            _forget_oldest(crowd, 6_000)
        assert miner.is_served(30.0), "the honest peer lost its connection"
    assert node.height() == height, f"height {node.height()} of {height}"


def come_and_go(node: NodeProcess, seconds: float) -> None:
    """Connect, shake hands, send a transaction to be verified, leave; again and again."""
    until = time.monotonic() + seconds
    for number in count():
        if time.monotonic() > until:
            return
        spends = TxIn(OutPoint(number.to_bytes(32, "big") + bytes(4)))
        orphan = Transaction.build(2, [spends], [TxOut(1_000, b"\x00\x14" + bytes(20))])
        with RawPeer(node.p2p, host=stranger_host()) as peer, contextlib.suppress(PeerGone):
            peer.shake_hands()
            peer.send(Tx(orphan))


def keys(node: NodeProcess, seconds: float) -> None:
    """Have the node agree on keys with nobody (BIP 324): any bytes are one; again and again."""
    hello = bytes(range(64)) + bytes(MAX_GARBAGE_SIZE + TERMINATOR_SIZE)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as link, contextlib.suppress(OSError):
            link.settimeout(LIMIT_S)
            link.bind((stranger_host(), 0))
            link.connect((node.p2p.host, node.p2p.port))
            link.sendall(hello)
            while link.recv(1 << 16):
                pass  # Until it has found no terminator.


def decoys(node: NodeProcess, seconds: float) -> None:
    """Packets of the encrypted transport that mean nothing, from some strangers at once."""
    with contextlib.ExitStack() as stack:
        links = [_agreed(stack, node) for _ in range(DECOYING)]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for link, hand in links:
                link.sendall(b"".join(hand.decoy(0) for _ in range(500)) + hand.decoy(50_000))


def _agreed(stack: contextlib.ExitStack, node: NodeProcess) -> tuple[socket.socket, HandMadePeer]:
    hand = HandMadePeer(REGTEST.magic, initiating=True)
    link = stack.enter_context(socket.socket())
    link.settimeout(LIMIT_S)
    link.bind((stranger_host(), 0))
    link.connect((node.p2p.host, node.p2p.port))
    link.sendall(hand.hello)
    while not hand.session_id:
        data = link.recv(1 << 16)
        assert data, "a node answers a key"
        hand.received(data)
    link.sendall(hand.proof())
    return link, hand


def _forget_oldest(crowd: Strangers, most: int) -> None:
    for mute in crowd.mute[:-most]:
        mute.close()
    del crowd.mute[:-most]


ATTACKS: Final = (
    Attack("silence", silence),
    Attack("slow-words", slow_words),
    Attack("seat-hogs", seat_hogs),
    Attack("bursts", bursts, descriptors=USUAL_DESCRIPTORS, ping_s=0.25),
    Attack("come-and-go", come_and_go),
    Attack("keys", keys),
    Attack("decoys", decoys),
)
