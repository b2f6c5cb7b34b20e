"""getblocks, block, merkleblock (the example of Bitcoin's developer reference)."""

from __future__ import annotations

import pytest
from hypothesis import given

from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.wire.messages.blocks import BlockMessage, GetBlocks, MerkleBlock
from axon.wire.messages.headers import MAX_LOCATOR, NO_STOP, GetHeaders
from axon.wire.messages.limits import OverLimit
from tests.strategies import blocks

MERKLEBLOCK = bytes.fromhex(
    "0100000082bb869cf3a793432a66e826e05a6fc37469f8efb7421dc880670100000000007f16c5962e8bd963659c"
    "793ce370d95f093bc7e367117b3c30c1f8fdd0d9728776381b4d4c86041b554b852907000000043612262624047e"
    "e87660be1a707519a443b1c1ce3d248cbfc6c15870f6c5daa2019f5b01d4195ecbc9398fbf3c3b1fa9bb3183301d"
    "7a1fb3bd174fcfa40a2b6541ed70551dd7e841883ab8f0b16bf04176b7d1480e4f0af9f3d4c3595768d06820d2a7"
    "bc994987302e5b1ac80fc425fe25f8b63169ea78e68fbaaefa59379bbf011d"
)


def test_merkleblock_example() -> None:
    message = MerkleBlock.decode(MERKLEBLOCK)
    root, matches = message.tree.extract()
    assert root == message.header.merkle_root
    assert [(position, txid[:4].hex()) for position, txid in matches] == [(4, "019f5b01")]
    assert message.tree.total == 7
    assert message.encode() == MERKLEBLOCK


def test_a_merkleblock_that_is_cut_short_is_refused() -> None:
    for size in range(len(MERKLEBLOCK)):
        with pytest.raises(DecodeError):
            MerkleBlock.decode(MERKLEBLOCK[:size])


def test_getblocks_has_the_form_of_getheaders() -> None:
    locator = (BlockHash(b"\x01" * 32), BlockHash(b"\x02" * 32))
    data = GetHeaders(locator, NO_STOP).encode()
    assert GetBlocks(locator, NO_STOP).encode() == data
    assert GetBlocks.decode(data) == GetBlocks(locator)
    with pytest.raises(OverLimit):
        GetBlocks.decode(GetBlocks((NO_STOP,) * (MAX_LOCATOR + 1)).encode())


@given(blocks())
def test_a_block_keeps_its_bytes_and_knows_its_hash(block: Block) -> None:
    message = BlockMessage.decode(block.raw)
    assert message.raw is block.raw
    assert message.encode() is block.raw
    assert message.hash == block.hash
    assert message.header == block.header
    assert Block.decode(message.raw) == block


def test_a_block_is_longer_than_its_header() -> None:
    assert BlockMessage.decode(bytes(81)).raw == bytes(81)
    with pytest.raises(DecodeError):
        BlockMessage.decode(bytes(80))


def test_a_block_does_not_fill_the_log() -> None:
    assert len(repr(BlockMessage(bytes(1_000_000)))) < 200
