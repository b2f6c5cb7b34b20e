"""Single inputs verified by libbitcoinkernel, for transactions that are signed in part.

What all inputs share is hashed once, so that a transaction of thousands of inputs is not looked at
as a whole for each of them.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from axon.consensus import library
from axon.consensus.scripterrors import UNKNOWN, explain
from axon.consensus.validator import ScriptFlags
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.solver import WITNESS_V1_TAPROOT, kind_of
from axon.primitives.transaction import Transaction, TxIn, TxOut

KEPT: Final = 4
"""Transactions of which is kept what their inputs share: copies of one are signed in turns."""

_BARE_SIZE: Final = 41  # Bytes of an input without a script.


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
        """Why a proof does not satisfy an output, as far as can be told; None if it does.

        Args:
            transaction: that spends; its own proofs do not matter.
            index: of the input.
            output: what it spends.
            spent: what all inputs spend; nothing if that is not known, and then no taproot output
                can be spent.
            script_sig, witness: the proof.
        """
        flags = int(ScriptFlags.ALL)
        if not spent:
            if kind_of(output.script_pubkey) == WITNESS_V1_TAPROOT:
                return UNKNOWN
            flags &= ~int(ScriptFlags.TAPROOT)
        shared = self._shared(transaction, spent)
        item = transaction.inputs[index]
        presented = TxIn(item.prevout, script_sig, item.sequence, witness)
        raw = shared.with_proof(index, presented)
        handle = library.transaction_create(raw, len(raw))
        if handle is None:
            return UNKNOWN
        script = library.script_create(output.script_pubkey, len(output.script_pubkey))
        status_at = ctypes.byref(ctypes.c_ubyte())

        def passes(flags: int) -> bool:
            amount, hashed = output.amount_sat, shared.precomputed
            return bool(
                library.script_verify(script, amount, handle, hashed, index, flags, status_at)
            )

        try:
            return None if passes(flags) else explain(presented, output, flags, passes)
        finally:
            library.script_destroy(script)
            library.transaction_destroy(handle)

    def _shared(self, transaction: Transaction, spent: Sequence[TxOut]) -> _Shared:
        key = id(transaction), id(spent)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = _Shared(transaction, spent)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


class _Shared:
    """What the inputs of a transaction share."""

    def __init__(self, transaction: Transaction, spent: Sequence[TxOut]) -> None:
        self._held = transaction, spent  # While it is kept, so that nothing else has their ids.
        inputs, outputs = transaction.inputs, transaction.outputs
        self._version = transaction.version.to_bytes(4, "little")
        self._locktime = transaction.locktime.to_bytes(4, "little")
        self._count = compact_size(len(inputs))
        bare = [TxIn(item.prevout, sequence=item.sequence).encode() for item in inputs]
        self._inputs = b"".join(bare)
        self._outputs = compact_size(len(outputs)) + b"".join([each.encode() for each in outputs])
        self._size = len(inputs)
        # The library hashes only what the witnesses that are there call for: each has one here.
        body = self._count + self._inputs + self._outputs + b"\x01\x00" * len(inputs)
        raw = self._version + b"\x00\x01" + body + self._locktime
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
        library.transaction_destroy(handle)
        weakref.finalize(self, library.precomputed_destroy, self.precomputed)

    def with_proof(self, index: int, presented: TxIn) -> bytes:
        """The transaction with a proof in one input."""
        begin = _BARE_SIZE * index
        body = (
            self._count,
            self._inputs[:begin],
            presented.encode(),
            self._inputs[begin + _BARE_SIZE :],
            self._outputs,
        )
        if not presented.witness:
            return b"".join((self._version, *body, self._locktime))
        stack = compact_size(len(presented.witness)) + b"".join(map(var_bytes, presented.witness))
        stacks = bytes(index) + stack + bytes(self._size - index - 1)
        return b"".join((self._version, b"\x00\x01", *body, stacks, self._locktime))
