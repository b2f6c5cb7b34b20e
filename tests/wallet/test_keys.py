"""Keys: mnemonics, accounts by the vectors of their BIPs, descriptors that are only watched."""

from __future__ import annotations

import pytest

from axon.primitives.address import decode_address
from axon.primitives.network import MAINNET, REGTEST, SIGNET
from axon.wallet.errors import BadDescriptor, BadMnemonic
from axon.wallet.keys import AccountKind, check_words, from_words, new_words, watch
from axon.wallet.records import Keychain
from axon.wallet.scripts import ScriptBook
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


@pytest.mark.parametrize(
    ("zeros", "last"),
    [(11, "about"), (14, "address"), (17, "agent"), (20, "admit"), (23, "art")],
)
def test_words_come_in_five_counts(zeros: int, last: str) -> None:
    # All entropy zero: only the last word has a checksum in it.
    words = "abandon " * zeros + last
    assert check_words(words) == words


def test_words_of_entropy() -> None:
    assert new_words(bytes(16)) == ABOUT
    assert check_words("  " + ABOUT.upper().replace(" ", "\n ")) == ABOUT


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("abandon " * 10 + "about", "12 words .* not 11"),
        ("abandon " * 12 + "about", "12 words .* not 13"),
        ("", "not 0"),
        ("abandon " * 12, "checksum is wrong"),
        ("abandon " * 11 + "abut", "word 12 is not in the word list"),
        ("abandonn " + "abandon " * 10 + "about", "word 1 is not"),
    ],
)
def test_wrong_words_are_told_apart(words: str, says: str) -> None:
    with pytest.raises(BadMnemonic, match=says) as caught:
        check_words(words)
    assert "abandonn" not in str(caught.value)
    assert "abut" not in str(caught.value)


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
        ("addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)", "no addresses"),
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
