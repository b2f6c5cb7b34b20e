"""Which of two filters is a block's, as far as the block itself can tell (BIP 157).

A light client cannot build a block's filter: it does not have the coins that the block spends. But
every script that the block pays to must be in the filter, so one that misses any is a lie. Of most
spent coins the script can be guessed from what unlocks it; a filter that misses those is the less
likely one. What a filter holds beyond that costs its reader a block now and then, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.chain.filters import missing_elements
from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.hashes import hash160
from axon.primitives.script import OP_RETURN
from axon.primitives.solver import last_push
from axon.primitives.transaction import TxIn

_KEY_SIZES: Final = (33, 65)


@dataclass(frozen=True, slots=True, order=True)
class FilterDoubt:
    """What speaks against a filter; the least doubtful one comes first in order.

    Args:
        paid_missing: scripts that the block pays to and that the filter does not have. One is
            proof.
        spent_missing: scripts that its inputs seem to unlock, likewise. That is a guess.
    """

    paid_missing: int
    spent_missing: int

    @property
    def is_lie(self) -> bool:
        """Whether it cannot be the block's filter."""
        return self.paid_missing > 0


def doubt(data: bytes, block: Block) -> FilterDoubt:
    """What speaks against this being a block's basic filter.

    Args:
        data: as a peer sent it.
        block: checked against its header.
    """
    paid = {output.script_pubkey for item in block.transactions for output in item.outputs}
    spent = {
        script
        for item in block.transactions[1:]
        for entry in item.inputs
        if (script := _unlocked(entry)) is not None
    }
    named = sorted(script for script in paid if script and script[0] != OP_RETURN)
    try:
        return FilterDoubt(
            missing_elements(data, block.hash, named),
            missing_elements(data, block.hash, sorted(spent)),
        )
    except DecodeError:
        return FilterDoubt(len(named) + 1, len(spent))


def _unlocked(entry: TxIn) -> bytes | None:
    """The script that an input seems to unlock: pay to key hash, script hash, or their witness
    forms; None where it does not tell."""
    script_sig, witness = entry.script_sig, entry.witness
    last = last_push(script_sig)
    if witness and not script_sig:
        if len(witness) == 2 and len(witness[1]) == 33 and witness[1][0] in (2, 3):
            return b"\x00\x14" + hash160(witness[1])
        return None  # Taproot's inputs look like anything.
    if last is None:
        return None
    if witness:
        return _script_hash(last)
    if len(last) in _KEY_SIZES and last[0] in (2, 3, 4):
        return b"\x76\xa9\x14" + hash160(last) + b"\x88\xac"
    return None


def _script_hash(redeem: bytes) -> bytes:
    return b"\xa9\x14" + hash160(redeem) + b"\x87"
