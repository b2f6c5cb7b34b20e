"""A wallet as its owner sees it: made, opened, closed; addresses; secrets nowhere to be seen."""

from __future__ import annotations

import logging

import bdkpython as bdk
import pytest

from axon.chain.store import MemoryStore
from axon.errors import DamageError, StorageError
from axon.primitives.address import decode_address
from axon.primitives.network import MAINNET, REGTEST, SIGNET
from axon.primitives.transaction import COIN, Transaction
from axon.wallet import records
from axon.wallet.errors import AddressGap, NoWallet
from axon.wallet.keys import (
    AccountKind,
    Mnemonic,
    from_words,
    network_kind,
    private_descriptors,
    watch,
)
from axon.wallet.payment import Payee, draft
from axon.wallet.signing import sign
from axon.wallet.wallet import MAX_UNUSED_ADDRESSES, Wallet
from tests.wallet.scene import (
    BOB,
    LOG_N,
    PASSPHRASE,
    START_S,
    WORDS,
    Scene,
    new_wallet,
    paying,
    source,
)


def test_a_wallet_is_made_once() -> None:
    store = MemoryStore()
    with pytest.raises(NoWallet, match="create one"):
        Wallet.load(store)
    new_wallet(store)
    with pytest.raises(NoWallet, match="here is a wallet already"):
        new_wallet(store)


def test_what_was_made_is_opened() -> None:
    store = MemoryStore()
    made = new_wallet(store, source(AccountKind.BIP86))
    again = Wallet.load(store)
    assert again.source == made.source
    assert (again.network, again.birthday_s, again.scanned) == (REGTEST, START_S, None)
    assert not again.is_watch_only
    assert again.watched_scripts() == made.watched_scripts()
    assert len(again.watched_scripts()) == 50
    again.set_birthday(5)
    assert Wallet.load(store).birthday_s == 5


def test_one_set_of_keys_on_any_test_network() -> None:
    descriptors = source().descriptors
    store = MemoryStore()
    wallet = Wallet.create(store, SIGNET, watch(SIGNET, descriptors.receive), birthday_s=0)
    assert wallet.new_address().startswith("tb1q")
    assert wallet.balance().total_sat == 0


def test_addresses_are_given_out_once() -> None:
    store = MemoryStore()
    scene = Scene(new_wallet(store))
    first, second = scene.wallet.new_address(), scene.wallet.new_address()
    scene.mine(paying(decode_address(second, REGTEST), COIN))
    assert Wallet.load(store).new_address() not in {first, second}
    assert [(info.address, info.used) for info in scene.wallet.addresses()] == [
        (first, False),
        (second, True),
    ]
    assert scene.wallet.addresses(change=True) == []


def test_too_many_unused_addresses_are_refused() -> None:
    scene = Scene()
    given = [scene.wallet.new_address() for _ in range(MAX_UNUSED_ADDRESSES)]
    with pytest.raises(AddressGap, match="last 20"):
        scene.wallet.new_address()
    assert scene.wallet.new_address(beyond_gap=True) not in given
    scene.mine(paying(decode_address(given[5], REGTEST), COIN))
    scene.wallet.new_address()


def test_a_wallet_of_one_script_has_one_address() -> None:
    key = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
    scene = Scene(new_wallet(made_of=watch(REGTEST, f"wpkh({key})")))
    assert scene.wallet.new_address() == scene.wallet.new_address()
    scene.receive(COIN, 1)
    scene.receive(COIN, 2)
    assert scene.wallet.balance().confirmed_sat == 2 * COIN


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (records.NETWORK_KEY, b"nowhere"),
        (records.NETWORK_KEY, b"\xff"),
        (records.KIND_KEY, b"bip1"),
        (records.DESCRIPTOR + b"\0", None),
        (records.DESCRIPTOR + b"\0", b"wpkh(x)"),
        (records.FORMAT_KEY, b"\1"),
        (records.SCANNED_KEY, b"x"),
        (records.TRANSACTION + bytes(32), b"x"),
        (records.TRANSACTION + b"short", b"x"),
        (records.CONFIRMATION + bytes(32), b"x"),
        (records.SEEN + bytes(32), b"x"),
        (records.REVEALED + b"\7", bytes(4)),
        (records.REVEALED, bytes(4)),
        (records.LABEL + b"tx\0", b"\xff"),
    ],
)
def test_damaged_records_are_named(key: bytes, value: bytes | None) -> None:
    store = MemoryStore()
    new_wallet(store)
    store.write({key: value})
    with pytest.raises(DamageError, match="damaged"):
        Wallet.load(store)


def test_a_newer_wallet_is_left_alone() -> None:
    store = MemoryStore()
    new_wallet(store)
    store.write({records.FORMAT_KEY: records.encode_u32(records.MANY_FORMAT + 1)})
    with pytest.raises(StorageError, match="newer axon"):
        Wallet.load(store)


def test_secrets_are_nowhere_to_be_seen(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in what is kept, not in what is shown, not in what is logged."""
    caplog.set_level(logging.DEBUG)
    store = MemoryStore()
    scene = Scene(new_wallet(store))
    scene.receive(COIN)
    made = draft(scene.wallet, [Payee(BOB.address(), COIN // 2)], feerate_sat_kvb=5_000)
    payment = sign(scene.wallet, made, PASSPHRASE)
    assert isinstance(payment, Transaction)
    scene.wallet.record_sent(payment, scene.now_s)
    kept = b"\n".join(key + b"\n" + value for key, value in store.items(b""))
    out, err = capfd.readouterr()
    values = [scene.wallet, scene.wallet.source, made, payment, scene.wallet.history()]
    shown = (repr(values) + caplog.text + out + err).encode()
    key = bdk.DescriptorSecretKey(network_kind(REGTEST), bdk.Mnemonic.from_string(WORDS), None)
    privates = [
        item.to_string_with_secret()
        for item in private_descriptors(Mnemonic(WORDS), REGTEST, AccountKind.BIP84)
    ]
    secrets = [WORDS, PASSPHRASE, bytes(range(16)).hex(), str(key), *privates]
    assert "prv" in privates[0]
    for secret in [*map(str.encode, secrets), bytes(key.secret_bytes()), bytes(range(16))]:
        assert secret not in kept
        assert secret not in shown
    for word in WORDS.split():
        assert word.encode() not in shown.split()
        assert b" " + word.encode() + b" " not in kept


def test_mainnet_wallets_begin_at_its_genesis_block() -> None:
    made = from_words(WORDS, MAINNET, AccountKind.BIP84, "", bytes(16), bytes(12), log_n=LOG_N)
    wallet = Wallet.create(MemoryStore(), MAINNET, made, birthday_s=0)
    assert wallet.balance().total_sat == 0
    assert wallet.new_address().startswith("bc1q")
