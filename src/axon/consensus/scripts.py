"""Script verification by libbitcoinkernel, for transactions on their way into the pool.

Its C interface answers yes or no under the rules of consensus; `scriptrun` goes behind it for the
rules of relay and for the reasons. Where that cannot be done only consensus is verified, and what
can be read off without running a script is in `scripterrors`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from axon.consensus import library
from axon.consensus.library import KernelError
from axon.consensus.scripterrors import TEXTS, explain
from axon.consensus.scriptrun import AVAILABLE, InputRunner, combines
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
        flags: `ScriptFlags`; those of relay are left out where this build of the library cannot
            verify them.

    Returns:
        `mempool-script-verify-flag-failed (why)` for the first input that does not. `why` is
        Bitcoin Core's text; `unknown error` where it cannot be told.

    Raises:
        KernelError: flags that the library does not offer or does not combine, or not one spent
            output for each input.
    """
    inputs = transaction.inputs
    if flags & ~int(ScriptFlags.STANDARD):
        raise KernelError(f"libbitcoinkernel verifies no script flags {flags:#x}.")
    if not combines(flags):
        raise KernelError(f"libbitcoinkernel does not combine script flags {flags:#x}.")
    if len(inputs) != len(spent):
        raise KernelError(f"{len(spent)} spent outputs for {len(inputs)} inputs.")
    raw = transaction.raw
    handle = library.transaction_create(raw, len(raw))
    if handle is None:
        raise KernelError(f"libbitcoinkernel cannot read transaction {to_hex(transaction.txid)}.")
    guards = [output.script_pubkey for output in spent]
    amounts = [output.amount_sat for output in spent]
    quick = len(raw) + sum(map(len, guards)) <= QUICK_SIZE
    scripts = [library.script_create(guard, len(guard)) for guard in guards]
    outputs = (ctypes.c_void_p * len(spent))(*map(library.output_create, scripts, amounts))
    shared = library.precomputed_create(handle, outputs, len(spent))
    verify = library.script_verify_quick if quick else library.script_verify
    status_at = ctypes.byref(ctypes.c_ubyte())

    def passes(index: int, flags: int) -> bool:
        script, amount = scripts[index], amounts[index]
        return bool(verify(script, amount, handle, shared, index, flags, status_at))

    def judged(index: int) -> str | None:
        fewer = flags & int(ScriptFlags.ALL)
        if passes(index, fewer):
            return None
        item, output = inputs[index], spent[index]
        return explain(item, output, fewer, lambda flags: passes(index, flags))

    runner = InputRunner(handle, shared, flags, quick=quick) if AVAILABLE else None

    def fault(index: int) -> str | None:
        if runner is None:
            return judged(index)
        item = inputs[index]
        error = runner(index, item.script_sig, item.witness, scripts[index], amounts[index])
        return TEXTS[error] if error else None

    try:
        for index in range(len(spent)):
            why = fault(index)
            if why is not None:
                return _refusal(transaction, index, why)
        return Accepted()
    finally:
        library.precomputed_destroy(shared)
        for output in outputs:
            library.output_destroy(output)
        for script in scripts:
            library.script_destroy(script)
        library.transaction_destroy(handle)


def _refusal(transaction: Transaction, index: int, why: str) -> Rejected:
    prevout = transaction.inputs[index].prevout
    return Rejected(
        f"mempool-script-verify-flag-failed ({why})",
        f"input {index} of {to_hex(transaction.txid)} (wtxid {to_hex(transaction.wtxid)}), "
        f"spending {to_hex(outpoint_txid(prevout))}:{outpoint_index(prevout)}",
    )
