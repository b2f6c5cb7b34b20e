"""The key of an invoice: from the wallet's words, on a path of its own, one for each invoice.

The path is `m/1635282798h/COINh/0h/INDEXh` (BIP 32, BIP 43). Its purpose is `axon` in ASCII, a
number that no account has, so the keys of coins stay apart; COIN is 0 on mainnet and 1 elsewhere
(SLIP 44). Every step is hardened: who learns one key learns no other, and two invoices of one
wallet cannot be told to be such. The words bring all of them back; none is ever written down.
"""

from __future__ import annotations

from typing import Final

from axon.primitives.bip32 import HARDENED
from axon.primitives.network import MAINNET, Network
from axon.wallet.keys import Mnemonic, extended_root
from axon.wallet.signing import reveal_words
from axon.wallet.wallet import Wallet

PURPOSE: Final = int.from_bytes(b"axon", "big")
"""1,635,282,798, which is below 2**31, as BIP 32 asks."""


def invoice_path(network: Network, index: int) -> tuple[int, ...]:
    """The path from the wallet's root to the key of an invoice.

    Args:
        index: of the invoice among those of the wallet, from 0 to 2**31 - 1.
    """
    assert 0 <= index < HARDENED, "a path has no such step"
    coin = 0 if network is MAINNET else 1
    return tuple([step | HARDENED for step in (PURPOSE, coin, 0, index)])


def invoice_secret(mnemonic: Mnemonic, network: Network, index: int) -> bytes:
    """The secret of an invoice, 32 bytes: to sign it, and to prove a link (BIP 340)."""
    return extended_root(mnemonic, network).descend(invoice_path(network, index)).key[1:]


def wallet_secret(wallet: Wallet, passphrase: str, index: int) -> bytes:
    """The secret of a wallet's invoice; its words are gone again when it is handed out.

    Raises:
        WatchOnly: the wallet has no words.
        WrongPassphrase: it does not open them.
    """
    return invoice_secret(reveal_words(wallet, passphrase), wallet.network, index)
