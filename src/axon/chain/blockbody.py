"""Whether bytes are the block that a header names: what a light client checks of a block.

Which transactions are in a block of the chain with the most work, that much is certain then;
whether they are valid a light client takes from that work (Bitcoin, section 8).
"""

from __future__ import annotations

from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.blockbody import check_body
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Rejected


def read_body(block_hash: BlockHash, raw: bytes, *, segwit: bool) -> Block | Rejected:
    """The block of this hash, if these bytes are it; else why they are not.

    Args:
        block_hash: of a header that proved its work.
        raw: whatever a peer sent, witnesses included.
        segwit: whether witnesses hold at its height.
    """
    try:
        block = Block.decode(raw)
    except DecodeError as error:
        return Rejected("bad-block-encoding", str(error))
    if block.hash != block_hash:
        return Rejected("bad-block-hash", "it is another block")
    return check_body(block, segwit=segwit) or block


def may_be_inner_nodes(block: Block) -> bool:
    """Whether what looks like transactions may be the inner nodes of another block's Merkle tree.

    Such a node is 64 bytes long. The validator would take the header for invalid, and with it the
    block that the header names (CVE-2017-12842).
    """
    transactions = block.transactions
    if transactions and transactions[0].is_coinbase:
        return False
    return any(len(item.stripped) == 64 for item in transactions)
