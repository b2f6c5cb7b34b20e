"""Script verification by libbitcoinkernel, for transactions on their way into the pool.

The library answers yes or no and never why; what can be read off without running a script is in
`scripterrors`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Final

from axon.consensus import library
from axon.consensus.library import KernelError
from axon.consensus.scripterrors import explain
from axon.consensus.validator import ScriptFlags
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction, TxOut, outpoint_index, outpoint_txid
from axon.primitives.verdict import Accepted, Rejected, Verdict

QUICK_SIZE: Final = 4_000
"""Bytes of a transaction and the scripts it spends up to which Python's lock is kept: some 25
inputs or a millisecond. Giving it away once for each input lets another thread that computes take
a whole switch interval, 5 ms, each time: a hundredfold for an input of 45 us."""


def verify_scripts(
    transaction: Transaction, spent: Sequence[TxOut], flags: int = ScriptFlags.ALL
) -> Verdict:
    """Whether each input satisfies the script of the output it spends.

    Args:
        transaction: not a coinbase.
        spent: the spent outputs, in the order of the inputs.
        flags: `ScriptFlags`.

    Returns:
        `mempool-script-verify-flag-failed (why)` for the first input that does not. `why` is
        Bitcoin Core's text where it can be told, else `unknown error`.

    Raises:
        KernelError: flags that the library does not offer or does not combine, or not one spent
            output for each input.
    """
    inputs = transaction.inputs
    if flags & ~int(ScriptFlags.ALL):
        raise KernelError(f"libbitcoinkernel verifies no script flags {flags:#x}.")
    if len(inputs) != len(spent):
        raise KernelError(f"{len(spent)} spent outputs for {len(inputs)} inputs.")
    raw = transaction.raw
    handle = library.transaction_create(raw, len(raw))
    if handle is None:
        raise KernelError(f"libbitcoinkernel cannot read transaction {to_hex(transaction.txid)}.")
    guards = [output.script_pubkey for output in spent]
    amounts = [output.amount_sat for output in spent]
    size = len(raw) + sum(map(len, guards))
    verify = library.script_verify_quick if size <= QUICK_SIZE else library.script_verify
    scripts = [library.script_create(guard, len(guard)) for guard in guards]
    outputs = (ctypes.c_void_p * len(spent))(*map(library.output_create, scripts, amounts))
    shared = library.precomputed_create(handle, outputs, len(spent))
    status = ctypes.c_ubyte()
    status_at = ctypes.byref(status)

    def passes(index: int, flags: int) -> bool:
        script, amount = scripts[index], amounts[index]
        return bool(verify(script, amount, handle, shared, index, flags, status_at))

    try:
        for index in range(len(spent)):
            if not passes(index, flags):
                if status.value:
                    raise KernelError(f"libbitcoinkernel does not combine script flags {flags:#x}.")
                return _refusal(transaction, spent[index], index, flags, passes)
        return Accepted()
    finally:
        library.precomputed_destroy(shared)
        for output in outputs:
            library.output_destroy(output)
        for script in scripts:
            library.script_destroy(script)
        library.transaction_destroy(handle)


def _refusal(
    transaction: Transaction,
    output: TxOut,
    index: int,
    flags: int,
    passes: Callable[[int, int], bool],
) -> Rejected:
    why = explain(transaction.inputs[index], output, flags, lambda fewer: passes(index, fewer))
    prevout = transaction.inputs[index].prevout
    return Rejected(
        f"mempool-script-verify-flag-failed ({why})",
        f"input {index} of {to_hex(transaction.txid)} (wtxid {to_hex(transaction.wtxid)}), "
        f"spending {to_hex(outpoint_txid(prevout))}:{outpoint_index(prevout)}",
    )
