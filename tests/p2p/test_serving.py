"""What we give when asked, and two halves joined by a list of messages."""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random

import pytest

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.faults import PeerFault
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.serving import HISTORICAL_S, MAX_BLOCKS_INV, ReadRequest, Serving
from axon.p2p.uploadtarget import UploadTarget
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST, TARGET_SPACING_S
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    BlockMessage,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    Message,
    NotFound,
    Tx,
)
from axon.wire.messages.headers import MAX_HEADERS, MAX_LOCATOR
from tests.p2p.chains import Ledger, mine_block, mine_blocks, mine_headers

GENESIS = REGTEST.genesis
BLOCKS = mine_blocks(GENESIS.header, 40, 1)
LONG = mine_headers(GENESIS.header, 2100)
WITNESSED = mine_block(BLOCKS[-1].header, 41, witness=True)
COINBASE = WITNESSED.transactions[0]
ALICE, BOB = PeerId(0), PeerId(1)
NOW: Instant = (WITNESSED.header.time + 60) * SECOND
UNKNOWN = BlockHash(bytes([9]) * 32)
ZERO = BlockHash(bytes(32))


class Everything(Ledger):
    """A ledger that claims to hold every block."""

    def has_block(self, block_hash: BlockHash) -> bool:  # noqa: ARG002
        return True


@dataclass
class Pool:
    """Transactions that anybody may have."""

    transactions: dict[bytes, Transaction]

    def serve(self, peer: PeerId, item: InvItem, now: Instant) -> Transaction | None:  # noqa: ARG002
        return self.transactions.get(item.hash)


@dataclass
class Fixture:
    ledger: Ledger
    serving: Serving
    pool: dict[bytes, Transaction]

    def ask(self, message: GetHeaders | GetBlocks | GetData, now: Instant = NOW) -> list[Message]:
        """Everything Alice gets for a request, blocks included."""
        actions = self.serving.received(ALICE, message)
        while self.serving.is_busy(ALICE):
            following = self.serving.take_next(ALICE, now)
            if isinstance(following, ReadRequest):
                item = following.item
                raw = self.ledger.blocks[BlockHash(item.hash)].raw
                following = self.serving.block_read(ALICE, item, raw)
            assert len(following) <= 2, "one thing at a time, and an inventory behind it"
            actions += following
        return messages(actions)

    def take(self, now: Instant = NOW) -> list[Message]:
        """The next thing for Alice, which is no block."""
        following = self.serving.take_next(ALICE, now)
        assert not isinstance(following, ReadRequest)
        return messages(following)


def messages(actions: list[Action]) -> list[Message]:
    found = []
    for action in actions:
        assert isinstance(action, Send)
        assert action.peer == ALICE
        found.append(action.message)
    return found


def fixture(
    *,
    minimum_chainwork: int = 0,
    upload: UploadTarget | None = None,
    transactions: bool = True,
    download: bool = False,
    headers: bool = False,
    limited: bool = False,
    noban: bool = False,
) -> Fixture:
    ledger = Everything(minimum_chainwork) if headers else Ledger(minimum_chainwork)
    if headers:
        ledger.connect(ledger.learn(LONG))
    else:
        ledger.learn([block.header for block in (*BLOCKS, WITNESSED)])
        for block in (*BLOCKS, WITNESSED):
            ledger.store(block)
    pool: dict[bytes, Transaction] = {}
    serving = Serving(ledger, Pool(pool), upload, limited=limited)
    serving.opened(ALICE, transactions=transactions, download=download, noban=noban)
    return Fixture(ledger, serving, pool)


def block_item(block: Block, kind: InvType = InvType.WITNESS_BLOCK) -> InvItem:
    return InvItem(kind, block.hash)


# Headers and inventories.


def test_headers_follow_the_first_known_hash() -> None:
    it = fixture()
    (answer,) = it.ask(GetHeaders((UNKNOWN, BLOCKS[4].hash, GENESIS.hash)))
    assert answer == Headers(tuple(b.header for b in (*BLOCKS[5:], WITNESSED)))


def test_headers_end_at_the_stop() -> None:
    it = fixture()
    (answer,) = it.ask(GetHeaders((GENESIS.hash,), BLOCKS[2].hash))
    assert answer == Headers(tuple(block.header for block in BLOCKS[:3]))


def test_headers_come_in_two_thousands() -> None:
    it = fixture(headers=True)
    (answer,) = it.ask(GetHeaders((GENESIS.hash,)))
    assert answer == Headers(tuple(LONG[:MAX_HEADERS]))


