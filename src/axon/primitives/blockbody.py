"""Whether transactions are those that a block's header commits to.

The header commits to the txids by its Merkle root, and through the coinbase to the witnesses. A
failure says nothing of the block with this header, only that these transactions are not it.
"""

from __future__ import annotations

from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import ZERO_HASH, sha256d
from axon.primitives.merkle import merkle_root, merkle_root_mutated
from axon.primitives.verdict import Rejected


def check_body(block: Block) -> Rejected | None:
    """Why the transactions of a block are not those of its header; None if they are."""
    root, mutated = merkle_root_mutated([item.txid for item in block.transactions])
    if root != block.header.merkle_root:
        return Rejected("bad-txnmrklroot", "hashMerkleRoot mismatch")
    if mutated:
        return Rejected("bad-txns-duplicate", "duplicate transaction")
    if not block.transactions or not block.transactions[0].is_coinbase:
        return Rejected("bad-cb-missing", "first tx is not coinbase")
    return _check_witnesses(block)


def _check_witnesses(block: Block) -> Rejected | None:
    """Whether the witnesses are those that the coinbase commits to (BIP 141)."""
    committed = witness_commitment(block)
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
