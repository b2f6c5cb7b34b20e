"""A wallet of many descriptors: its keys, what it holds, and payments of each type, by the kernel's
word."""

from __future__ import annotations

from random import Random

import pytest

from axon.chain.store import MemoryStore
from axon.consensus.inputs import InputVerifier
from axon.consensus.scripts import verify_scripts
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Accepted, Rejected
from axon.wallet import records
from axon.wallet.descriptorbook import AddressType, HeldDescriptor
from axon.wallet.descriptordesk import DescriptorDesk
from axon.wallet.descriptorseed import WalletFlags
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.errors import KeysLocked, NoAddresses, NoWallet, PaymentRefused, WrongPassphrase
from axon.wallet.records import Confirmation, Mark
from axon.wallet.sealedkeys import Entropy
from axon.wallet.wallet import Wallet

NOW_S = 1_700_000_000
AHEAD = 5
USUAL = WalletFlags()
STRANGER = b"\x00\x14" + bytes(range(20))
TIP = BlockHash(bytes(32))


def made(
    store: MemoryStore | None = None, *, passphrase: str = "", flags: WalletFlags = USUAL
) -> DescriptorWallet:
    return DescriptorWallet.create(
        MemoryStore() if store is None else store,
        REGTEST,
        Entropy(Random(7), log_n=4),
        flags=flags,
        passphrase=passphrase,
        now_s=NOW_S,
        ahead=AHEAD,
    )


def desk(wallet: DescriptorWallet) -> DescriptorDesk:
    return DescriptorDesk(wallet, AHEAD, InputVerifier())


def paid(wallet: DescriptorWallet, scripts: list[bytes], sat: int = 10_000_000) -> Transaction:
    """A payment of a stranger, ten blocks deep."""
    item = Transaction.build(
        2,
        [TxIn(outpoint(Txid(bytes([len(wallet.ledger.notes)]) * 32), 0), witness=(b"x",))],
        [TxOut(sat, script) for script in scripts],
        0,
    )
    wallet.pooled(item, NOW_S)
    wallet.ledger.commit(
        {
            records.CONFIRMATION + item.txid: Confirmation(1, TIP, NOW_S, 1).encode(),
            records.SCANNED_KEY: Mark(10, TIP).encode(),
        }
    )
    return item


