"""What a payment would do, said before anybody signs it: whom it pays, what it costs, what returns.

A draft is read off its PSBT, whoever made that. What an input holds is taken from our own records
where the coin is ours, so that a PSBT of a stranger cannot hide what it spends in fees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from axon.primitives.address import encode_address
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import Txid
from axon.primitives.solver import MULTISIG, solve
from axon.primitives.transaction import COIN, WITNESS_SCALE_FACTOR, OutPoint, TxOut
from axon.wallet.amounts import format_amount
from axon.wallet.cosigning import named_inputs
from axon.wallet.errors import BadFee, BadPsbt
from axon.wallet.ledger import WalletLedger
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import WITNESS_SCRIPT, Entries, PsbtMaps
from axon.wallet.records import Keychain

MAX_FEE_SAT: Final = COIN // 10
"""A larger fee is a mistake, as in Bitcoin Core (`maxtxfee`)."""

MAX_FEERATE_SAT_KVB: Final = 10_000_000
"""10,000 sat/vB, likewise (`maxfeerate`)."""

HIGH_FEERATE_SAT_KVB: Final = 100_000
HIGH_FEE_PART: Final = 10
"""Above 100 sat/vB a fee of more than a tenth of the amount is a mistake, too."""

ASK_FEE_SAT: Final = COIN // 1_000
"""A larger fee is asked about once more: a usual payment costs a hundredth of it."""

ASK_FEE_PERCENT: Final = 5
"""As is one that is more than such a part of what is paid."""

_FOREIGN_SATISFACTION_WU: Final = 107
"""What an input that is not ours is taken to need: signature and key in a witness."""

_SIGNATURE_WU: Final = 73
"""A signature of one of several keys, with its length."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An output of a payment that is not change.

    Args:
        script: what is paid to.
        address: the same as people write it; None if no address stands for it.
        amount_sat: how much.
        ours: whether it is one of our own addresses.
    """

    script: bytes
    address: str | None
    amount_sat: int
    ours: bool


@dataclass(frozen=True, slots=True)
class DraftInput:
    """An input of a payment.

    Args:
        outpoint: which coin.
        amount_sat: what it holds.
        address: where it is; None if no address stands for its script.
        ours: whether it is a coin of this wallet.
        named: whether it is not, and a key of this wallet is named that can sign it with others.
    """

    outpoint: OutPoint
    amount_sat: int
    address: str | None
    ours: bool
    named: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A payment before it is signed.

    Args:
        psbt: what is to be signed.
        recipients: whom it pays.
        inputs: what it spends.
        fee_sat: what the miner gets.
        change_sat: what returns to us.
        vsize: of the signed transaction, estimated; signatures vary by a byte.
        replaces: the payment whose fee it raises.
        reduced_sat: by how much less the recipients get than of that one.
        child_of: the payment to us whose fee it raises by spending it.
    """

    psbt: Psbt
    recipients: tuple[Recipient, ...]
    inputs: tuple[DraftInput, ...]
    fee_sat: int
    change_sat: int
    vsize: int
    replaces: Txid | None = None
    reduced_sat: int = 0
    child_of: Txid | None = None

    @property
    def amount_sat(self) -> int:
        """What the recipients get together."""
        return sum(recipient.amount_sat for recipient in self.recipients)

    @property
    def feerate_sat_kvb(self) -> int:
        """The fee for a thousand virtual bytes."""
        return self.fee_sat * 1_000 // self.vsize


class Paid(NamedTuple):
    """An output that a payment is made for.

    Args:
        script: what is paid to.
        amount_sat: how much; None for whatever is left.
    """

    script: bytes
    amount_sat: int | None


def describe(
    ledger: WalletLedger,
    psbt: Psbt,
    *,
    paid: Sequence[Paid] = (),
    replaces: Txid | None = None,
    child_of: Txid | None = None,
) -> Draft:
    """What a PSBT does.

    Args:
        paid: what is paid on purpose, also where it is ours.
        replaces: the payment whose fee it raises.
        child_of: the payment to us whose fee it raises by spending it.

    Raises:
        BadPsbt: what an input holds is not said, or less goes in than comes out.
    """
    named = {key.index for key in named_inputs(ledger, psbt)}
    inputs = [_spending(ledger, psbt, index, index in named) for index in range(len(psbt.spent))]
    recipients, change_sat = split_outputs(ledger, psbt.transaction.outputs, paid)
    paid_sat = sum(recipient.amount_sat for recipient in recipients)
    fee_sat = sum(item.amount_sat for item in inputs) - paid_sat - change_sat
    if fee_sat < 0:
        raise BadPsbt("this PSBT pays out more than it spends: it can never be valid")
    vsize = _vsize(ledger, psbt)
    return Draft(
        psbt,
        recipients,
        tuple(inputs),
        fee_sat,
        change_sat,
        vsize,
        replaces,
        child_of=child_of,
    )


def split_outputs(
    ledger: WalletLedger, outputs: Sequence[TxOut], paid: Sequence[Paid] = ()
) -> tuple[tuple[Recipient, ...], int]:
    """Whom a transaction pays, and how much of it returns to us.

    Args:
        paid: what is paid on purpose, also where it is ours.
    """
    recipients: list[Recipient] = []
    change_sat, meant = 0, list(paid)
    for output in outputs:
        if not _is_meant(output, meant) and is_change(ledger, output):
            change_sat += output.amount_sat
        else:
            recipients.append(_recipient(ledger, output))
    return tuple(recipients), change_sat


