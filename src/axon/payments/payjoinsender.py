"""The sender of a payjoin (BIP 78): makes the offer, looks at the proposal, signs it.

Whatever goes wrong on the way, the original that was offered is still signed and good. Nothing here
sends anything: who asked for the payjoin sends the joined payment, or the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.payments.payjoin import MAX_PSBT_BYTES, Offer, read_bounded
from axon.payments.payjoincheck import contribution_limit_sat, proposal_fault
from axon.payments.payjoininputs import fee_sat, input_kind, spent_outputs
from axon.payments.payjoinparameters import Parameters
from axon.primitives.dust import dust_limit_sat
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.transaction import OutPoint, Transaction, TxIn, outpoint_txid
from axon.primitives.verdict import Rejected
from axon.wallet.draft import is_change
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import Mnemonic
from axon.wallet.payment import MAX_VSIZE
from axon.wallet.psbt import Psbt, read_psbt
from axon.wallet.psbtmaps import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    UNSIGNED_TX,
    WITNESS_UTXO,
    Entries,
    PsbtMaps,
)
from axon.wallet.signing import sign
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet

LOWER_FEERATE_PERCENT: Final = 10
"""By so much a joined payment may pay less than the original for its size: it waits little longer,
and receivers round otherwise than we do."""

LEAST_FEERATE_SAT_KVB: Final = 1_000
"""But not below this, at which all nodes relay; unless the original itself is below."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The other side or the payment does not allow a payjoin; the original is sent as it is.

    Args:
        reason: one sentence.
    """

    reason: str


def make_offer(
    wallet: Wallet, signed: Transaction, payment_script: bytes, *, fixed_output: bool = False
) -> Offer | Fault:
    """An offer to join a signed payment; it tells the receiver nothing but the payment.

    Change, where there is some, may be lowered by what one more input costs.

    Args:
        wallet: that spends its own coins, and nothing else.
        signed: the original, ready to be sent.
        payment_script: of the output that the receiver gets.
        fixed_output: the URI says that the output must stay as it is (`pjos=0`).
    """
    ledger = wallet.ledger
    if any(prevout not in ledger.owned for prevout in signed.prevouts):
        return Fault("the payment spends coins of others, so this wallet cannot sign it anew")
    if all(output.script_pubkey != payment_script for output in signed.outputs):
        return Fault("the payment does not pay the receiver")
    if len({item.sequence for item in signed.inputs}) > 1:
        return Fault("the inputs of the payment differ in their sequence, and every join shows it")
    unsigned = Transaction.build(
        signed.version,
        [TxIn(item.prevout, sequence=item.sequence) for item in signed.inputs],
        signed.outputs,
        signed.locktime,
    )
    maps = PsbtMaps(
        0,
        {UNSIGNED_TX: unsigned.raw},
        tuple([_final_entries(wallet, item) for item in signed.inputs]),
        tuple([{} for _ in signed.outputs]),
    )
    psbt = read_psbt(maps.encode())
    if len(psbt.raw) > MAX_PSBT_BYTES:
        return Fault("the payment is too large for a payjoin, with all that it spends from")
    return Offer(psbt.raw, _allowed(wallet, psbt, payment_script, fixed_output))


def check_answer(
    wallet: Wallet, offer: Offer, proposal: bytes | str, payment_script: bytes
) -> Psbt | Fault:
    """Look at all that a receiver has changed; the whole checklist of BIP 78 but the last line.

    Args:
        offer: from `make_offer`.
        proposal: what came back, as bytes or base64.
        payment_script: as it was given to `make_offer`.

    Returns:
        The PSBT to sign. Of our inputs it says what our records say, of the receiver's that they
        are final and what they spend, and nothing else.
    """
    original = offer.read()
    try:
        proposed = read_bounded(proposal)
    except BadPsbt as error:
        return Fault(f"the receiver's answer cannot be read: {error}")
    owned = wallet.ledger.owned
    fault = proposal_fault(original, proposed, offer.parameters, payment_script, owned.__contains__)
    if fault:
        return Fault(fault)
    added = set(proposed.transaction.prevouts) - set(original.transaction.prevouts)
    if any(_pays_us(wallet, point) for point in added):
        return Fault("the receiver added a coin with which he pays this wallet")
    return _to_sign(original, proposed)


def _pays_us(wallet: Wallet, point: OutPoint) -> bool:
    """Whether a transaction that spends a coin brings more to us than it takes."""
    ledger = wallet.ledger
    spenders = [ledger.transactions[txid] for txid in ledger.spenders(point)]
    return any(ledger.received_sat(each) > ledger.sent_sat(each) for each in spenders)


def sign_answer(
    wallet: Wallet,
    offer: Offer,
    checked: Psbt,
    passphrase: str | Mnemonic,
    check_scripts: ScriptCheck,
) -> Transaction | Fault:
    """The joined payment, signed and verified.

    Args:
        offer: from `make_offer`.
        checked: from `check_answer`.
        passphrase: what the mnemonic was sealed with; or that itself, where it is open.
        check_scripts: runs scripts; also proves that the receiver's inputs hold what he says.

    Raises:
        WatchOnly, WrongPassphrase: see `wallet.signing.sign`.
    """
    try:
        signed = sign(wallet, checked, passphrase, allow_high_fee=True)
        spent, fee = spent_outputs(checked), fee_sat(checked)
    except BadPsbt as error:
        return Fault(f"the joined payment cannot be signed: {error}")
    if isinstance(signed, Psbt):
        return Fault("the receiver's inputs are not signed whole")
    if signed.vsize > MAX_VSIZE:
        return Fault("the joined payment is larger than what nodes relay")
    judged = check_scripts(signed, spent)
    if isinstance(judged, Rejected):
        return Fault(f"an input does not hold, so no node would take the payment: {judged.reason}")
    if fee * 1_000 < offer.parameters.min_feerate_sat_kvb * signed.vsize:
        return Fault("the joined payment pays too little for its size")
    return signed


def _final_entries(wallet: Wallet, item: TxIn) -> Entries:
    """What the original says of an input: what it spends, and that it is signed."""
    ledger = wallet.ledger
    output = ledger.owned[item.prevout].output
    entries: Entries = {}
    if item.witness:
        stack = b"".join(map(var_bytes, item.witness))
        entries[WITNESS_UTXO] = output.encode()
        entries[FINAL_WITNESS] = compact_size(len(item.witness)) + stack
    else:
        entries[NON_WITNESS_UTXO] = ledger.transactions[outpoint_txid(item.prevout)].raw
    if item.script_sig:
        entries[FINAL_SCRIPT_SIG] = item.script_sig
    return entries


def _allowed(wallet: Wallet, original: Psbt, payment_script: bytes, fixed: bool) -> Parameters:
    """What the receiver may do: BIP 78 recommends to name a fee output and a least feerate."""
    transaction, fee = original.transaction, fee_sat(original)
    feerate = fee * 1_000 // transaction.vsize
    least = max(feerate * (100 - LOWER_FEERATE_PERCENT) // 100, LEAST_FEERATE_SAT_KVB)
    kind = input_kind(spent_outputs(original)[0], transaction.inputs[0])
    for index, output in enumerate(transaction.outputs):
        spare = output.amount_sat - dust_limit_sat(output.script_pubkey)
        ours = is_change(wallet.ledger, output) and output.script_pubkey != payment_script
        if ours and spare > 0:
            most = min(spare, contribution_limit_sat(fee, transaction.vsize, kind, 1))
            return Parameters(1, index, most, min(feerate, least), fixed)
    return Parameters(1, None, None, min(feerate, least), fixed)


def _to_sign(original: Psbt, proposed: Psbt) -> Psbt:
    ours = dict(
        zip(original.transaction.prevouts, PsbtMaps.decode(original.raw).inputs, strict=True)
    )
    shown = (WITNESS_UTXO, NON_WITNESS_UTXO)
    final = (*shown, FINAL_SCRIPT_SIG, FINAL_WITNESS)
    maps = PsbtMaps.decode(proposed.raw)
    inputs: list[Entries] = []
    for prevout, entries in zip(proposed.transaction.prevouts, maps.inputs, strict=True):
        known = ours.get(prevout)
        source, kept = (entries, final) if known is None else (known, shown)
        inputs.append({key: source[key] for key in kept if key in source})
    outputs: tuple[Entries, ...] = tuple([{} for _ in maps.outputs])
    bare = PsbtMaps(0, {UNSIGNED_TX: maps.general[UNSIGNED_TX]}, tuple(inputs), outputs)
    return read_psbt(bare.encode())
