"""Signing: the one moment when a wallet's keys are in memory.

The passphrase opens the mnemonic, the keys follow from it, BDK signs, and all of it is let go when
the call ends.
"""

from __future__ import annotations

import bdkpython as bdk

from axon.primitives.transaction import Transaction
from axon.wallet.bdkwallet import load_bdk_wallet
from axon.wallet.draft import Draft, check_fee, describe
from axon.wallet.errors import BadPsbt, WatchOnly
from axon.wallet.keys import Mnemonic, private_descriptors
from axon.wallet.psbt import Psbt, finalize, from_bdk, to_bdk
from axon.wallet.seal import unseal
from axon.wallet.wallet import Wallet


def sign(
    wallet: Wallet, unsigned: Draft | Psbt, passphrase: str, *, allow_high_fee: bool = False
) -> Transaction | Psbt:
    """Sign what is ours to sign.

    Args:
        unsigned: a draft, whose fee was looked at, or a PSBT from anywhere.
        passphrase: what the mnemonic was sealed with.
        allow_high_fee: an absurd fee of a PSBT is meant.

    Returns:
        The transaction, ready to be sent; or the PSBT with our signatures, if others must sign too.

    Raises:
        WatchOnly: this wallet has no keys.
        WrongPassphrase: it does not open the mnemonic.
        BadPsbt: nothing of it is ours, or it cannot be signed as it is.
        BadFee: the fee of the PSBT is absurd.
    """
    draft = unsigned if isinstance(unsigned, Draft) else describe(wallet.ledger, unsigned)
    if not any(item.ours for item in draft.inputs):
        raise BadPsbt("this PSBT spends no coin of this wallet: there is nothing to sign")
    if isinstance(unsigned, Psbt) and not allow_high_fee:
        check_fee(draft)
    psbt = to_bdk(draft.psbt)
    signer = load_bdk_wallet(wallet.ledger, private=_keys(wallet, passphrase))
    try:
        complete = signer.sign(psbt)
    except bdk.SignerError as error:
        raise BadPsbt(f"this PSBT cannot be signed: {str(error) or type(error).__name__}") from None
    signed = from_bdk(psbt)
    return finalize(signed) if complete else signed


def sign_fully(
    wallet: Wallet, psbt: Psbt, passphrase: str | None, *, allow_high_fee: bool = False
) -> Transaction:
    """The transaction of a PSBT, ready to be sent.

    Args:
        passphrase: what the mnemonic was sealed with; None where all have signed already.
        allow_high_fee: an absurd fee is meant.

    Raises:
        BadPsbt: a signature is missing that this wallet cannot give.
        WatchOnly, WrongPassphrase, BadFee: see `sign`.
    """
    if passphrase is None:
        return finalize(psbt)
    signed = sign(wallet, psbt, passphrase, allow_high_fee=allow_high_fee)
    if isinstance(signed, Psbt):
        raise BadPsbt("others must sign this payment, too: sign it as a PSBT and hand it on")
    return signed


def reveal_words(wallet: Wallet, passphrase: str) -> Mnemonic:
    """The mnemonic, with its BIP 39 passphrase if it has one.

    Raises:
        WatchOnly: this wallet has none.
        WrongPassphrase: it does not open it.
    """
    sealed = wallet.source.sealed
    if sealed is None:
        raise WatchOnly(
            "this wallet only watches: export the payment as a PSBT and sign it where the keys are"
        )
    return Mnemonic.decode(unseal(sealed, passphrase))


def _keys(wallet: Wallet, passphrase: str) -> tuple[bdk.Descriptor, bdk.Descriptor]:
    words, kind = reveal_words(wallet, passphrase), wallet.source.kind
    assert kind is not None, "a sealed mnemonic has an account"
    return private_descriptors(words, wallet.network, kind)
