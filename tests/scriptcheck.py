"""Scripts run by libbitcoinkernel, as a wallet that runs has them run (`ScriptCheck`)."""

from __future__ import annotations

from collections.abc import Sequence

from axon.consensus.scripts import verify_scripts
from axon.consensus.validator import ScriptFlags
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Verdict


def check_scripts(
    transaction: Transaction, spent: Sequence[TxOut], /, *, relayed: bool = True
) -> Verdict:
    """By the rules of relay, or by those of blocks alone."""
    return verify_scripts(transaction, spent, ScriptFlags.STANDARD if relayed else ScriptFlags.ALL)
