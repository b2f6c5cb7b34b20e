"""The nonce search: cheap on test chains, where every second hash will do."""

from __future__ import annotations

from hashlib import sha256

from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.target import bits_to_target


def find_nonce(header: Header, tries: int) -> Header | None:
    """The header with the first nonce, from its own on, that meets its target.

    Args:
        header: to be proved.
        tries: how many nonces to try at most.

    Returns:
        None if none of them does.
    """
    target = bits_to_target(header.bits)
    body = sha256(header.raw[:76])
    first = header.nonce
    for nonce in range(first, min(first + tries, 1 << 32)):
        attempt = body.copy()
        attempt.update(nonce.to_bytes(4, "little"))
        digest = sha256(attempt.digest()).digest()
        if int.from_bytes(BlockHash(digest), "little") <= target:
            return Header(header.raw[:76] + nonce.to_bytes(4, "little"))
    return None


def mine(block: Block, tries: int) -> Block | None:
    """The same block with a nonce that proves its work; None if none was found."""
    header = find_nonce(block.header, tries)
    return None if header is None else Block.build(header, block.transactions)
