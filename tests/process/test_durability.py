"""Killing a node at random instants: what it acknowledged is there again after the next start.

Alice's node is killed while it starts, syncs, mines, relays and reorganises. Whatever it answered
to or announced before must be there when it answers again, without anybody's help, and its coins
and filters must be those of Bob's node, which is never killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from random import Random
from typing import Final

import pytest

from axon.primitives.hashes import to_hex
from axon.rpc.client import Unreachable
from axon.swarm.lab.nodeprocess import NodeProcess, equal_tips
from axon.swarm.lab.processes import NodeFailed, wait_until
from axon.swarm.signer import Signer
from axon.wire.messages import Headers, Inv, InvType, SendHeaders
from tests.process.conftest import ALICE, MakeNode, ledger_of
from tests.process.market import Market
from tests.process.rawpeer import PeerGone, RawPeer

pytestmark = pytest.mark.process

START_HEIGHT: Final = 110
ROUND_S: Final = 1.5
"""How long a node lives at most; about as long as it takes to sync what Bob has mined meanwhile."""

SETTLE_S: Final = 60.0


class Listener(threading.Thread):
    """A peer that writes down which blocks a node announces to it, until the node is gone."""

    def __init__(self, node: NodeProcess) -> None:
        super().__init__(daemon=True)
        self._peer = RawPeer(node.p2p).shake_hands()
        self._peer.send(SendHeaders())
        self.announced: list[str] = []

    def run(self) -> None:
        with contextlib.suppress(PeerGone, TimeoutError, OSError):
            while True:
                match self._peer.next(SETTLE_S):
                    case Headers(headers):
                        self.announced += [to_hex(header.hash) for header in headers]
                    case Inv(items):
                        self.announced += [
                            to_hex(item.hash) for item in items if item.kind == InvType.BLOCK
                        ]
        self._peer.close()


class Killing:
    """Alice's node, which is killed again and again, and Bob's.

    Args:
        alice: killed.
        bob: not.
        rng: chooses the instants and what goes on meanwhile.
    """

    def __init__(self, alice: NodeProcess, bob: NodeProcess, rng: Random) -> None:
        self.alice, self.bob = alice, bob
        self._rng = rng
        self._hers = Market(ALICE)
        self._his = Market(Signer("Bob"))
        self.promised: dict[str, None] = {}
        self.announced = 0
        self.kills = 0

    def prepare(self) -> None:
        """A chain at both nodes, with ripe coins."""
        self._hers.mine(self.alice, START_HEIGHT)
        self.alice.connect(self.bob)
        wait_until(self._agree, SETTLE_S, "both have the first blocks")

    def round(self) -> None:
        """One life of Alice's node, which begins with it running."""
        life = self._rng.choice([self._mine, self._sync, self._reorganise])
        listener = Listener(self.alice)
        listener.start()
        moment = self._rng.random() * ROUND_S
        assert self.alice.pid is not None
        killer = threading.Timer(moment, os.kill, (self.alice.pid, signal.SIGKILL))
        killer.start()
        try:
            life()
        except (NodeFailed, Unreachable):
            killer.join()
            wait_until(lambda: not self.alice.is_running, SETTLE_S, "it was killed")
        self._kill()
        listener.join()
        self.promised.update(dict.fromkeys([*listener.announced, *self._hers.mined]))
        self.announced += len(listener.announced)
        if self._rng.random() < 0.3:
            self._his.mine(self.bob, self._rng.randint(1, 30))
        self._come_back()

    def _kill(self) -> None:
        self.alice.kill()
        self.kills += 1

    def _come_back(self) -> None:
        while self._rng.random() < 0.4:  # Killed while it starts.
            self.alice.start(wait=False)
            time.sleep(self._rng.random() * ROUND_S)
            self._kill()
        self.alice.start()
        assert self.alice.errors() == ""
        for block_hash in self.promised:
            assert self.alice.rpc("getblock", block_hash, 0), "it is as it was"
        self._check_ledger()

    def _check_ledger(self) -> None:
        """Alice's node says of its own tip what Bob's says of the same, once both are there."""
        self.alice.connect(self.bob)
        wait_until(self._agree, SETTLE_S, "both agree")
        first = max(0, self.alice.height() - 40)
        assert ledger_of(self.alice, first) == ledger_of(self.bob, first)

    def _agree(self) -> bool:
        return equal_tips([self.alice, self.bob])

    # What goes on while it is killed.

    def _mine(self) -> None:
        while True:
            self._hers.mine(self.alice)
            self._hers.pay(self.alice, 3)

    def _sync(self) -> None:
        """Bob mines while the two are apart; then Alice's node catches up."""
        self.alice.disconnect(self.bob)
        self._his.mine(self.bob, 20)
        self._his.pay(self.bob, 5)
        self.alice.rpc("addnode", str(self.bob.p2p), "onetry")
        while True:
            self._his.mine(self.bob)
            self._hers.pay(self.alice)
            self.alice.height()  # Fails once it is killed, whether she had a coin left or not.

    def _reorganise(self) -> None:
        """Each mines for itself, with payments; Bob's branch wins."""
        self.alice.disconnect(self.bob)
        for _ in range(3):
            self._hers.pay(self.alice, 2)
            self._hers.mine(self.alice)
        self._his.mine(self.bob, 5)
        self.alice.rpc("addnode", str(self.bob.p2p), "onetry")
        self._mine()


def kill_again_and_again(make_node: MakeNode, kills: int, seed: int) -> None:
    alice, bob = make_node("alice", "-debug=validation"), make_node("bob")
    killing = Killing(alice.start(), bob.start(), Random(seed))
    killing.prepare()
    while killing.kills < kills:
        killing.round()
    assert alice.stop() == 0
    assert alice.errors() == ""
    assert killing.announced > kills, "a peer heard of its blocks"
    log = (alice.network_folder / "debug.log").read_text()
    print(
        f"{killing.kills} kills, {len(killing.promised)} blocks promised, "
        f"{killing.announced} announcements, height {bob.height()}, "
        f"{log.count('block disconnected')} blocks disconnected"
    )


def test_a_few_kills_lose_nothing_acknowledged(make_node: MakeNode) -> None:
    kill_again_and_again(make_node, kills=6, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_fifty_kills_lose_nothing_acknowledged(make_node: MakeNode) -> None:
    kill_again_and_again(make_node, kills=50, seed=2)
