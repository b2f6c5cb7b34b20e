"""Blocks: what is found in them, proven of them, refused of them, and taken back with them."""

from __future__ import annotations

import pytest

from axon.chain.filters import basic_filter, filter_elements
from axon.chain.store import MemoryStore
from axon.primitives.block import Block
from axon.primitives.encoding import Reader
from axon.primitives.hashes import BlockHash, Txid, sha256
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Rejected
from axon.wallet import records
from axon.wallet.errors import UnknownTransaction
from axon.wallet.history import PaymentState
from axon.wallet.records import Keychain, Mark
from axon.wallet.scripts import LOOKAHEAD
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, Scene, coin, make_block, new_wallet, paying


def proven(proof: bytes) -> tuple[Header, list[tuple[int, Txid]]]:
    """The header of a proof and what it proves."""
    header = Header(proof[:HEADER_SIZE])
    reader = Reader(proof, HEADER_SIZE)
    root, matches = PartialMerkleTree.decode(reader).extract()
    reader.finish()
    assert root == header.merkle_root
    return header, matches


def test_a_payment_is_found_and_proven() -> None:
    scene = Scene()
    payment = paying(scene.script(), 3 * COIN)
    others = [paying(BOB.script, COIN, name) for name in range(1, 5)]
    taken = scene.mine(*others, payment)
    assert taken.found == (payment.txid,)
    assert not taken.scripts_grew  # The window moved when the address was given out.
    assert scene.wallet.balance().confirmed_sat == 3 * COIN
    header, matches = proven(scene.wallet.proof(payment.txid))
    assert header == scene.blocks[1].header
    assert matches == [(0, scene.blocks[1].transactions[0].txid), (5, payment.txid)]


def test_the_coinbase_of_a_block_is_kept_beside_the_proofs_and_goes_with_them() -> None:
    scene = Scene()
    scene.mine(*[paying(scene.script(), COIN, name) for name in range(3)])
    block, ledger = scene.blocks[1], scene.wallet.ledger
    assert ledger.stored(records.COINBASE + block.hash) == block.transactions[0].stripped
    scene.unwind(1)
    assert ledger.stored(records.COINBASE + block.hash) is None
    scene.mine(paying(BOB.script, COIN, "nobody of ours"))
    assert ledger.stored(records.COINBASE + scene.blocks[1].hash) is None


def test_a_payment_and_its_spending_in_one_block() -> None:
    scene = Scene()
    payment = paying(scene.script(), 3 * COIN)
    entry = TxIn(outpoint(payment.txid, 0), witness=(b"signature", b"key"))
    spending = Transaction.build(2, [entry], [TxOut(2 * COIN, BOB.script)])
    assert scene.mine(payment, spending).found == (payment.txid, spending.txid)
    assert scene.wallet.balance().total_sat == 0
    sent, received = scene.wallet.history()
    assert (sent.txid, sent.sent_sat, sent.fee_sat) == (spending.txid, 3 * COIN, COIN)
    assert sent.addresses == (BOB.address(),)
    assert (received.txid, received.received_sat) == (payment.txid, 3 * COIN)


def test_the_window_moves_within_a_block() -> None:
    """A restored wallet: each payment is just in the window that the one before opened."""
    scene, ahead = Scene(), new_wallet()
    book = ahead.ledger.book
    book.reveal(Keychain.RECEIVE, 200)
    indices = [24, 49, 74, 99]
    scripts = [book.script(Keychain.RECEIVE, index) for index in indices]
    payments = [paying(script, COIN, name) for name, script in enumerate(scripts)]
    taken = scene.mine(*reversed(payments))
    assert taken.scripts_grew
    assert set(taken.found) == {item.txid for item in payments}
    assert scene.wallet.balance().confirmed_sat == 4 * COIN
    assert len(scene.wallet.watched_scripts()) == 100 + LOOKAHEAD + LOOKAHEAD
    assert not scene.mine().scripts_grew


