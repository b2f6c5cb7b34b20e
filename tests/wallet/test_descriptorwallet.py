"""A wallet of many descriptors: its keys, what it holds, and payments of each type, by the kernel's
word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from axon.chain.store import MemoryStore
from axon.consensus.inputs import InputVerifier
from axon.consensus.scripts import verify_scripts
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Accepted, Rejected
from axon.psbt.fields import FINAL_WITNESS, WITNESS_UTXO
from axon.psbt.partial import PartialTransaction, is_signed
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


def test_an_input_of_another_that_is_finalized_badly_leaves_a_psbt_open() -> None:
    wallet = made()
    own = paid(wallet, [wallet.new_script(AddressType.BECH32)])
    other = TxOut(50_000, STRANGER)
    items = [TxIn(outpoint(own.txid, 0)), TxIn(outpoint(Txid(bytes(32)), 1))]
    psbt = PartialTransaction.blank(Transaction.build(2, items, [TxOut(60_000, STRANGER)]))
    psbt.inputs[1][WITNESS_UTXO] = other.encode()
    for witness in (None, b"\x01\x00"):
        if witness is not None:
            psbt.inputs[1][FINAL_WITNESS] = witness
        assert not desk(wallet).process(psbt, sign=True)
        assert is_signed(psbt.inputs[0])
    psbt.inputs[1][WITNESS_UTXO] = TxOut(50_000, b"\x51\x02\x4e\x73").encode()
    del psbt.inputs[1][FINAL_WITNESS]
    psbt.inputs[0].pop(FINAL_WITNESS)
    assert desk(wallet).process(psbt, sign=True), "anybody spends an anchor, by nothing"


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


class Snapshots(MemoryStore):
    """A store that remembers what it held after each write: what a crash would leave behind."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[dict[bytes, bytes]] = []

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        super().write(changes)
        self.taken.append(dict(self.items(b"")))

    def after(self, number: int) -> DescriptorWallet:
        """The wallet of whoever was killed right after a write."""
        store = MemoryStore()
        store.write(self.taken[number])
        return DescriptorWallet.load(store, Entropy(Random(8)))


@pytest.mark.parametrize("passphrase", ["", "horse"])
def test_a_new_wallet_is_whole_whenever_it_is_there(passphrase: str) -> None:
    store = Snapshots()
    made(store, passphrase=passphrase)
    for number in range(len(store.taken)):
        assert len(store.after(number).ledger.book.keychains) == 8


def test_a_wallet_is_encrypted_with_its_new_keys_or_not_at_all() -> None:
    store = Snapshots()
    wallet = made(store)
    begun = len(store.taken)
    wallet.encrypt("horse", NOW_S, AHEAD)
    assert len(store.taken) > begun
    for number in range(len(store.taken)):
        found = store.after(number)
        assert found.rewrite_due is found.keyring.is_encrypted is (number >= begun)
        book = found.ledger.book
        assert len(book.keychains) == (16 if found.keyring.is_encrypted else 8)
        assert sum(book.held(keychain).active for keychain in book.keychains) == 8
    wallet.rewritten()
    assert not wallet.rewrite_due


def test_a_rescan_is_due_with_the_descriptor_that_wants_it_until_it_was_done() -> None:
    store = Snapshots()
    wallet = made(store, flags=WalletFlags(private_keys=False))
    texts = made().ledger.book
    for keychain, height in ((4, 7), (5, 3), (6, 5)):
        held = HeldDescriptor("", "", timestamp_s=NOW_S, ahead=AHEAD)
        wallet.hold(parse_descriptor(texts.text(keychain), REGTEST)[0], None, held, height)
    for number in range(len(store.taken)):
        found = store.after(number)
        assert bool(found.ledger.book.keychains) is (found.rescan_due is not None)
    assert store.after(-1).rescan_due == 3, "from the lowest"
    wallet.rescanned()
    assert store.after(-1).rescan_due is None


def test_a_new_descriptor_takes_the_place_of_the_one_that_gave_out_such_addresses() -> None:
    wallet = made(flags=WalletFlags(blank=True))
    key = ExtendedKey.from_seed(b"a seed of tests.").encode(REGTEST)
    descriptor = parse_descriptor(f"wpkh({key}/7/*)", REGTEST)[0]
    held = HeldDescriptor("", "", active=True, timestamp_s=NOW_S, ahead=AHEAD)
    wallet.hold(descriptor, f"wpkh({key}/7/*)", held)
    at = desk(wallet)
    (root,) = at.roots().values()
    assert len(at.add_type(root, "bech32", (False, True), NOW_S)) == 2
    book = wallet.ledger.book
    active = [each for each in book.keychains if book.held(each).active]
    assert [book.held(each).internal for each in active] == [False, True]
    assert not book.held(0).active
    assert at.add_type(root, "bech32", (False, True), NOW_S) == []


