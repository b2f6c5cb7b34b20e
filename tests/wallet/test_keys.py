"""Keys: mnemonics, accounts by the vectors of their BIPs, descriptors that are only watched."""

from __future__ import annotations

import pytest

from axon.primitives.address import decode_address
from axon.primitives.network import MAINNET, REGTEST, SIGNET
from axon.wallet.errors import BadDescriptor, BadMnemonic
from axon.wallet.keys import (
    AccountKind,
    Mnemonic,
    from_words,
    new_words,
    private_descriptors,
    watch,
)
from axon.wallet.records import Keychain
from axon.wallet.scripts import ScriptBook
from axon.wallet.seal import unseal
from tests.wallet.scene import LOG_N, WORDS, source

ABOUT = "abandon " * 11 + "about"


@pytest.mark.parametrize(
    ("kind", "first", "change"),
    [
        # From the BIPs; of BIP 44 as other wallets derive it.
        (
            AccountKind.BIP44,
            "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA",
            "1J3J6EvPrv8q6AC3VCjWV45Uf3nssNMRtH",
        ),
        (
            AccountKind.BIP49,
            "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf",
            "34K56kSjgUCUSD8GTtuF7c9Zzwokbs6uZ7",
        ),
        (
            AccountKind.BIP84,
            "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
            "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el",
        ),
        (
            AccountKind.BIP86,
            "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
            "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7",
        ),
    ],
)
def test_accounts_are_those_of_their_bips(kind: AccountKind, first: str, change: str) -> None:
    made = from_words(ABOUT, MAINNET, kind, "", bytes(16), bytes(12), log_n=LOG_N)
    book = ScriptBook(MAINNET, made.descriptors)
    assert book.script(Keychain.RECEIVE, 0) == decode_address(first, MAINNET)
    assert book.script(Keychain.CHANGE, 0) == decode_address(change, MAINNET)


def test_words_of_entropy() -> None:
    assert new_words(bytes(16)) == ABOUT


