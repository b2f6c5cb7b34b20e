"""A payment before it goes out: signed in full, checked against those on their way, written down.

What is written down here is what the light client brings to the network, now and after each start,
so nothing gets here that no node would take.
"""

from __future__ import annotations

from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction
from axon.wallet.errors import BadFee, BadPsbt, CoinUnavailable
from axon.wallet.history import counting
from axon.wallet.payment import replacement_fee_sat
from axon.wallet.psbt import Psbt, finalize
from axon.wallet.signing import sign
from axon.wallet.unconfirmed import record_sent
from axon.wallet.wallet import Wallet


def sign_fully(
    wallet: Wallet, psbt: Psbt, passphrase: str | None, *, allow_high_fee: bool = False
) -> Transaction:
    """The transaction of a PSBT, ready to be sent.

    Args:
        passphrase: what the mnemonic was sealed with; None where all have signed already.
        allow_high_fee: an absurd fee is meant.

    Raises:
        BadPsbt: a signature is missing that this wallet cannot give.
        WatchOnly, WrongPassphrase, BadFee: see `signing.sign`.
    """
    if passphrase is None:
        return finalize(psbt)
    signed = sign(wallet, psbt, passphrase, allow_high_fee=allow_high_fee)
    if isinstance(signed, Psbt):
        raise BadPsbt("others must sign this payment, too: sign it as a PSBT and hand it on")
    return signed


def record_payment(wallet: Wallet, transaction: Transaction, now_s: int) -> Transaction:
    """Write a payment down, if the network can take it beside those that are on their way.

    Args:
        now_s: seconds since 1970.

    Raises:
        CoinUnavailable: one of its coins is spent.
        BadFee: it replaces another one and does not pay enough for that.
        UnknownTransaction: it spends nothing of ours.
        StorageError: the disk refused: do not send it.
    """
    ledger = wallet.ledger
    counted = counting(ledger, wallet.view()) if ledger.spends_ours(transaction) else {}
    rivals = [txid for txid in ledger.rivals(transaction) if txid in counted]
    for txid in rivals:
        if txid in ledger.confirmed:
            raise CoinUnavailable(
                f"a coin of this payment was spent by {to_hex(txid)}, which is in a block: draft"
                " the payment anew"
            )
    if rivals:
        _check_replaces(wallet, transaction, rivals)
    record_sent(ledger, transaction, now_s)
    return transaction


def _check_replaces(wallet: Wallet, transaction: Transaction, rivals: list[Txid]) -> None:
    """What waits is replaced by what pays more, and for its own relay (BIP 125, rules 3 and 4)."""
    ledger = wallet.ledger
    fees = [ledger.fee_sat(ledger.transactions[txid]) or 0 for txid in rivals]
    due_sat = replacement_fee_sat(fees, transaction.vsize)
    fee_sat = ledger.fee_sat(transaction)
    if fee_sat is not None and fee_sat < due_sat:
        raise BadFee(
            f"a coin of this payment is promised to {to_hex(rivals[0])}, which waits for a block:"
            f" draft the payment anew, or pay {due_sat} sat or more to replace that one"
        )
