"""How many signature checks a transaction may make, as blocks count them (BIP 141).

Nothing is run: checks are counted in the scripts as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.primitives.script import is_p2sh
from axon.primitives.solver import (
    PUBKEYHASH,
    SCRIPTHASH,
    WITNESS_V0_KEYHASH,
    WITNESS_V0_SCRIPTHASH,
    WITNESS_V1_TAPROOT,
    kind_of,
    p2sh_sigops,
    sigops,
    witness_sigops,
)
from axon.primitives.transaction import WITNESS_SCALE_FACTOR, Transaction, TxOut

MAX_BLOCK_SIGOPS_COST: Final = 80_000
"""Of all transactions of a block."""

NO_SIGOPS: Final = frozenset(
    {WITNESS_V0_KEYHASH, WITNESS_V1_TAPROOT, WITNESS_V0_SCRIPTHASH, SCRIPTHASH}
)
"""Kinds of outputs whose script itself checks no signature."""


def legacy_sigops(transaction: Transaction) -> int:
    """Checks in what its inputs present and its outputs ask for, behind no hash.

    A multisig counts as 20.
    """
    count = 0
    for output in transaction.outputs:
        kind = kind_of(output.script_pubkey)
        if kind == PUBKEYHASH:
            count += 1
        elif kind not in NO_SIGOPS:
            count += sigops(output.script_pubkey)
    for item in transaction.inputs:
        if item.script_sig:
            count += sigops(item.script_sig)
    return count


def sigops_cost(transaction: Transaction, spent: Sequence[TxOut]) -> int:
    """Signature checks as blocks count them: four for each outside a witness.

    Args:
        transaction: not a coinbase.
        spent: what its inputs spend, in order.
    """
    legacy, cost = legacy_sigops(transaction), 0
    for item, output in zip(transaction.inputs, spent, strict=True):
        script = output.script_pubkey
        if item.script_sig and is_p2sh(script):
            legacy += p2sh_sigops(item.script_sig)
        if len(script) == 22 and script.startswith(b"\x00\x14"):
            cost += 1
        else:
            cost += witness_sigops(script, item.script_sig, item.witness)
    return legacy * WITNESS_SCALE_FACTOR + cost