@pytest.mark.parametrize(
    ("passphrase", "kind", "first"),
    [
        # The seed of BIP 39's first vector, c55257c3..., and BIP 84's path.
        ("TREZOR", AccountKind.BIP84, "bc1qv5rmq0kt9yz3pm36wvzct7p3x6mtgehjul0feu"),
        ("", AccountKind.BIP84, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"),
    ],
)
def test_a_bip39_passphrase_makes_another_wallet(
    passphrase: str, kind: AccountKind, first: str
) -> None:
    made = from_words(
        ABOUT, MAINNET, kind, "", bytes(16), bytes(12), bip39_passphrase=passphrase, log_n=LOG_N
    )
    book = ScriptBook(MAINNET, made.descriptors)
    assert book.script(Keychain.RECEIVE, 0) == decode_address(first, MAINNET)


def test_a_bip39_passphrase_is_sealed_with_the_words() -> None:
    made = from_words(
        ABOUT, REGTEST, AccountKind.BIP84, "file", bytes(16), bytes(12),
        bip39_passphrase="caf\u00e9 ", log_n=LOG_N,
    )  # fmt: skip
    assert made.sealed is not None
    opened = Mnemonic.decode(unseal(made.sealed, "file"))
    assert opened == Mnemonic(ABOUT, "cafe\u0301 ")
    signs = private_descriptors(opened, REGTEST, AccountKind.BIP84)
    assert [str(each) for each in signs] == [made.descriptors.receive, made.descriptors.change]
    assert "caf" not in repr(opened) + repr(made)
    assert "abandon" not in repr(opened)


def test_words_are_sealed_as_ever_where_there_is_no_bip39_passphrase() -> None:
    assert Mnemonic(ABOUT).encode() == ABOUT.encode()
    for mnemonic in (Mnemonic(ABOUT), Mnemonic(ABOUT, "a\0b"), Mnemonic("あ い", "ü")):
        assert Mnemonic.decode(mnemonic.encode()) == mnemonic


def test_a_bip39_passphrase_that_is_no_text() -> None:
    with pytest.raises(BadMnemonic, match="BIP 39 passphrase is no UTF-8"):
        from_words(
            ABOUT, MAINNET, AccountKind.BIP84, "", bytes(16), bytes(12), bip39_passphrase="\udcff"
        )


def test_words_of_other_languages_have_keys() -> None:
    mnemonic = Mnemonic("あいこくしん " * 11 + "あおそ\u3099ら", "")
    for network, head in ((MAINNET, "xpub"), (REGTEST, "tpub")):
        receive, _ = private_descriptors(mnemonic, network, AccountKind.BIP84)
        assert head in str(receive)


def test_a_source_shows_no_secret() -> None:
    made = source()
    assert made.sealed is not None
    shown = repr(made) + str(made)
    assert "prv" not in shown
    assert not any(word in shown.split() for word in WORDS.split())
    assert made.sealed.hex() not in shown


RECEIVE, CHANGE = source().descriptors.receive, source().descriptors.change
assert CHANGE is not None
BARE = RECEIVE.split("#")[0]


def test_one_descriptor_two_or_both_in_one() -> None:
    assert watch(REGTEST, RECEIVE).descriptors.change is None
    assert watch(REGTEST, BARE).descriptors.receive == RECEIVE
    assert CHANGE is not None
    pair = watch(REGTEST, RECEIVE, CHANGE)
    assert pair == watch(REGTEST, BARE.replace("/0/*", "/<0;1>/*"))
    assert pair.descriptors == source().descriptors
    assert pair.sealed is None


KEY = BARE.removeprefix("wpkh(").removesuffix(")")


@pytest.mark.parametrize(
    "text", [f"pkh({KEY})", f"tr({KEY})", f"sh(wpkh({KEY}))", f"wsh(pk({KEY}))"]
)
def test_every_form_with_addresses_is_watched(text: str) -> None:
    book = ScriptBook(REGTEST, watch(REGTEST, text).descriptors)
    assert book.size == 25
    assert book.keychains == (Keychain.RECEIVE,)


def test_a_single_key_is_watched() -> None:
    key = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
    book = ScriptBook(REGTEST, watch(REGTEST, f"pkh({key})").descriptors)
    assert book.size == 1
    book.reveal(Keychain.RECEIVE, 5)
    assert book.size == 1


TPRV = (
    "tprv8ZgxMBicQKsPe5YMU9gHen4Ez3ApihUfykaqUorj9t6FDqy3nP6eoXiAo2ssvpAjoLroQxHqr3R5nE3a5dU3DHTj"
    "TgJDd7zrbniJr6nrCzd"
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no descriptor"),
        ("wpkh(foo)", "no descriptor"),
        (RECEIVE[:-1] + "q", "checksum"),
        (f"wpkh({TPRV}/0/*)", "private key"),
        ("wpkh(cTpB4YiyKiBcPxnefsDpbnDxFDffjqJob8wGCEDXxgQ7zQoMXJdH)", "private key"),
        (f"wpkh({KEY}h)", "hardened"),
        (f"combo({KEY})", "no addresses"),
        ("wpkh(" * 5_000, "at most"),
        (BARE.replace("/0/*", "/<0;1;2>/*"), "one descriptor or two"),
    ],
)
def test_what_cannot_be_watched_is_named(text: str, says: str) -> None:
    with pytest.raises(BadDescriptor, match=says) as caught:
        watch(REGTEST, text)
    assert "prv8" not in str(caught.value)


def test_the_network_must_fit() -> None:
    with pytest.raises(BadDescriptor, match=r"\(tpub...\) are of a test network, .* of main"):
        watch(MAINNET, RECEIVE)
    made = from_words(ABOUT, MAINNET, AccountKind.BIP84, "", bytes(16), bytes(12), log_n=LOG_N)
    with pytest.raises(BadDescriptor, match=r"\(xpub...\) are of main, .* of signet"):
        watch(SIGNET, made.descriptors.receive)


def test_a_descriptor_twice_is_refused() -> None:
    with pytest.raises(BadDescriptor, match="two different"):
        watch(REGTEST, RECEIVE, RECEIVE)


def test_what_was_given_out_stays_given_out() -> None:
    book = ScriptBook(REGTEST, source().descriptors)
    book.reveal(Keychain.RECEIVE, 5)
    assert book.reveal(Keychain.RECEIVE, 2) == []
    assert book.revealed(Keychain.RECEIVE) == 5