@pytest.mark.parametrize("kind", list(AddressType))
def test_each_type_of_coin_is_spent_as_the_kernel_wants_it(kind: AddressType) -> None:
    wallet = made()
    paid(wallet, [wallet.new_script(kind)])
    at = desk(wallet)
    built = at.build([(STRANGER, 4_000_000, False)], feerate_sat_kvb=20_000)
    signed, complete = at.signed(built.transaction)
    assert complete
    assert isinstance(verify_scripts(signed, built.spent), Accepted)
    assert 0 <= built.vsize - signed.vsize <= 1, "the size was known before"
    assert built.fee_sat == -(-20_000 * built.vsize // 1_000)
    forged = Transaction.build(2, signed.inputs, signed.outputs[:1], signed.locktime)
    assert isinstance(verify_scripts(forged, built.spent), Rejected)


def test_a_wallet_is_the_same_when_it_is_opened_again() -> None:
    store = MemoryStore()
    wallet = made(store)
    scripts = [wallet.new_script(kind) for kind in AddressType]
    item = paid(wallet, scripts)
    wallet.set_label(wallet.address(scripts[0]), "rent")
    again = DescriptorWallet.load(store, Entropy(Random(8)))
    assert again.holdings.sums() == wallet.holdings.sums()
    assert again.holdings.sums().trusted_sat == 40_000_000
    assert again.ledger.notes == wallet.ledger.notes
    assert again.label(again.address(scripts[0])) == "rent"
    assert again.ledger.book.size == wallet.ledger.book.size
    fresh = again.new_script(AddressType.BECH32)
    assert fresh not in scripts
    assert item.txid in again.ledger.transactions


def test_a_wallet_of_words_and_one_of_descriptors_are_told_apart() -> None:
    store = MemoryStore()
    made(store)
    with pytest.raises(NoWallet, match="loadwallet"):
        Wallet.load(store)
    with pytest.raises(NoWallet):
        made(store)


def test_keys_are_locked_until_the_passphrase_is_given() -> None:
    wallet = made(passphrase="horse")
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    at = desk(wallet)
    built = at.build([(STRANGER, 1_000_000, False)], feerate_sat_kvb=5_000)
    with pytest.raises(KeysLocked):
        at.signed(built.transaction)
    with pytest.raises(WrongPassphrase):
        wallet.keyring.unlock("donkey")
    wallet.keyring.unlock("horse")
    assert at.signed(built.transaction)[1]
    wallet.keyring.lock()
    with pytest.raises(KeysLocked):
        at.signed(built.transaction)
    wallet.change_passphrase("horse", "mule")
    with pytest.raises(WrongPassphrase):
        wallet.keyring.unlock("horse")
    wallet.keyring.unlock("mule")


def test_encrypting_makes_new_keys_and_leaves_none_open() -> None:
    store = MemoryStore()
    wallet = made(store)
    old = wallet.new_script(AddressType.BECH32)
    open_key = store.get(records.MASTER_KEY)
    assert open_key is not None
    wallet.encrypt("horse", NOW_S, AHEAD)
    assert wallet.keyring.is_locked
    sealed = [value for _, value in store.items(b"")]
    assert not any(open_key[-32:] in value for value in sealed)
    book = wallet.ledger.book
    assert len(book.keychains) == 16
    assert sum(book.held(keychain).active for keychain in book.keychains) == 8
    assert book.find(old) is not None, "what was given out is still watched"
    place = book.find(wallet.new_script(AddressType.BECH32))
    assert place is not None
    assert place.keychain >= 8


def test_a_wallet_without_keys_gives_no_addresses_and_signs_nothing() -> None:
    wallet = made(flags=WalletFlags(private_keys=False))
    assert not wallet.gives_addresses
    with pytest.raises(NoAddresses):
        wallet.new_address(AddressType.BECH32)
    other = made()
    text = other.ledger.book.text(4)
    parsed = parse_descriptor(text, REGTEST)[0]
    wallet.hold(parsed, None, HeldDescriptor("", "", active=True, timestamp_s=NOW_S, ahead=AHEAD))
    script = wallet.new_script(AddressType.BECH32)
    assert script == other.ledger.book.script(4, 0)
    paid(wallet, [script])
    at = desk(wallet)
    built = at.build([(STRANGER, 10_000_000, True)], feerate_sat_kvb=1_000)
    assert not at.signed(built.transaction)[1]


def test_what_the_pool_shows_is_trusted_only_if_it_is_our_own() -> None:
    wallet = made()
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    foreign = Transaction.build(
        2,
        [TxIn(outpoint(Txid(b"\x77" * 32), 1))],
        [TxOut(500_000, wallet.new_script(AddressType.BECH32M))],
        0,
    )
    assert wallet.pooled(foreign, NOW_S)
    at = desk(wallet)
    built = at.build([(STRANGER, 1_000_000, False)], feerate_sat_kvb=5_000)
    signed, _ = at.signed(built.transaction)
    wallet.record_sent(signed, NOW_S, comment="books")
    sums = wallet.holdings.sums(nonmempool=True)
    assert (sums.untrusted_pending_sat, sums.nonmempool_sat) == (500_000, -10_000_000)
    wallet.pooled(signed, NOW_S)
    sums = wallet.holdings.sums(nonmempool=True)
    assert sums.trusted_sat == 10_000_000 - 1_000_000 - built.fee_sat
    assert sums.nonmempool_sat == 0
    assert not wallet.abandon(signed.txid), "what is in the pool is not given up"
    wallet.unpooled(signed.txid)
    assert wallet.abandon(signed.txid)
    assert wallet.holdings.sums().trusted_sat == 10_000_000
    assert wallet.unsettled() == []


@pytest.mark.parametrize(
    ("amount_sat", "terms", "words"),
    [
        (11_000_000, {}, "Insufficient funds"),
        (9_999_999, {}, "The total exceeds your balance when the 0.0000084 transaction fee"),
        (100, {}, "Transaction amount too small"),
        (1_000_000, {"max_fee_sat": 10}, "Fee exceeds maximum configured by user"),
        (1_000_000, {"inputs": {outpoint(Txid(b"\x01" * 32), 0): None}}, "Not found pre-selected"),
        (1_000_000, {"change_place": 5}, "Transaction change output index out of range"),
    ],
)
def test_what_cannot_be_paid_is_refused_in_cores_words(
    amount_sat: int, terms: dict[str, object], words: str
) -> None:
    wallet = made()
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    with pytest.raises(PaymentRefused, match=words):
        desk(wallet).build([(STRANGER, amount_sat, False)], feerate_sat_kvb=20_000, **terms)