def test_a_peer_with_our_tip_gets_an_empty_answer() -> None:
    assert fixture().ask(GetHeaders((WITNESSED.hash,))) == [Headers(())]


def test_a_locator_of_strangers_begins_at_the_root() -> None:
    (answer,) = fixture().ask(GetHeaders((UNKNOWN,)))
    assert isinstance(answer, Headers)
    assert answer.headers[0] == BLOCKS[0].header


def test_an_empty_locator_asks_for_one_header() -> None:
    it = fixture()
    assert it.ask(GetHeaders((), BLOCKS[3].hash)) == [Headers((BLOCKS[3].header,))]
    assert it.ask(GetHeaders((), UNKNOWN)) == []


def test_a_chain_of_too_little_work_is_not_shown() -> None:
    few = fixture(minimum_chainwork=1 << 200)
    assert few.ask(GetHeaders((GENESIS.hash,))) == [Headers(())]
    trusted = fixture(minimum_chainwork=1 << 200, download=True)
    assert trusted.ask(GetHeaders((GENESIS.hash,))) != [Headers(())]


@pytest.mark.parametrize("kind", [GetHeaders, GetBlocks])
def test_a_locator_has_a_limit(kind: type[GetHeaders] | type[GetBlocks]) -> None:
    it = fixture()
    with pytest.raises(PeerFault, match="locator"):
        it.ask(kind((UNKNOWN,) * (MAX_LOCATOR + 1)))


def test_getblocks_names_five_hundred_and_goes_on_when_they_were_fetched() -> None:
    it = fixture(headers=True)
    (answer,) = it.ask(GetBlocks((GENESIS.hash,)))
    assert isinstance(answer, Inv)
    assert [item.hash for item in answer.items] == [h.hash for h in LONG[:MAX_BLOCKS_INV]]
    last = InvItem(InvType.WITNESS_BLOCK, LONG[MAX_BLOCKS_INV - 1].hash)
    it.serving.received(ALICE, GetData((last,)))
    assert it.serving.take_next(ALICE, NOW) == ReadRequest(ALICE, last)
    actions = it.serving.block_read(ALICE, last, BLOCKS[0].raw)
    tip = InvItem(InvType.BLOCK, LONG[-1].hash)
    assert messages(actions) == [BlockMessage(BLOCKS[0].raw), Inv((tip,))]


def test_getblocks_leaves_the_stop_out() -> None:
    it = fixture()
    (answer,) = it.ask(GetBlocks((GENESIS.hash,), BLOCKS[2].hash))
    assert answer == Inv(tuple(InvItem(InvType.BLOCK, block.hash) for block in BLOCKS[:2]))


# Blocks and transactions.


def test_items_are_answered_in_order_and_blocks_read_one_at_a_time() -> None:
    it = fixture()
    it.pool[COINBASE.wtxid] = COINBASE
    tx, gone = InvItem(InvType.WTX, COINBASE.wtxid), InvItem(InvType.WTX, bytes(32))
    wanted = GetData(
        (tx, block_item(BLOCKS[0]), InvItem(99, bytes(32)), gone, block_item(BLOCKS[1]), tx)
    )
    assert it.serving.received(ALICE, wanted) == []
    assert it.take() == [Tx(COINBASE)]
    assert it.serving.is_busy(ALICE)
    assert it.serving.take_next(ALICE, NOW) == ReadRequest(ALICE, block_item(BLOCKS[0]))
    actions = it.serving.block_read(ALICE, block_item(BLOCKS[0]), BLOCKS[0].raw)
    assert messages(actions) == [BlockMessage(BLOCKS[0].raw)]
    assert it.take() == [NotFound((gone,))]
    assert it.serving.take_next(ALICE, NOW) == ReadRequest(ALICE, block_item(BLOCKS[1]))
    actions = it.serving.block_read(ALICE, block_item(BLOCKS[1]), BLOCKS[1].raw)
    assert messages(actions) == [BlockMessage(BLOCKS[1].raw)]
    assert it.take() == [Tx(COINBASE)]
    assert not it.serving.is_busy(ALICE)


def test_by_txid_without_witness_flag_the_witness_is_left_out() -> None:
    it = fixture()
    it.pool[COINBASE.txid] = COINBASE
    (bare,) = it.ask(GetData((InvItem(InvType.TX, COINBASE.txid),)))
    assert isinstance(bare, Tx)
    assert not bare.transaction.has_witness
    assert bare.transaction.txid == COINBASE.txid
    whole = it.ask(GetData((InvItem(InvType.WITNESS_TX, COINBASE.txid),)))
    assert whole == [Tx(COINBASE)]