def test_a_coin_of_a_miniscript_is_chosen_and_spent() -> None:
    wallet = made(flags=WalletFlags(blank=True))
    keys = [ExtendedKey.from_seed(bytes([number]) * 16).encode(REGTEST) for number in (1, 2)]
    text = f"wsh(or_d(pk({keys[0]}/*),and_v(v:pkh({keys[1]}/*),older(10))))"
    held = HeldDescriptor("", "", active=True, timestamp_s=NOW_S, ahead=AHEAD)
    for internal in (False, True):
        each = text.replace("/*", f"/{int(internal)}/*")
        descriptor = parse_descriptor(each, REGTEST)[0]
        wallet.hold(descriptor, each, replace(held, internal=internal))
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    assert wallet.holdings.sums().trusted_sat == 10_000_000
    at = desk(wallet)
    built = at.build([(STRANGER, 4_000_000, False)], feerate_sat_kvb=20_000)
    signed, complete = at.signed(built.transaction)
    assert complete
    assert isinstance(verify_scripts(signed, built.spent), Accepted)
    assert signed.vsize <= built.vsize < signed.vsize + 60, "by the longer of its two ways"


def test_an_address_for_change_is_given_out_only_with_a_payment_that_has_it() -> None:
    wallet = made()
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    at = desk(wallet)
    with pytest.raises(PaymentRefused):
        at.build([(STRANGER, 4_000_000, False)], feerate_sat_kvb=20_000, max_fee_sat=1)
    untouched = wallet.next_change(AddressType.BECH32)
    at.build([(STRANGER, 10_000_000, True)], feerate_sat_kvb=20_000)
    assert wallet.next_change(AddressType.BECH32) == untouched, "all was paid out"
    built = at.build([(STRANGER, 4_000_000, False)], feerate_sat_kvb=20_000)
    assert built.transaction.outputs[built.change_place or 0].script_pubkey == untouched
    assert wallet.next_change(AddressType.BECH32) != untouched


def test_coins_of_one_script_are_spent_together_where_that_costs_no_more() -> None:
    wallet = made()
    script, other = [wallet.new_script(AddressType.BECH32) for _ in range(2)]
    paid(wallet, [script, other, script], sat=1_000_000)
    at = desk(wallet)

    def spent(**terms: int) -> list[set[bytes]]:
        """Whose coins ten payments of two coins spend."""
        wanted = [(STRANGER, 1_500_000, False)]
        built = [at.build(wanted, feerate_sat_kvb=40_000, **terms) for _ in range(10)]
        return [{output.script_pubkey for output in each.spent} for each in built]

    assert spent() == [{script}] * 10
    assert {script, other} in spent(max_together_sat=-1)


def test_a_payment_that_the_pool_would_refuse_for_its_cluster_is_refused() -> None:
    wallet = made()
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    at = desk(wallet)
    first = at.build([(STRANGER, 1_000_000, False)], feerate_sat_kvb=5_000)
    signed, _ = at.signed(first.transaction)
    wallet.record_sent(signed, NOW_S)
    wallet.pooled(signed, NOW_S)
    wanted = [(STRANGER, 1_000_000, False)]
    for count, weight, refused in (
        (62, 1_000, False),
        (63, 1_000, False),
        (64, 1_000, True),
        (2, 403_500, True),
    ):
        terms = {"pool": {signed.txid: (1, 7, count, weight, ())}, "cluster_limits": (64, 404_000)}
        if not refused:
            assert at.build(wanted, feerate_sat_kvb=5_000, long_chains=True, **terms).fee_sat
            continue
        with pytest.raises(PaymentRefused, match="too many unconfirmed transactions in cluster"):
            at.build(wanted, feerate_sat_kvb=5_000, long_chains=True, **terms)


def test_what_a_payment_builds_on_and_pays_less_is_paid_for_once() -> None:
    wallet = made()
    paid(wallet, [wallet.new_script(AddressType.BECH32)])
    at = desk(wallet)
    scripts = [wallet.new_script(AddressType.BECH32) for _ in range(2)]
    both = [(script, 4_000_000, False) for script in scripts]
    first = at.build(both, feerate_sat_kvb=1_000)
    parent, _ = at.signed(first.transaction)
    wallet.record_sent(parent, NOW_S)
    wallet.pooled(parent, NOW_S)
    kin = [(parent.txid, parent.vsize, first.fee_sat, 1_000)]
    pool = {parent.txid: (1, 7, 1, parent.weight_wu, kin)}
    wanted = [(STRANGER, 7_000_000, False)]
    for feerate, pays in ((1_000, False), (20_000, True)):
        built = at.build(wanted, feerate_sat_kvb=feerate, pool=pool)
        assert len(built.spent) >= 2
        own = -(-feerate * built.vsize // 1_000)
        behind = -(-feerate * parent.vsize // 1_000) - first.fee_sat
        assert built.fee_sat == own + (behind if pays else 0)


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
        (
            1_000_000,
            {"inputs": {outpoint(Txid(b"\x01" * 32), 0): None}},
            "Unable to find UTXO for ext",
        ),
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
