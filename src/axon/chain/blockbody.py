"""Whether bytes are the block that a header names: what a light client checks of a block.

The header commits to the txids by its Merkle root, and through the coinbase to the witnesses. Which
transactions are in a block of the chain with the most work, that much is certain then; whether they
are valid a light client takes from that work (Bitcoin, section 8).
"""

from __future__ import annotations

from axon.errors import DecodeError
from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.primitives.merkle import merkle_root, merkle_root_mutated
from axon.primitives.verdict import Rejected


def read_body(block_hash: BlockHash, raw: bytes) -> Block | Rejected:
    """The block of this hash, if these bytes are it; else why they are not.

    Args:
        block_hash: of a header that proved its work.
        raw: whatever a peer sent, witnesses included.
    """
    try:
        block = Block.decode(raw)
    except DecodeError as error:
        return Rejected("bad-block-encoding", str(error))
    if block.hash != block_hash:
        return Rejected("bad-block-hash", "it is another block")
    root, mutated = merkle_root_mutated([item.txid for item in block.transactions])
    if root != block.header.merkle_root:
        return Rejected("bad-txnmrklroot", "hashMerkleRoot mismatch")
    if mutated:
        return Rejected("bad-txns-duplicate", "duplicate transaction")
    if not block.transactions or not block.transactions[0].is_coinbase:
        return Rejected("bad-cb-missing", "first tx is not coinbase")
    return _check_witnesses(block) or block


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