def test_an_output_behind_the_window_is_ours_once_it_opens() -> None:
    scene, ahead = Scene(), new_wallet()
    ahead.ledger.book.reveal(Keychain.RECEIVE, 60)
    near, far = (ahead.ledger.book.script(Keychain.RECEIVE, index) for index in (0, 40))
    both = BOB.pay([coin("both")], [TxOut(COIN, near), TxOut(2 * COIN, far)])
    scene.mine(both)
    assert scene.wallet.balance().confirmed_sat == COIN
    scene.mine(paying(ahead.ledger.book.script(Keychain.RECEIVE, 20), COIN, "later"))
    assert scene.wallet.balance().confirmed_sat == 4 * COIN


def test_filters_tell_which_blocks_to_read() -> None:
    scene = Scene()
    script = scene.script()
    payment = paying(script, COIN)
    ours = make_block(REGTEST.genesis.hash, 1, [payment])
    foreign = make_block(REGTEST.genesis.hash, 1, [paying(BOB.script, COIN)])
    spends = make_block(REGTEST.genesis.hash, 1)
    elements = [filter_elements(ours, []), filter_elements(foreign, []), [script]]
    filters = [
        (block.hash, basic_filter(block.hash, each))
        for block, each in zip((ours, foreign, spends), elements, strict=True)
    ]
    assert scene.wallet.match_filters(filters) == (True, False, True)


def test_a_filter_that_nobody_can_read_means_the_block_is_read() -> None:
    assert new_wallet().match_filters([(BlockHash(bytes(32)), b"\xff")]) == (True,)


def test_wrong_blocks_change_nothing() -> None:
    wallet = new_wallet()
    script = wallet.watched_scripts()[0]
    block = make_block(REGTEST.genesis.hash, 1, [paying(script, COIN), paying(script, COIN, 1)])
    coinbase, first, second = block.transactions
    inner = Block.build(block.header, [coinbase, first])
    for raw, reason in [
        (b"", "bad-block-encoding"),
        (block.raw[:-1], "bad-block-encoding"),
        (REGTEST.genesis.raw, "bad-block-hash"),
        (inner.raw, "bad-txnmrklroot"),
        (Block.build(block.header, [coinbase, first, second, second]).raw, "bad-txns-duplicate"),
        (block.stripped(), "bad-witness-nonce-size"),
    ]:
        taken = wallet.take_block(block.hash, 1, raw)
        assert isinstance(taken.verdict, Rejected)
        assert taken.verdict.reason == reason
        assert taken.found == ()
    assert wallet.balance().total_sat == 0
    assert wallet.take_block(block.hash, 1, block.raw).found == (first.txid, second.txid)


def test_inner_nodes_do_not_pose_as_transactions() -> None:
    """A block whose "transactions" are the 64 bytes of the level above has the same root."""
    wallet = new_wallet()
    block = make_block(REGTEST.genesis.hash, 1, [paying(BOB.script, COIN, n) for n in range(3)])
    txids = [item.txid for item in block.transactions]
    forged = block.header.raw + b"\x02" + txids[0] + txids[1] + txids[2] + txids[3]
    assert isinstance(wallet.take_block(block.hash, 1, forged).verdict, Rejected)


def test_what_leaves_the_chain_is_unconfirmed_again() -> None:
    scene = Scene()
    scene.receive(COIN, "kept")
    point = scene.receive(2 * COIN, "lost")
    txid = Txid(point[:32])
    lost = scene.unwind(1)
    balance = scene.wallet.balance()
    assert (balance.confirmed_sat, balance.untrusted_pending_sat) == (COIN, 2 * COIN)
    with pytest.raises(UnknownTransaction, match="in no block yet"):
        scene.wallet.proof(txid)
    scene.mine()
    scene.mine(lost[0].transactions[1])
    assert scene.wallet.balance().confirmed_sat == 3 * COIN
    header, _ = proven(scene.wallet.proof(txid))
    assert header == scene.blocks[-1].header


