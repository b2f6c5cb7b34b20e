"""Dust: outputs that cost more to spend than they hold. Nodes relay none, wallets make none."""

from __future__ import annotations

from typing import Final

from axon.primitives.encoding import compact_size
from axon.primitives.script import is_unspendable, witness_program

DUST_FEERATE_SAT_KVB: Final = 3_000
"""Satoshi per 1,000 virtual bytes at which spending is reckoned (`-dustrelayfee`)."""

_AMOUNT_SIZE = 8
_INPUT_SIZE, _WITNESS_INPUT_SIZE = 148, 67  # What spending an output takes, as Core reckons it.


def dust_limit_sat(script: bytes, feerate_sat_kvb: int = DUST_FEERATE_SAT_KVB) -> int:
    """Satoshi below which an output is dust; 0 for one that can never be spent.

    Args:
        script: of the output.
        feerate_sat_kvb: satoshi per 1,000 virtual bytes.
    """
    if is_unspendable(script):
        return 0
    size = _AMOUNT_SIZE + len(compact_size(len(script))) + len(script)
    size += _INPUT_SIZE if witness_program(script) is None else _WITNESS_INPUT_SIZE
    return -(-feerate_sat_kvb * size // 1_000)
