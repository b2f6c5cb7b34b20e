"""Signing: the one moment when a wallet's keys are in memory.

The passphrase opens the mnemonic, the keys follow from it, BDK signs, and all of it is let go when
the call ends. A wallet that is to sign while nobody is there to type, because it is paid by other
wallets, holds the open mnemonic and gives that.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import bdkpython as bdk

from axon.primitives.transaction import Transaction, outpoint_txid
from axon.wallet.bdkwallet import from_bdk_transaction, load_bdk_wallet
from axon.wallet.cosigning import (
    check_shown,
    cosign,
    named_inputs,
    names_put_back,
    names_set_aside,
    sign_maps,
)
from axon.wallet.draft import Draft, check_fee, describe, is_legacy
from axon.wallet.errors import BadPsbt, WatchOnly
from axon.wallet.keys import Mnemonic, private_descriptors, root_key
from axon.wallet.ledger import WalletLedger
from axon.wallet.psbt import Psbt, finalize, from_bdk
from axon.wallet.psbtmaps import NON_WITNESS_UTXO, WITNESS_UTXO, PsbtMaps
from axon.wallet.seal import unseal
from axon.wallet.wallet import Wallet


def sign(
    wallet: Wallet,
    unsigned: Draft | Psbt,
    passphrase: str | Mnemonic,
    *,
    allow_high_fee: bool = False,
) -> Transaction | Psbt:
    """Sign what is ours to sign.

    Args:
        unsigned: a draft, whose fee was looked at, or a PSBT from anywhere.
        passphrase: what the mnemonic was sealed with; or that itself, where it is open.
        allow_high_fee: an absurd fee of a PSBT is meant.

    Returns:
        The transaction, ready to be sent; or the PSBT with our signatures, if others must sign too.

    Raises:
        WatchOnly: this wallet has no keys.
        WrongPassphrase: it does not open the mnemonic.
        BadPsbt: nothing of it is ours and no key of ours is named, or it cannot be signed as it is.
        BadFee: the fee of the PSBT is absurd.
    """
    ledger = wallet.ledger
    draft = unsigned if isinstance(unsigned, Draft) else describe(ledger, unsigned)
    named = named_inputs(ledger, draft.psbt)
    if not named and not any(item.ours for item in draft.inputs):
        raise BadPsbt("this PSBT spends no coin of this wallet: there is nothing to sign")
    if isinstance(unsigned, Psbt) and not allow_high_fee:
        check_fee(draft)
    check_shown(draft.psbt, named)
    mnemonic, kind = reveal_words(wallet, passphrase), wallet.source.kind
    assert kind is not None, "a sealed mnemonic has an account"
    maps, names = names_set_aside(ledger, with_own_coins(ledger, draft.psbt))
    keys = private_descriptors(mnemonic, wallet.network, kind)
    if any(item.ours for item in draft.inputs):
        maps = sign_maps(load_bdk_wallet(ledger, private=keys), maps, finalizes=True)
    maps, count = cosign(maps, named, root_key(mnemonic, wallet.network), wallet.network)
    if not count and not any(item.ours for item in draft.inputs):
        raise BadPsbt(
            "this PSBT names this wallet's fingerprint, but keys that its words do not lead to:"
            " there is nothing to sign"
        )
    return _outcome(names_put_back(maps, names), draft.psbt)


def with_own_coins(ledger: WalletLedger, psbt: Psbt) -> PsbtMaps:
    """A PSBT in which each coin of ours is shown as our records have it (BIP 174, Updater).

    Whatever the PSBT says of them itself is not looked at.
    """
    maps = PsbtMaps.decode(psbt.raw)
    inputs = list(maps.inputs)
    for place, prevout in enumerate(psbt.transaction.prevouts):
        owned = ledger.owned.get(prevout)
        if owned is None:
            continue
        entries = dict(inputs[place])
        entries[NON_WITNESS_UTXO] = ledger.transactions[outpoint_txid(prevout)].raw
        entries.pop(WITNESS_UTXO, None)
        if not is_legacy(owned.output):
            entries[WITNESS_UTXO] = owned.output.encode()
        inputs[place] = entries
    return replace(maps, inputs=tuple(inputs))


def _outcome(maps: PsbtMaps, before: Psbt) -> Transaction | Psbt:
    """The transaction, if all have signed; else the PSBT, in the version in which it came."""
    signed = bdk.Psbt(b64encode(maps.encode()).decode())
    finalized = signed.finalize()
    if finalized.could_finalize:
        return from_bdk_transaction(finalized.psbt.extract_tx_unchecked_fee_rate())
    return from_bdk(signed, before.version_2)


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
        finished = finalize(psbt)
        if not allow_high_fee and finished.txid not in wallet.ledger.transactions:
            check_fee(describe(wallet.ledger, psbt))
        return finished
    signed = sign(wallet, psbt, passphrase, allow_high_fee=allow_high_fee)
    if isinstance(signed, Psbt):
        raise BadPsbt("others must sign this payment, too: sign it as a PSBT and hand it on")
    return signed


def reveal_words(wallet: Wallet, passphrase: str | Mnemonic) -> Mnemonic:
    """The mnemonic, with its BIP 39 passphrase if it has one.

    Args:
        passphrase: what it was sealed with; or that itself, where it is open.

    Raises:
        WatchOnly: this wallet has none.
        WrongPassphrase: it does not open it.
    """
    sealed = wallet.source.sealed
    if sealed is None:
        raise WatchOnly(
            "this wallet only watches: export the payment as a PSBT and sign it where the keys are"
        )
    if isinstance(passphrase, Mnemonic):
        return passphrase
    return Mnemonic.decode(unseal(sealed, passphrase))
