"""Whether transactions are those that a block's header commits to.

The header commits to the txids by its Merkle root, and through the coinbase to the witnesses. A
failure says nothing of the block with this header, only that these transactions are not it.
"""

from __future__ import annotations

from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import ZERO_HASH, sha256d
from axon.primitives.merkle import merkle_root, merkle_root_mutated
from axon.primitives.verdict import Rejected


def check_body(block: Block, *, segwit: bool) -> Rejected | None:
    """Why the transactions of a block are not those of its header; None if they are.

    Args:
        block: any.
        segwit: whether witnesses hold at its height. Below, an output that looks like a commitment
            commits to nothing: miners wrote many before the rules held.
    """
    root, mutated = merkle_root_mutated([item.txid for item in block.transactions])
    if root != block.header.merkle_root:
        return Rejected("bad-txnmrklroot", "hashMerkleRoot mismatch")
    if mutated:
        return Rejected("bad-txns-duplicate", "duplicate transaction")
    if not block.transactions or not block.transactions[0].is_coinbase:
        return Rejected("bad-cb-missing", "first tx is not coinbase")
    return check_witnesses(block, segwit=segwit)


def check_witnesses(block: Block, *, segwit: bool) -> Rejected | None:
    """Whether the witnesses of a block are those that its coinbase commits to (BIP 141).

    Args:
        block: begins with a coinbase.
        segwit: whether witnesses hold at its height; else there must be none.
    """
    committed = witness_commitment(block) if segwit else None
    if committed is None:
        if any(item.has_witness for item in block.transactions):
            return Rejected("unexpected-witness", "unexpected witness data found")
        return None
    nonce = block.transactions[0].inputs[0].witness
    if len(nonce) != 1 or len(nonce[0]) != len(ZERO_HASH):
        return Rejected("bad-witness-nonce-size", "invalid witness reserved value size")
    root = merkle_root([ZERO_HASH, *(item.wtxid for item in block.transactions[1:])])
    if sha256d(root + nonce[0]) != committed:
        return Rejected("bad-witness-merkle-match", "witness merkle commitment mismatch")
    return None
