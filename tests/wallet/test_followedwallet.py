"""What a node shows to a wallet of descriptors: blocks, its pool, and what others take back."""

from __future__ import annotations

from random import Random

from axon.chain.filters import basic_filter
from axon.chain.store import MemoryStore
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.wallet import records
from axon.wallet.descriptorbook import AddressType
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.records import Mark
from axon.wallet.sealedkeys import Entropy
from axon.wallet.unconfirmed import EXPIRY_S
from tests.wallet.scene import BOB, coin, make_block, paying
from tests.wallet.test_descriptorwallet import NOW_S, desk, made, paid

GENESIS = REGTEST.genesis
MANY = [TxOut(1, b"\x52" + number.to_bytes(2, "big")) for number in range(200)]
"""So many outputs that the filter is longer than the list of our scripts."""


def reopened(store: MemoryStore) -> DescriptorWallet:
    return DescriptorWallet.load(store, Entropy(Random(8)))


def taken_back() -> Transaction:
    """Bob spends the same coin once more, and pays nobody here."""
    return BOB.pay([coin(0)], [TxOut(98 * COIN, BOB.script), *MANY])


def is_wanted(wallet: DescriptorWallet, block: Block, now_s: int = NOW_S) -> bool:
    """Whether a block is looked through, by its filter."""
    made = [output.script_pubkey for item in block.transactions for output in item.outputs]
    data = basic_filter(block.hash, [*made, BOB.script])
    return wallet.match_filters([(block.hash, data)], now_s)[0]


def show(wallet: DescriptorWallet, block: Block, height: int) -> None:
    wallet.take_block(block.hash, height, block.raw, NOW_S)
    wallet.follow_chain(None, height, block.hash)


def test_a_payment_that_is_taken_back_in_a_block_is_seen_though_nobody_here_is_paid() -> None:
    wallet = made()
    script = wallet.new_script(AddressType.BECH32)
    promise = paying(script, COIN)
    block = make_block(GENESIS.hash, 1, [taken_back()], miner=b"\x51")
    assert not is_wanted(wallet, block)
    wallet.pooled(promise, NOW_S)
    assert is_wanted(wallet, block)
    show(wallet, block, 1)
    assert wallet.holdings.depth(promise.txid) == -1
    later = make_block(block.hash, 2, [BOB.pay([coin(5)], MANY)], miner=b"\x51")
    assert not is_wanted(wallet, later), "it is settled"


def test_while_a_payment_does_not_tell_what_it_spends_every_block_is_looked_through() -> None:
    wallet = made()
    keyless = TxIn(outpoint(Txid(b"\x05" * 32), 0), witness=(bytes(64),))  # A taproot signature.
    promise = Transaction.build(2, [keyless], [TxOut(COIN, wallet.new_script(AddressType.BECH32M))])
    rival = Transaction.build(2, [keyless], MANY)
    block = make_block(GENESIS.hash, 1, [rival], miner=b"\x51")
    assert not is_wanted(wallet, block)
    wallet.pooled(promise, NOW_S)
    assert is_wanted(wallet, block)
    copy = MemoryStore()
    copy.write(dict(wallet.ledger.stored_items(b"")))
    assert not is_wanted(reopened(copy), block, NOW_S + EXPIRY_S + 1), "no pool has it any more"
    show(wallet, block, 1)
    assert wallet.holdings.depth(promise.txid) == -1


def test_a_rival_that_returns_to_the_pool_is_no_transaction_of_ours() -> None:
    store = MemoryStore()
    wallet = made(store)
    promise = paying(wallet.new_script(AddressType.BECH32), COIN)
    wallet.pooled(promise, NOW_S)
    rival = taken_back()
    show(wallet, make_block(GENESIS.hash, 1, [rival]), 1)
    wallet.follow_chain(0, 0, GENESIS.hash)  # The block has left the chain.
    assert not wallet.pooled(rival, NOW_S)
    wallet.unpooled(promise.txid)
    assert wallet.holdings.pool_conflicts(promise.txid) == [rival.txid]
    assert wallet.holdings.own_conflicts(promise.txid) == []
    assert not wallet.unpooled(rival.txid)
    assert list(reopened(store).ledger.notes) == [promise.txid], "nor is it after a restart"
    assert wallet.abandon(promise.txid)


def test_coins_that_are_spent_are_set_aside_no_more() -> None:
    wallet = made()
    item = paid(wallet, [wallet.new_script(AddressType.BECH32)] * 2)
    points = [outpoint(item.txid, index) for index in range(2)]
    wallet.lock_coins(points, True)
    at = desk(wallet)
    built = at.build(
        [(BOB.script, 1_000_000, False)], feerate_sat_kvb=5_000, inputs={points[0]: None}
    )
    signed, _ = at.signed(built.transaction)
    wallet.record_sent(signed, NOW_S)
    assert list(wallet.ledger.frozen) == points[1:]
    elsewhere = Transaction.build(2, [TxIn(points[1], witness=(b"x",))], [TxOut(1, b"\x51")])
    wallet.take_block(*_block_of(elsewhere), NOW_S)
    assert not wallet.ledger.frozen


def _block_of(transaction: Transaction) -> tuple[BlockHash, int, bytes]:
    block = make_block(GENESIS.hash, 11, [transaction])
    return block.hash, 11, block.raw


def test_of_each_new_transaction_is_told_and_when_it_enters_the_pool() -> None:
    wallet = made()
    told: list[Txid] = []
    wallet.tell = told.append
    item = paid(wallet, [wallet.new_script(AddressType.BECH32)])
    at = desk(wallet)
    built = at.build([(BOB.script, 1_000_000, False)], feerate_sat_kvb=5_000)
    signed, _ = at.signed(built.transaction)
    wallet.record_sent(signed, NOW_S)
    assert told == [item.txid, signed.txid]
    wallet.pooled(signed, NOW_S)
    assert told == [item.txid, signed.txid, signed.txid]
    wallet.pooled(BOB.pay([coin(1)], MANY), NOW_S)
    assert len(told) == 3, "what is not ours is not told"


def test_the_way_back_is_kept_with_the_last_block() -> None:
    store = MemoryStore()
    wallet = made(store)
    assert wallet.marks() == []
    names = [BlockHash(bytes([number]) * 32) for number in range(5)]
    wallet.follow_chain(None, 9, names[0], [(8, names[1]), (6, names[2])])
    wallet.follow_chain(None, 10, names[3])
    kept = [Mark(10, names[3]), Mark(8, names[1]), Mark(6, names[2])]
    assert reopened(store).marks() == kept
    assert len(records.decode_marks(b"".join(each.encode() for each in kept))) == 3
