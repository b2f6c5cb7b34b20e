"""The receiver of a payjoin (BIP 78): looks at an original, adds a coin of his own, and signs that.

Strangers may ask. What they can learn is one coin for each invoice, and only for a payment that is
good as it is: whoever probes has paid, because the original is sent if he does not send the join.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from axon.payments import payjoincoins as coins
from axon.payments import payjoinrecords as memory
from axon.payments.payjoin import VERSION, Declined, Offer, Proposal, Trouble
from axon.payments.payjoininputs import (
    INPUT_WEIGHT_WU,
    fee_sat,
    input_kind,
    is_final,
    names_keys,
    spent_outputs,
)
from axon.payments.payjoinparameters import Parameters
from axon.primitives.dust import dust_limit_sat
from axon.primitives.encoding import compact_size
from axon.primitives.transaction import (
    WITNESS_SCALE_FACTOR,
    Transaction,
    TxIn,
    TxOut,
)
from axon.wallet.coins import WalletCoin
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import Mnemonic
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
from axon.wallet.wallet import Wallet

Check = Callable[[Transaction, Sequence[TxOut]], str]
"""What is wrong with an original, empty if it could be sent as it is: valid scripts, unspent coins,
a feerate that nodes relay. Told what each input spends, in the order of the inputs."""

_RELATIVE_LOCK_OFF = 1 << 31
"""With this bit a sequence locks nothing (BIP 68)."""


@dataclass(frozen=True, slots=True)
class JoinPolicy:
    """What a receiver is ready for.

    Args:
        max_own_fee_sat: what he pays himself for his input, where the sender does not.
        hold_s: so long a coin that was shown is kept for the payment for which it was.
        max_open: so many coins wait for payments at a time.
    """

    max_own_fee_sat: int = 5_000
    hold_s: int = 600
    max_open: int = 4


@dataclass(frozen=True, slots=True)
class _Original:
    """An offer that was found good.

    Args:
        psbt: as it came.
        spent: what each input spends.
        fee_sat: of it.
        place: the output that pays us.
        kinds: of the inputs.
    """

    psbt: Psbt
    spent: tuple[TxOut, ...]
    fee_sat: int
    place: int
    kinds: frozenset[str]


def answer(
    wallet: Wallet,
    offer: Offer,
    script: bytes,
    amount_sat: int | None,
    policy: JoinPolicy,
    *,
    check_original: Check,
    choose: Random,
    passphrase: str | Mnemonic,
    now_s: int,
) -> Proposal | Declined:
    """Join a payment, or say why not. The same offer gets the same answer, byte for byte.

    Args:
        script: one of ours, which the invoice asks to be paid.
        amount_sat: at least so much; None for any.
        check_original: whether the payment is good without us.
        choose: draws the coin and where it is put.
        passphrase: what the mnemonic was sealed with; or that itself, where it is open.
        now_s: seconds since 1970.

    Raises:
        WrongPassphrase: it does not open the mnemonic.
        StorageError: the disk refused; nothing was told.
    """
    if offer.parameters.version != VERSION:
        return Declined(Trouble.VERSION_UNSUPPORTED, f"only version {VERSION} is known here")
    try:
        psbt = offer.read()
        known = memory.given(wallet.ledger, offer, psbt.transaction)
        if known is not None:
            return known
        found = _look_at(wallet, psbt, script, amount_sat)
    except BadPsbt as error:
        return Declined(Trouble.REJECTED, str(error))
    if isinstance(found, Declined):
        return found
    reason = check_original(psbt.transaction, found.spent)
    if reason:
        return Declined(Trouble.REJECTED, reason)
    if wallet.is_watch_only:
        return Declined(Trouble.UNAVAILABLE, "this wallet cannot sign")
    if memory.joined_before(wallet.ledger, script):
        return Declined(Trouble.UNAVAILABLE, "another payment was joined for this invoice")
    made = _join(wallet, found, offer.parameters, policy, choose, passphrase, now_s)
    memory.remember(wallet.ledger, offer, psbt.transaction, script, made, now_s + policy.hold_s)
    return made


def _look_at(
    wallet: Wallet, psbt: Psbt, script: bytes, amount_sat: int | None
) -> _Original | Declined:
    """BIP 78's list for receivers, but for what nodes think of the payment.

    Raises:
        BadPsbt: the PSBT says too little, or adds up to nothing.
    """
    ledger, transaction = wallet.ledger, psbt.transaction
    maps = PsbtMaps.decode(psbt.raw)
    sequences = {item.sequence for item in transaction.inputs}
    spent, fee = spent_outputs(psbt), fee_sat(psbt)
    place = next(
        (
            place
            for place, output in enumerate(transaction.outputs)
            if output.script_pubkey == script and output.amount_sat >= (amount_sat or 0)
        ),
        None,
    )
    reason = ""
    if not all(map(is_final, maps.inputs)):
        reason = "the payment is not signed whole"
    elif names_keys(maps):
        reason = "the payment tells from which keys it is signed, which is nobody's business"
    elif place is None:
        reason = "the payment does not pay what the invoice asks for"
    elif any(
        prevout in ledger.owned or ledger.book.find(output.script_pubkey) is not None
        for prevout, output in zip(transaction.prevouts, spent, strict=True)
    ):
        reason = "the payment spends a coin of the receiver's"
    elif len(sequences) > 1:
        reason = "the inputs differ in their sequence"
    elif any(_locks(transaction.version, sequence) for sequence in sequences):
        reason = "the inputs are locked for a time that counts from their block"
    elif memory.seen_before(ledger, transaction):
        reason = "an input was seen in another payment"
    if reason or place is None:
        return Declined(Trouble.REJECTED, reason)
    kinds = frozenset(map(input_kind, spent, transaction.inputs))
    return _Original(psbt, spent, fee, place, kinds)


def _locks(version: int, sequence: int) -> bool:
    """Whether an input with this sequence waits after its coin was confirmed (BIP 68)."""
    return version >= 2 and not sequence & _RELATIVE_LOCK_OFF and sequence & 0xFFFF != 0


def _join(
    wallet: Wallet,
    found: _Original,
    parameters: Parameters,
    policy: JoinPolicy,
    choose: Random,
    passphrase: str | Mnemonic,
    now_s: int,
) -> Proposal | Declined:
    usable = coins.usable_coins(wallet, found.kinds, now_s)
    if not usable or coins.held_count(wallet, now_s) >= policy.max_open:
        return Declined(Trouble.UNAVAILABLE, "no coin of ours fits this payment now")
    outputs = list(found.psbt.transaction.outputs)
    paid_sat = outputs[found.place].amount_sat
    given_sat, own_sat = _fees(wallet, found, parameters)
    usable = [coin for coin in usable if coin.amount_sat > own_sat]
    if own_sat > policy.max_own_fee_sat or not usable:
        return Declined(Trouble.NOT_ENOUGH_MONEY, "the fee of one more input is not paid for")
    others = [output.amount_sat for output in outputs]
    del others[found.place]
    held = [output.amount_sat for output in found.spent]
    coin = coins.choose_coin(wallet, usable, held, paid_sat, others, choose)
    outputs[found.place] = replace(
        outputs[found.place], amount_sat=paid_sat + coin.amount_sat - own_sat
    )
    if given_sat and parameters.fee_output is not None:
        lowered = outputs[parameters.fee_output]
        outputs[parameters.fee_output] = replace(lowered, amount_sat=lowered.amount_sat - given_sat)
    return _signed(wallet, found, coin, outputs, choose, passphrase)


def _fees(wallet: Wallet, found: _Original, parameters: Parameters) -> tuple[int, int]:
    """What one more input costs at the sender's feerate: the sender's part of it, and ours."""
    transaction = found.psbt.transaction
    count = len(transaction.inputs)
    weight_wu = max(INPUT_WEIGHT_WU.get(kind, 0) for kind in found.kinds)
    longer = len(compact_size(count + 1)) - len(compact_size(count))
    grown_wu = transaction.weight_wu + weight_wu + longer * WITNESS_SCALE_FACTOR
    vsize = -(-grown_wu // WITNESS_SCALE_FACTOR)
    # Rounded down: so much a sender may be asked for, and more he refuses.
    fair_sat = found.fee_sat * weight_wu // (WITNESS_SCALE_FACTOR * transaction.vsize)
    least_sat = -(-parameters.min_feerate_sat_kvb * vsize // 1_000)
    more_sat = max(fair_sat, least_sat - found.fee_sat)
    index, most_sat = parameters.fee_output, parameters.max_contribution_sat
    if index is None or most_sat is None or index >= len(transaction.outputs):
        return 0, more_sat
    output = transaction.outputs[index]
    if index == found.place or wallet.ledger.book.find(output.script_pubkey) is not None:
        return 0, more_sat
    spare_sat = output.amount_sat - dust_limit_sat(output.script_pubkey)
    given_sat = max(0, min(more_sat, most_sat, fair_sat, spare_sat))
    return given_sat, more_sat - given_sat


def _signed(
    wallet: Wallet,
    found: _Original,
    coin: WalletCoin,
    outputs: Sequence[TxOut],
    choose: Random,
    passphrase: str | Mnemonic,
) -> Proposal | Declined:
    """The proposal: our input at any place among the sender's, who keep their order."""
    original = found.psbt.transaction
    shown = (WITNESS_UTXO, NON_WITNESS_UTXO)
    maps = list(PsbtMaps.decode(found.psbt.raw).inputs)
    maps = [{key: each[key] for key in shown if key in each} for each in maps]
    inputs = [TxIn(item.prevout, sequence=item.sequence) for item in original.inputs]
    place = choose.randint(0, len(inputs))
    inputs.insert(place, TxIn(coin.outpoint, sequence=inputs[0].sequence))
    maps.insert(place, {})
    unsigned = Transaction.build(original.version, inputs, outputs, original.locktime).raw
    bare: tuple[Entries, ...] = tuple([{} for _ in outputs])
    psbt = read_psbt(PsbtMaps(0, {UNSIGNED_TX: unsigned}, tuple(maps), bare).encode())
    try:
        signed = sign(wallet, psbt, passphrase, allow_high_fee=True)
    except BadPsbt as error:
        return Declined(Trouble.UNAVAILABLE, str(error))
    assert isinstance(signed, Psbt), "the sender has not signed this yet"
    ours = PsbtMaps.decode(signed.raw).inputs[place]
    assert is_final(ours), "what is spendable can be signed"
    final = (FINAL_SCRIPT_SIG, FINAL_WITNESS)
    kept = (WITNESS_UTXO, *final) if WITNESS_UTXO in ours else (NON_WITNESS_UTXO, *final)
    told: list[Entries] = [{} for _ in inputs]
    told[place] = {key: ours[key] for key in kept if key in ours}
    proposal = PsbtMaps(0, {UNSIGNED_TX: unsigned}, tuple(told), bare)
    return Proposal(proposal.encode(), (coin.outpoint,), original)
