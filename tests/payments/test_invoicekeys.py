"""Keys of invoices: from the words alone, one for each, and none that an account has."""

from __future__ import annotations

import pytest

from axon.payments.invoicekeys import PURPOSE, invoice_path, invoice_secret, wallet_secret
from axon.primitives.bip32 import HARDENED
from axon.primitives.hashes import hash160
from axon.primitives.keys import public_key, taproot_output_key, x_only_key
from axon.primitives.network import MAINNET, REGTEST, SIGNET
from axon.wallet.errors import WatchOnly, WrongPassphrase
from axon.wallet.keys import AccountKind, Mnemonic, watch
from tests.wallet.scene import PASSPHRASE, WORDS, new_wallet, source

ABANDON = Mnemonic(" ".join(["abandon"] * 11 + ["about"]))


def test_the_path() -> None:
    assert PURPOSE == 1_635_282_798
    hardened = [step - HARDENED for step in invoice_path(MAINNET, 5)]
    assert hardened == [PURPOSE, 0, 0, 5]
    assert invoice_path(REGTEST, 5)[1] == 1 | HARDENED


def test_the_vector_of_the_page() -> None:
    keys = [x_only_key(invoice_secret(ABANDON, MAINNET, index)).hex() for index in (0, 1)]
    assert keys == [
        "7aab0f1733db44ce11cc1b72e48cbcf691df343f43f7df908ea088d37b5326db",
        "d94ddfba9295e334f787718c5ffbfd2ede27bbd735151eebef3f00ddf43636b5",
    ]


def test_each_invoice_has_its_own() -> None:
    secrets = {
        invoice_secret(mnemonic, network, index)
        for mnemonic in (ABANDON, Mnemonic(ABANDON.words, "another"))
        for network in (MAINNET, SIGNET)
        for index in (0, 1, 2, HARDENED - 1)
    }
    assert len(secrets) == 16


@pytest.mark.parametrize("kind", AccountKind)
def test_no_account_has_one_of_them(kind: AccountKind) -> None:
    wallet = new_wallet(made_of=source(kind))
    for index in range(3):
        key = public_key(wallet_secret(wallet, PASSPHRASE, index))
        nested = hash160(b"\x00\x14" + hash160(key))
        for script in (
            b"\x00\x14" + hash160(key),
            b"\x51\x20" + taproot_output_key(key[1:]),
            b"\xa9\x14" + nested + b"\x87",
            b"\x76\xa9\x14" + hash160(key) + b"\x88\xac",
        ):
            assert wallet.ledger.book.find(script) is None


def test_it_takes_the_passphrase_of_the_wallet() -> None:
    wallet = new_wallet()
    assert wallet_secret(wallet, PASSPHRASE, 0) == invoice_secret(Mnemonic(WORDS), REGTEST, 0)
    with pytest.raises(WrongPassphrase):
        wallet_secret(wallet, "guessed", 0)


def test_words_of_other_languages_have_them_too() -> None:
    french = Mnemonic(" ".join(["abaisser"] * 11 + ["abeille"]))
    assert len(invoice_secret(french, REGTEST, 0)) == 32


def test_who_only_watches_has_none() -> None:
    public = new_wallet().source.descriptors.receive
    with pytest.raises(WatchOnly):
        wallet_secret(new_wallet(made_of=watch(REGTEST, public)), PASSPHRASE, 0)
