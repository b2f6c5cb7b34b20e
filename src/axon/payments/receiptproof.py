"""That a payment is in a block, as a receipt holds it: judged without any network.

The proof is what `gettxoutproof` gives: a header, and the part of its Merkle tree that leads to the
transaction and to the coinbase (BIP 37), with the whole transaction beside it. A header shows work,
not a chain: whether it is one of the chain with the most work only somebody with headers can say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.primitives.encoding import Reader
from axon.primitives.hashes import Txid
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.network import Network
from axon.primitives.target import bits_to_target, meets_target
from axon.primitives.transaction import Transaction

NODE_SIZE: Final = 64
"""Bytes of an inner node of a Merkle tree: a transaction of this size could be one (BIP 54)."""


class BadProof(Exception):
    """A proof that proves nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class MinedProof:
    """That a transaction is in a block.

    Args:
        height: of that block, as whoever gave the proof says.
        block: header, then the partial Merkle tree, as `gettxoutproof` and `wallet.proof` have it.
        transaction: the whole of it.
    """

    height: int
    block: bytes
    transaction: Transaction

    @property
    def header(self) -> Header:
        """Of the block.

        Raises:
            DecodeError: it is cut short.
        """
        return Header(self.block[:HEADER_SIZE])

    def paid_sat(self, script_pubkey: bytes) -> int:
        """What the transaction pays to a script, in all its outputs."""
        return sum(
            output.amount_sat
            for output in self.transaction.outputs
            if output.script_pubkey == script_pubkey
        )

    def check(self, txid: Txid, network: Network) -> None:
        """See that the proof holds.

        Raises:
            BadProof: it does not.
        """
        if self.transaction.txid != txid:
            raise BadProof("the transaction in the proof is another one")
        if len(self.transaction.stripped) == NODE_SIZE:
            raise BadProof("a transaction of 64 bytes proves nothing: it could be a part of a tree")
        try:
            header = self.header
            reader = Reader(self.block, HEADER_SIZE)
            tree = PartialMerkleTree.decode(reader)
            reader.finish()
            root, matches = tree.extract()
        except DecodeError:
            raise BadProof("the Merkle proof is damaged") from None
        if root != header.merkle_root:
            raise BadProof("the Merkle proof does not lead to the header")
        if txid not in [found for _, found in matches]:
            raise BadProof("the Merkle proof is of another transaction")
        if matches[0][0] != 0:
            raise BadProof("the Merkle proof leaves out the coinbase, which shows how deep it goes")
        target = bits_to_target(header.bits)
        if target > network.pow_limit or not meets_target(header.hash, header.bits):
            raise BadProof(f"the header in the proof has not the work of a block of {network.name}")