def test_who_wants_no_transactions_is_not_even_told_that_they_are_missing() -> None:
    it = fixture(transactions=False)
    wanted = (InvItem(InvType.WTX, bytes(32)), block_item(BLOCKS[0]))
    assert it.ask(GetData(wanted)) == [BlockMessage(BLOCKS[0].raw)]


def test_an_unknown_block_is_passed_over_in_silence() -> None:
    it = fixture()
    wanted = (InvItem(InvType.WITNESS_BLOCK, UNKNOWN), block_item(BLOCKS[0]))
    assert it.ask(GetData(wanted)) == [BlockMessage(BLOCKS[0].raw)]


def test_old_forks_are_not_shown_and_recent_ones_are() -> None:
    it = fixture()
    fork = mine_block(BLOCKS[-2].header, 40, time=BLOCKS[-1].header.time + 1)
    it.ledger.learn([fork.header])
    assert it.ask(GetHeaders((), fork.hash)) == []  # Known by its header only.
    it.ledger.blocks[fork.hash] = fork
    assert it.ask(GetData((block_item(fork),))) == [BlockMessage(fork.raw)]
    assert it.ask(GetHeaders((), fork.hash)) == [Headers((fork.header,))]
    late = mine_block(WITNESSED.header, 42, time=fork.header.time + 31 * 24 * 3600)
    it.ledger.learn([late.header])
    assert it.ask(GetData((block_item(fork),))) == []
    assert it.ask(GetHeaders((), fork.hash)) == []


def test_a_block_that_cannot_be_read_ends_the_connection() -> None:
    it = fixture()
    it.serving.received(ALICE, GetData((block_item(BLOCKS[0]),)))
    it.serving.take_next(ALICE, NOW)
    with pytest.raises(PeerFault):
        it.serving.block_read(ALICE, block_item(BLOCKS[0]), None)


def test_a_block_read_for_a_peer_that_left_is_thrown_away() -> None:
    it = fixture()
    it.serving.received(ALICE, GetData((block_item(BLOCKS[0]),)))
    it.serving.take_next(ALICE, NOW)
    it.serving.closed(ALICE, NOW)
    assert it.serving.block_read(ALICE, block_item(BLOCKS[0]), BLOCKS[0].raw) == []
    assert not it.serving.is_busy(ALICE)


def test_filtered_blocks_that_are_not_offered_are_ignored() -> None:
    it = fixture()
    assert it.ask(GetData((block_item(WITNESSED, InvType.FILTERED_BLOCK),))) == []


def test_above_the_upload_limit_old_blocks_end_the_connection() -> None:
    upload = UploadTarget(limit_bytes=1_000_000_000)
    it = fixture(headers=True, upload=upload)
    upload.sent(900_000_000, NOW)
    old = InvItem(InvType.WITNESS_BLOCK, LONG[0].hash)
    new = InvItem(InvType.WITNESS_BLOCK, LONG[-1].hash)
    assert LONG[-1].time - LONG[0].time > HISTORICAL_S
    assert it.serving.received(ALICE, GetData((new,))) == []
    assert it.serving.take_next(ALICE, NOW) == ReadRequest(ALICE, new)
    it.serving.opened(BOB, transactions=True)
    it.serving.received(BOB, GetData((old,)))
    with pytest.raises(PeerFault, match="old blocks"):
        it.serving.take_next(BOB, NOW)
    it.serving.opened(BOB, transactions=True, download=True)
    it.serving.received(BOB, GetData((old,)))
    assert it.serving.take_next(BOB, NOW) == ReadRequest(BOB, old)


def above_the_limit() -> Fixture:
    """A node that has sent nearly all it may send in a day."""
    upload = UploadTarget(limit_bytes=1_000_000_000)
    upload.sent(900_000_000, NOW)
    return fixture(headers=True, upload=upload)


def test_above_the_upload_limit_a_week_is_history() -> None:
    week = HISTORICAL_S // TARGET_SPACING_S
    for depth, ends in ((week, False), (week + 1, True)):
        it = above_the_limit()
        item = InvItem(InvType.WITNESS_BLOCK, LONG[-1 - depth].hash)
        it.serving.received(ALICE, GetData((item,)))
        with pytest.raises(PeerFault) if ends else nullcontext():
            assert it.serving.take_next(ALICE, NOW) == ReadRequest(ALICE, item)


def test_above_the_upload_limit_filtered_blocks_end_the_connection() -> None:
    it = above_the_limit()
    it.serving.received(ALICE, GetData((InvItem(InvType.FILTERED_BLOCK, LONG[-1].hash),)))
    with pytest.raises(PeerFault):
        it.serving.take_next(ALICE, NOW)
    assert not it.serving.is_busy(ALICE)