def check_fee(draft: Draft) -> None:
    """Refuse a fee that nobody means.

    Raises:
        BadFee: it is absurd.
    """
    refuse_absurd_fee(draft.fee_sat, draft.vsize, draft.amount_sat)


def refuse_absurd_fee(fee_sat: int, vsize: int, paid_sat: int) -> None:
    """The same of a transaction of any form.

    Args:
        paid_sat: what the recipients get together.

    Raises:
        BadFee: it is absurd.
    """
    feerate_sat_kvb = fee_sat * 1_000 // vsize
    shown = f"a fee of {fee_sat} sat ({feerate_sat_kvb / 1_000:.1f} sat/vB)"
    way_out = "choose a lower one, or allow a high fee if it is meant"
    if fee_sat > MAX_FEE_SAT or feerate_sat_kvb > MAX_FEERATE_SAT_KVB:
        raise BadFee(f"{shown} is more than any payment needs: {way_out}")
    if feerate_sat_kvb > HIGH_FEERATE_SAT_KVB and fee_sat * HIGH_FEE_PART > paid_sat:
        raise BadFee(f"{shown} to pay {paid_sat} sat is more than a tenth: {way_out}")


def fee_question(draft: Draft) -> str | None:
    """What a person is to be asked about a fee before it is paid; None for a usual one.

    It is held against what is paid; where all returns to us, against that.
    """
    paid_sat, fee = draft.amount_sat or draft.change_sat, format_amount(draft.fee_sat)
    if not paid_sat and draft.fee_sat:
        return f"All that this payment spends, {fee}, is fee"
    if draft.fee_sat * 100 > paid_sat * ASK_FEE_PERCENT:
        return (
            f"The fee of {fee} is {draft.fee_sat * 100 / paid_sat:.1f} % of the"
            f" {format_amount(paid_sat)} paid, more than {ASK_FEE_PERCENT} %"
        )
    if draft.fee_sat > ASK_FEE_SAT:
        return (
            f"The fee of {fee} ({draft.feerate_sat_kvb / 1_000:.1f} sat/vB) is more than"
            f" {format_amount(ASK_FEE_SAT)}"
        )
    return None


def _spending(ledger: WalletLedger, psbt: Psbt, index: int, named: bool) -> DraftInput:
    prevout = psbt.transaction.prevouts[index]
    owned = ledger.owned.get(prevout)
    output = psbt.spent[index] if owned is None else owned.output
    if output is None:
        raise BadPsbt(
            f"this PSBT does not say what input {index} spends, so its fee cannot be known: ask for"
            " one with the previous transactions in it"
        )
    address = encode_address(output.script_pubkey, ledger.network)
    return DraftInput(prevout, output.amount_sat, address, owned is not None, named)


def _recipient(ledger: WalletLedger, output: TxOut) -> Recipient:
    script = output.script_pubkey
    address = encode_address(script, ledger.network)
    return Recipient(script, address, output.amount_sat, ledger.book.find(script) is not None)


def _is_meant(output: TxOut, meant: list[Paid]) -> bool:
    """Whether an output is one that is paid on purpose; each is found once.

    Change may go to the very script that is paid, where one keychain serves for both.
    """
    script = output.script_pubkey
    for paid in (Paid(script, output.amount_sat), Paid(script, None)):
        if paid in meant:
            meant.remove(paid)
            return True
    return False


def is_change(ledger: WalletLedger, output: TxOut) -> bool:
    """Whether an output comes back: on the keychain for change; with only one, all that is ours."""
    place = ledger.book.find(output.script_pubkey)
    if place is None:
        return False
    return place.keychain is Keychain.CHANGE or len(ledger.book.keychains) == 1


def _vsize(ledger: WalletLedger, psbt: Psbt) -> int:
    """Of the signed transaction: what is missing of each input is added."""
    transaction = psbt.transaction
    weight_wu = transaction.weight_wu
    maps = PsbtMaps.decode(psbt.raw).inputs
    missing = [
        (prevout, output, entries)
        for prevout, output, item, entries in zip(
            transaction.prevouts, psbt.spent, transaction.inputs, maps, strict=True
        )
        if not item.witness and not item.script_sig
    ]
    weight_wu += sum(_satisfaction_wu(ledger, prevout, entries) for prevout, _, entries in missing)
    if not transaction.has_witness and any(not is_legacy(output) for _, output, _ in missing):
        weight_wu += 2 + len(transaction.inputs)  # Marker, flag, and how many items each has.
    return (weight_wu + WITNESS_SCALE_FACTOR - 1) // WITNESS_SCALE_FACTOR


def is_legacy(output: TxOut | None) -> bool:
    """Whether it is spent without a witness, as far as the script tells."""
    return output is not None and output.script_pubkey.startswith(b"\x76\xa9\x14")


def _satisfaction_wu(ledger: WalletLedger, prevout: OutPoint, entries: Entries) -> int:
    owned = ledger.owned.get(prevout)
    if owned is not None and not ledger.book.is_address:
        return int(ledger.book.descriptor(owned.place.keychain).max_weight_to_satisfy())
    script = entries.get(WITNESS_SCRIPT)
    found = None if script is None else solve(script)
    if script is None or found is None or found.kind != MULTISIG:
        return _FOREIGN_SATISFACTION_WU
    return 2 + found.required * _SIGNATURE_WU + len(var_bytes(script))
