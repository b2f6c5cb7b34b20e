"""The last step of a payjoin on a link: the payer hands the proposal back, signed.

He sends the same message in which it came, `pjanswer`: a PSBT whose inputs are all final. What each
of them spends it need not say: the payee knows the payer's from the offer, and his own.
"""

from __future__ import annotations

from collections.abc import Mapping

from axon.payments.payjoin import read_bounded
from axon.payments.payjoininputs import spent_outputs
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.wallet.errors import BadPsbt
from axon.wallet.ledger import Owned
from axon.wallet.psbtmaps import FINAL_SCRIPT_SIG, FINAL_WITNESS, UNSIGNED_TX, Entries, PsbtMaps


def signed_psbt(signed: Transaction) -> bytes:
    """A PSBT of version 0 with a whole signed transaction, and nothing else in it."""
    unsigned = Transaction.build(
        signed.version,
        [TxIn(item.prevout, sequence=item.sequence) for item in signed.inputs],
        signed.outputs,
        signed.locktime,
    )
    inputs = tuple([_final(item) for item in signed.inputs])
    return PsbtMaps(0, {UNSIGNED_TX: unsigned.raw}, inputs, ({},) * len(signed.outputs)).encode()


def _final(item: TxIn) -> Entries:
    entries: Entries = {}
    if item.script_sig:
        entries[FINAL_SCRIPT_SIG] = item.script_sig
    if item.witness:
        stack = b"".join(map(var_bytes, item.witness))
        entries[FINAL_WITNESS] = compact_size(len(item.witness)) + stack
    return entries


def read_joined(
    returned: bytes, offer: bytes, answer: bytes, owned: Mapping[OutPoint, Owned]
) -> tuple[Transaction, tuple[TxOut, ...]]:
    """The joined payment as the payer signed it, and what its inputs spend; scripts are not run.

    Args:
        returned: the PSBT that came back.
        offer: the payer's own, with which it began.
        answer: our proposal.
        owned: our coins.

    Raises:
        BadPsbt: it is no PSBT, or another transaction than the one that we proposed.
    """
    signed, proposed = read_bounded(returned).transaction, read_bounded(answer).transaction
    if _bare(signed) != _bare(proposed):
        raise BadPsbt("what came back is not the payment that was proposed")
    original = read_bounded(offer)
    known = dict(zip(original.transaction.prevouts, spent_outputs(original), strict=True))
    spent: list[TxOut] = []
    for prevout in signed.prevouts:
        output = known.get(prevout)
        if output is None:
            if prevout not in owned:
                raise BadPsbt("the joined payment spends a coin of nobody who is here")
            output = owned[prevout].output
        spent.append(output)
    return signed, tuple(spent)


def _bare(transaction: Transaction) -> tuple[object, ...]:
    """All of a transaction but its signatures."""
    inputs = [(item.prevout, item.sequence) for item in transaction.inputs]
    return transaction.version, inputs, transaction.outputs, transaction.locktime
