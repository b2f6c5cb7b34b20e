"""Compact blocks: taken apart, made whole, and fetched from peers that answer as they like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.errors import DecodeError
from axon.machine import Instant, PeerId
from axon.p2p.actions import Action
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.compactblock import (
    CompactFault,
    PartialBlock,
    Rebuilt,
    compact_block,
    fill,
    match,
    pick,
)
from axon.p2p.compactfetch import MAX_PARALLEL, CompactFetch, FillRequest, MatchRequest
from axon.p2p.faults import PeerFault
from axon.p2p.highbandwidth import MAX_HIGH_BANDWIDTH, HighBandwidth
from axon.p2p.peerchains import PeerChains
from axon.primitives.block import Block
from axon.primitives.blockbody import check_body
from axon.primitives.hashes import Wtxid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.wire.messages import BlockTxn, CmpctBlock, GetBlockTxn
from fuzz.source import Source
from fuzz.world import BLOCKS, BRANCH, CHAIN, Peers, patched
from tests.p2p.chains import Ledger

MAX_STEPS: Final = 400
NEAR: Final = 20
"""So many blocks of the chain are connected at first: its tip is not old then."""


@dataclass(frozen=True)
class _Pooled:
    transaction: Transaction


_SPENDS: Final = [
    Transaction.build(1, [TxIn(OutPoint(bytes((place,)) * 36), b"")], [TxOut(place, b"\x51")])
    for place in range(4)
]
_POOL: Final = {Wtxid(each.wtxid): _Pooled(each) for each in _SPENDS[:2]}
_COINBASE: Final = REGTEST.genesis.transactions[0]
_BODY: Final = Block.build(REGTEST.genesis.header, [_COINBASE, *_SPENDS])  # Not the header's.


def compact_block_bytes(data: bytes) -> None:
    """Any bytes as a compact block, and any as the rest of it."""
    source = Source(data)
    raw = REGTEST.genesis.header.raw + source.take(source.number(2) & 0x3FF).ljust(8, b"\x00")
    found = match(CmpctBlock.decode(raw), _POOL, _SPENDS[2:3])
    if isinstance(found, PartialBlock):
        wanted = found.request()
        assert list(wanted.indexes) == sorted(set(wanted.indexes))
        assert wanted.indexes[-1] < len(found.transactions)
        answers = [BlockTxn.build(found.header.hash, _SPENDS[: len(wanted.indexes)])]
        with suppress(DecodeError):
            answers.append(BlockTxn.decode(source.rest()))
        for answer in answers:
            _check_whole(fill(found, answer))
    else:
        _check_whole(found)


def _check_whole(found: Rebuilt | CompactFault) -> None:
    if isinstance(found, Rebuilt):
        assert check_body(found.block, segwit=True) is None
        assert Block.decode(found.block.raw) == found.block


def compact_match(data: bytes) -> None:
    """A compact block of ours, changed somewhere, is made whole or not, and never of others."""
    source = Source(data)
    genesis = REGTEST.genesis
    message = compact_block(genesis, source.number(8))
    changed = patched(source, message.raw)
    with suppress(DecodeError):
        found = match(CmpctBlock.decode(changed), _POOL, ())
        if isinstance(found, Rebuilt):
            assert found.block.transactions == genesis.transactions
    other = match(compact_block(_BODY, source.number(8)), _POOL, _SPENDS[2:])
    assert other is CompactFault.FAILED


def compact_fetch(data: bytes) -> None:
    """Peers announce, deliver, mislead, come and go."""
    source, ledger = Source(data), Ledger()
    ledger.learn(CHAIN)
    ledger.learn(BRANCH)
    for block in BLOCKS[: NEAR + source.below(4)]:
        ledger.store(block)
    download = BlockDownload(ledger, PeerChains(ledger.tree), Random(1))
    run = _Run(source, ledger, download)
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        run.step()
        run.check()


class _Run:
    """The part with its peers, and what is being looked at for them."""

    def __init__(self, source: Source, ledger: Ledger, download: BlockDownload) -> None:
        self._source = source
        self._ledger = ledger
        self._download = download
        self._bandwidth = HighBandwidth(blocks_only=False)
        self._fetch = CompactFetch(ledger, download, self._bandwidth)
        self._peers = Peers(source, self)
        self._looking: dict[PeerId, tuple[Block, MatchRequest | FillRequest]] = {}

    def closed(self, peer: PeerId, now: Instant) -> list[Action]:
        """A peer has gone."""
        self._looking.pop(peer, None)
        self._fetch.closed(peer)
        self._bandwidth.closed(peer)
        self._download.closed(peer, now)
        return []

    def step(self) -> None:
        """Anything that may happen."""
        source, peers = self._source, self._peers
        peer = peers.any()
        match source.below(7):
            case 0 if peers.has_room():
                new = peers.arrive()
                self._download.opened(new, preferred=source.flag())
                self._bandwidth.opened(new, outbound=source.flag())
                self._bandwidth.negotiated(new)
            case 1 | 2 if peer is not None and peer not in self._looking:
                self._announce(peer)
            case 3 if peer is not None and peer in self._looking:
                self._look(peer)
            case 4 if peer is not None and peer not in self._looking:
                block = self._near()
                answer = BlockTxn.build(block.hash, ())
                found = self._fetch.received_transactions(peer, answer, peers.now)
                self._begin(peer, block, found)
            case 5 if peer is not None:
                peers.perform(self._bandwidth.brought(peer))
            case _:
                peers.leave_or_wait(peer)

    def _announce(self, peer: PeerId) -> None:
        block = self._near()
        entry = self._ledger.tree.get(block.hash)
        assert entry is not None
        message = compact_block(block, 7)
        self._begin(peer, block, self._fetch.received(peer, entry, message, self._peers.now))

    def _near(self) -> Block:
        """A block around our tip."""
        height = self._ledger.tip.height
        return self._source.choose(BLOCKS[height - 1 : height + 4])

    def _begin(
        self, peer: PeerId, block: Block, found: MatchRequest | FillRequest | list[Action]
    ) -> None:
        if isinstance(found, list):
            self._peers.perform(found)
        else:
            self._looking[peer] = (block, found)

    def _look(self, peer: PeerId) -> None:
        block, request = self._looking.pop(peer)
        whole = match(compact_block(block, 7), {}, ())
        assert isinstance(whole, Rebuilt)
        now = self._peers.now
        if isinstance(request, MatchRequest):
            partial = PartialBlock(block.header, (None,), whole.sources)
            outcomes: list[PartialBlock | Rebuilt | CompactFault] = [whole, partial, *CompactFault]
            outcome = self._source.choose(outcomes)
            found = self._fetch.matched(peer, block.hash, outcome, now)
        else:
            endings: list[Rebuilt | CompactFault] = [whole, *CompactFault]
            filled = self._source.choose(endings)
            found = self._fetch.filled(peer, block.hash, filled, now)
        if isinstance(found, list):
            self._peers.perform(found)
            return
        assert found.block == block
        self._download.arrived(peer, block.hash, now)
        self._ledger.store(block)
        self._download.settled(block.hash, now)
        self._download.validated(block.hash, True)
        self._fetch.settled(block.hash)

    def check(self) -> None:
        """What always holds."""
        for block in BLOCKS:
            asked = self._download.asked_of(block.hash)
            assert len(asked) <= MAX_PARALLEL
            assert not (asked and self._ledger.has_block(block.hash))
        chosen = [peer for peer in self._peers.here if self._bandwidth.is_chosen(peer)]
        assert len(chosen) <= MAX_HIGH_BANDWIDTH


def compact_pick(data: bytes) -> None:
    """Any request is answered with what it names, or is a fault."""

    with suppress(DecodeError):
        request = GetBlockTxn.decode(_BODY.hash + data)
        answer = pick(_BODY, request)
        if isinstance(answer, PeerFault):
            assert request.indexes[-1] >= len(_BODY.transactions)
        else:
            expected = tuple(_BODY.transactions[place] for place in request.indexes)
            assert answer.transactions() == expected


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "compact-block": compact_block_bytes,
    "compact-match": compact_match,
    "compact-fetch": compact_fetch,
    "compact-pick": compact_pick,
}