def test_a_double_spend_in_the_other_branch_wins() -> None:
    scene = Scene()
    script = scene.script()
    scene.mine(paying(script, COIN, "same coin"))
    scene.unwind(1)
    scene.mine(paying(BOB.script, COIN, "same coin"), paying(script, 2 * COIN, "other coin"))
    rival = paying(script, 3 * COIN, "same coin")
    scene.mine(rival)
    assert scene.wallet.balance().confirmed_sat == 5 * COIN
    assert [entry.state for entry in scene.wallet.history()].count(PaymentState.REPLACED) == 1


def test_mined_coins_ripen_and_vanish_with_their_block() -> None:
    scene = Scene()
    scene.mine(miner=scene.script())
    assert scene.wallet.balance().immature_sat == 50 * COIN
    assert scene.wallet.coins()[0].immature
    scene.pass_blocks(98)
    assert scene.wallet.balance().immature_sat == 50 * COIN
    scene.pass_blocks(1)
    assert scene.wallet.balance().confirmed_sat == 50 * COIN
    assert scene.wallet.coins()[0].spendable
    scene.unwind(100)
    assert scene.wallet.balance().total_sat == 0
    assert scene.wallet.unconfirmed_own() == []
    (entry,) = scene.wallet.history()
    assert (entry.state, entry.coinbase) == (PaymentState.REPLACED, True)


def test_blocks_taken_after_the_last_mark_are_taken_again() -> None:
    """Killed between a block and its mark, and meanwhile the chain moved to another branch."""
    store = MemoryStore()
    scene = Scene(new_wallet(store))
    scene.receive(COIN, "marked")
    block = make_block(scene.blocks[-1].hash, 2, [paying(scene.script(), 2 * COIN, "unmarked")])
    scene.wallet.take_block(block.hash, 2, block.raw)
    assert scene.wallet.balance().confirmed_sat == 3 * COIN
    again = Wallet.load(store)
    assert again.scanned == Mark(1, scene.blocks[1].hash)
    balance = again.balance()
    assert (balance.confirmed_sat, balance.untrusted_pending_sat) == (COIN, 2 * COIN)
    again.take_block(block.hash, 2, block.raw)
    again.follow_chain(None, 2, block.hash)
    assert again.balance().confirmed_sat == 3 * COIN
    assert Wallet.load(store).balance().confirmed_sat == 3 * COIN


def test_another_block_at_a_height_takes_the_place_of_the_first() -> None:
    scene = Scene()
    script = scene.script()
    one = make_block(REGTEST.genesis.hash, 1, [paying(script, COIN, 1)], salt=1)
    other = make_block(REGTEST.genesis.hash, 1, [paying(script, 2 * COIN, 2)], salt=2)
    for block in (one, other):
        scene.wallet.take_block(block.hash, 1, block.raw)
    assert scene.wallet.balance().confirmed_sat == 2 * COIN
    assert scene.wallet.balance().untrusted_pending_sat == COIN
    first = one.transactions[1].txid
    with pytest.raises(UnknownTransaction, match="in no block yet"):
        scene.wallet.proof(first)
    assert scene.wallet.ledger.confirmations(first) == 0


def test_a_rescan_counts_only_what_is_met_again() -> None:
    scene = Scene()
    scene.receive(COIN, 1)
    scene.wallet.set_birthday(7, rescan=True)
    assert (scene.wallet.birthday_s, scene.wallet.scanned) == (7, None)
    assert scene.wallet.balance().confirmed_sat == 0
    scene.show(1)
    assert scene.wallet.balance().confirmed_sat == COIN


def test_a_block_taken_twice_is_written_once() -> None:
    class Counting(MemoryStore):
        writes = 0

        def write(self, changes: object) -> None:
            self.writes += 1
            super().write(changes)  # type: ignore[arg-type]

    store = Counting()
    scene = Scene(new_wallet(store))
    scene.receive(COIN)
    before = store.writes
    block = scene.blocks[1]
    assert len(scene.wallet.take_block(block.hash, 1, block.raw).found) == 1
    assert store.writes == before


def test_unknown_proofs_are_named() -> None:
    with pytest.raises(UnknownTransaction, match="none of this wallet"):
        new_wallet().proof(Txid(sha256(b"nothing")))