def test_another_block_than_the_one_being_read_is_thrown_away() -> None:
    it = fixture()
    it.serving.received(ALICE, GetData((block_item(BLOCKS[0]),)))
    it.serving.take_next(ALICE, NOW)
    assert it.serving.block_read(ALICE, block_item(BLOCKS[1]), BLOCKS[1].raw) == []
    assert it.serving.is_busy(ALICE)


def test_the_last_block_of_an_inventory_brings_the_next_one_once() -> None:
    it = fixture(headers=True)
    (inv,) = messages(it.serving.received(ALICE, GetBlocks((GENESIS.hash,), ZERO)))
    assert isinstance(inv, Inv)
    last = InvItem(InvType.WITNESS_BLOCK, inv.items[-1].hash)
    for count in (2, 1):
        it.serving.received(ALICE, GetData((last,)))
        it.serving.take_next(ALICE, NOW)
        assert len(it.serving.block_read(ALICE, last, BLOCKS[0].raw)) == count


# Two halves joined by a list of messages.


def test_a_newcomer_gets_the_whole_chain() -> None:
    """Header sync and block download on one side, serving on the other, nothing between."""
    server = fixture()
    ledger = Ledger()
    chains = PeerChains(ledger.tree)
    sync = HeaderSync(ledger, chains, Random(1))
    download = BlockDownload(ledger, chains, Random(1))
    to_server: deque[Message] = deque()
    to_client: deque[Message] = deque()

    def do(actions: list[Action]) -> None:
        for action in actions:
            assert isinstance(action, Send), action
            to_server.append(action.message)

    def serve(message: Message) -> None:
        if isinstance(message, GetHeaders | GetBlocks | GetData):
            to_client.extend(server.ask(message))

    def take(message: Message) -> None:
        match message:
            case Headers(headers):
                found = sync.received(ALICE, message, NOW)
                if found:
                    verdict = ledger.tree.add_chain(found, NOW)
                    rejected = verdict.rejected
                    do(sync.validated(ALICE, verdict.last, len(headers), False, rejected, NOW))
            case BlockMessage(raw):
                block = Block.decode(raw)
                assert download.arrived(ALICE, block.hash, NOW)
                connected = ledger.store(block)
                assert download.validated(block.hash, True) == ALICE
                if connected:
                    sync.tip_moved(NOW)
        do(download.update(NOW))

    do(sync.opened(ALICE, outbound=True, preferred=True, now=NOW))
    download.opened(ALICE, preferred=True)
    while to_server or to_client:
        if to_server:
            serve(to_server.popleft())
        if to_client:
            take(to_client.popleft())
    assert ledger.active.tip.hash == WITNESSED.hash
    assert download.in_flight_total == 0
    assert download.synced_blocks(ALICE) == chains.height(ALICE) == 41


# Where the last blocks alone are promised.


def deep(it: Fixture, depth: int) -> GetData:
    entry = it.ledger.active.at(it.ledger.active.height - depth)
    assert entry is not None
    return GetData((InvItem(InvType.WITNESS_BLOCK, entry.hash),))


def test_who_asks_for_blocks_that_are_not_promised_is_disconnected() -> None:
    it = fixture(headers=True, limited=True)
    it.serving.received(ALICE, deep(it, 290))
    assert isinstance(it.serving.take_next(ALICE, NOW), ReadRequest)
    it = fixture(headers=True, limited=True)
    it.serving.received(ALICE, deep(it, 291))
    with pytest.raises(PeerFault, match="promised"):
        it.serving.take_next(ALICE, NOW)


@pytest.mark.parametrize(("limited", "noban"), [(False, False), (True, True)])
def test_old_blocks_are_given_by_who_has_them(limited: bool, noban: bool) -> None:
    it = fixture(headers=True, limited=limited, noban=noban)
    it.serving.received(ALICE, deep(it, 2000))
    assert isinstance(it.serving.take_next(ALICE, NOW), ReadRequest)


def test_an_inventory_names_no_block_that_may_be_gone_soon() -> None:
    it = fixture(headers=True, limited=True)
    tip = it.ledger.active.height
    assert it.ask(GetBlocks((LONG[tip - 283 - 1].hash,), ZERO)) == []
    [inv] = it.ask(GetBlocks((LONG[tip - 282 - 1].hash,), ZERO))
    assert isinstance(inv, Inv)
    assert inv.items[0].hash == LONG[tip - 281 - 1].hash
