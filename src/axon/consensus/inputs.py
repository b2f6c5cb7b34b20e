"""Single inputs verified by libbitcoinkernel, for transactions that are signed in part.

What all inputs share is hashed once, and an input's proof is handed over by itself: a transaction
of thousands of inputs is not looked at as a whole for each of them. Judged is by the rules of
relay, as Bitcoin Core's calls do: a transaction that nobody would pass on is not complete. Where
this build of the library offers consensus alone (see `scriptrun`), that is judged.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from axon.consensus import library
from axon.consensus.scripterrors import TEXTS, UNKNOWN, explain
from axon.consensus.scriptrun import AVAILABLE, InputRunner
from axon.consensus.scripts import QUICK_SIZE
from axon.consensus.validator import ScriptFlags
from axon.primitives.encoding import compact_size
from axon.primitives.solver import WITNESS_V1_TAPROOT, kind_of
from axon.primitives.transaction import Transaction, TxIn, TxOut

KEPT: Final = 4
"""Transactions of which is kept what their inputs share: copies of one are signed in turns."""


class InputVerifier:
    """Says why an input does not satisfy what it spends; for one thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], _Shared] = OrderedDict()

    def __call__(
        self,
        transaction: Transaction,
        index: int,
        output: TxOut,
        spent: Sequence[TxOut],
        script_sig: bytes,
        witness: tuple[bytes, ...],
    ) -> str | None:
        """Why a proof does not satisfy an output, in Bitcoin Core's words; None if it does.

        Args:
            transaction: that spends; its own proofs do not matter.
            index: of the input.
            output: what it spends.
            spent: what all inputs spend; nothing if that is not known, and then no taproot output
                can be spent.
            script_sig, witness: the proof.
        """
        shared = self._shared(transaction, spent)
        script = library.script_create(output.script_pubkey, len(output.script_pubkey))
        try:
            if not AVAILABLE:
                item = transaction.inputs[index]
                presented = TxIn(item.prevout, script_sig, item.sequence, witness)
                return _consensus_fault(shared, index, presented, output, script)
            size = len(output.script_pubkey) + len(script_sig) + sum(map(len, witness))
            run = shared.runner if shared.size_bytes + size > QUICK_SIZE else shared.quick_runner
            error = run(index, script_sig, witness, script, output.amount_sat)
            return TEXTS[error] if error else None
        finally:
            library.script_destroy(script)

    def _shared(self, transaction: Transaction, spent: Sequence[TxOut]) -> _Shared:
        key = id(transaction), id(spent)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = _Shared(transaction, spent)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _consensus_fault(
    shared: _Shared, index: int, presented: TxIn, output: TxOut, script: int
) -> str | None:
    """The same by the rules of consensus alone, for which the proof must be in the transaction."""
    flags = int(ScriptFlags.ALL)
    if not shared.spent:
        if kind_of(output.script_pubkey) == WITNESS_V1_TAPROOT:
            return UNKNOWN
        flags &= ~int(ScriptFlags.TAPROOT)
    raw = _with_proof(shared.transaction, index, presented)
    handle = library.transaction_create(raw, len(raw))
    if handle is None:
        return UNKNOWN
    status_at = ctypes.byref(ctypes.c_ubyte())

    def passes(flags: int) -> bool:
        amount, hashed = output.amount_sat, shared.precomputed
        return bool(library.script_verify(script, amount, handle, hashed, index, flags, status_at))

    try:
        return None if passes(flags) else explain(presented, output, flags, passes)
    finally:
        library.transaction_destroy(handle)


def _with_proof(transaction: Transaction, index: int, presented: TxIn) -> bytes:
    """A transaction with a proof in one input alone."""
    inputs = [TxIn(item.prevout, sequence=item.sequence) for item in transaction.inputs]
    inputs[index] = presented
    whole = Transaction.build(
        transaction.version, inputs, transaction.outputs, transaction.locktime
    )
    return whole.raw


class _Shared:
    """What the inputs of a transaction share."""

    def __init__(self, transaction: Transaction, spent: Sequence[TxOut]) -> None:
        self.transaction, self.spent = transaction, spent  # Kept: nothing else has their ids.
        inputs, outputs = transaction.inputs, transaction.outputs
        # The library hashes only what the witnesses that are there call for: each has one here.
        parts = [transaction.version.to_bytes(4, "little"), b"\x00\x01", compact_size(len(inputs))]
        parts += [TxIn(item.prevout, sequence=item.sequence).encode() for item in inputs]
        parts.append(compact_size(len(outputs)))
        parts += [each.encode() for each in outputs]
        parts += [b"\x01\x00" * len(inputs), transaction.locktime.to_bytes(4, "little")]
        raw = b"".join(parts)
        handle = library.transaction_create(raw, len(raw))
        assert handle is not None, "it has inputs and outputs, or it has no input to verify"
        guards = [each.script_pubkey for each in spent]
        scripts = [library.script_create(guard, len(guard)) for guard in guards]
        amounts = [each.amount_sat for each in spent]
        made = list(map(library.output_create, scripts, amounts))
        self.precomputed = library.precomputed_create(
            handle, (ctypes.c_void_p * len(made))(*made), len(made)
        )
        for each in made:
            library.output_destroy(each)
        for script in scripts:
            library.script_destroy(script)
        self.size_bytes = len(raw)
        if AVAILABLE:
            flags = int(ScriptFlags.STANDARD)
            self.runner = InputRunner(handle, self.precomputed, flags, quick=False)
            self.quick_runner = InputRunner(handle, self.precomputed, flags, quick=True)
        weakref.finalize(self, library.precomputed_destroy, self.precomputed)
        weakref.finalize(self, library.transaction_destroy, handle)
