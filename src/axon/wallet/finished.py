"""What a finished transaction does, from whoever it came, as far as that is known here.

It does not say what its inputs hold, as a PSBT does. Where the coin is ours, or of a transaction
that is kept here, our own records do; where one is not, the fee is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.primitives.verdict import Rejected
from axon.wallet.draft import Recipient, refuse_absurd_fee, split_outputs
from axon.wallet.errors import BadPsbt
from axon.wallet.ledger import WalletLedger
from axon.wallet.payment import record_payment
from axon.wallet.wallet import Wallet


@dataclass(frozen=True, slots=True)
class SpentCoin:
    """An input of a finished transaction.

    Args:
        outpoint: which coin.
        output: what it holds, and where it is; None if that is not known here.
        ours: whether it is a coin of this wallet.
    """

    outpoint: OutPoint
    output: TxOut | None
    ours: bool


@dataclass(frozen=True, slots=True)
class FinishedPayment:
    """What a finished transaction does.

    Args:
        transaction: itself.
        recipients: whom it pays.
        inputs: what it spends.
        change_sat: what returns to us.
        fee_sat: what the miner gets; None if it is not known here what all inputs hold.
    """

    transaction: Transaction
    recipients: tuple[Recipient, ...]
    inputs: tuple[SpentCoin, ...]
    change_sat: int
    fee_sat: int | None

    @property
    def amount_sat(self) -> int:
        """What the recipients get together."""
        return sum(recipient.amount_sat for recipient in self.recipients)


def describe_finished(ledger: WalletLedger, transaction: Transaction) -> FinishedPayment:
    """What a finished transaction does; for its signatures see `signature_fault`.

    Raises:
        BadPsbt: less goes in than comes out.
    """
    recipients, change_sat = split_outputs(ledger, transaction.outputs)
    inputs = [
        SpentCoin(prevout, ledger.output(prevout), prevout in ledger.owned)
        for prevout in transaction.prevouts
    ]
    fee_sat = ledger.fee_sat(transaction)
    if fee_sat is not None and fee_sat < 0:
        raise BadPsbt("this transaction pays out more than it spends: it can never be valid")
    return FinishedPayment(transaction, recipients, tuple(inputs), change_sat, fee_sat)


def record_finished(
    wallet: Wallet, transaction: Transaction, now_s: int, *, allow_high_fee: bool = False
) -> Transaction:
    """Write a payment of this wallet down that was signed elsewhere; see `record_payment`.

    What no node would ever take must not hold our coins. So its signatures are verified, as far as
    it is known here what they are for.

    Args:
        now_s: seconds since 1970.
        allow_high_fee: an absurd fee is meant.

    Raises:
        BadPsbt: a signature is missing or wrong, or less goes in than comes out.
        BadFee: its fee is absurd, or too low for what it replaces.
        CoinUnavailable, UnknownTransaction, StorageError: see `record_payment`.
    """
    ledger = wallet.ledger
    if transaction.txid not in ledger.transactions and ledger.spends_ours(transaction):
        made = describe_finished(ledger, transaction)
        missing = signature_fault(wallet, made)
        if missing:
            raise BadPsbt(
                f"a signature of this transaction is missing or wrong, and no node would take it"
                f" ({missing}): sign it again"
            )
        if made.fee_sat is not None and not allow_high_fee:
            refuse_absurd_fee(made.fee_sat, transaction.vsize, made.amount_sat)
    return record_payment(wallet, transaction, now_s)


def signature_fault(wallet: Wallet, made: FinishedPayment) -> str:
    """Why nodes would not take the signatures; empty if they would.

    Where it is not known what they are for it is looked whether they are there. What they are for
    is known where the fee is.
    """
    spent = [item.output for item in made.inputs if item.output is not None]
    if len(spent) < len(made.inputs) or wallet.check_scripts is None:
        signed = all(each.witness or each.script_sig for each in made.transaction.inputs)
        return "" if signed else "an input has none"
    judged = wallet.check_scripts(made.transaction, spent)
    return judged.reason if isinstance(judged, Rejected) else ""
