"""What a signature of a version 0 witness input signs (BIP 143)."""

from __future__ import annotations

from typing import Final

from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import sha256d
from axon.primitives.transaction import Transaction

SIGHASH_ALL: Final = 1
"""The signature covers every input and every output."""


class WitnessSighash:
    """The signature hashes of one transaction's version 0 witness inputs, under SIGHASH_ALL.

    What all inputs share is hashed once.

    Args:
        transaction: signed or not; its witnesses do not matter.
    """

    def __init__(self, transaction: Transaction) -> None:
        inputs = transaction.inputs
        sequences = b"".join(item.sequence.to_bytes(4, "little") for item in inputs)
        self._inputs = inputs
        self._head = (
            transaction.version.to_bytes(4, "little")
            + sha256d(b"".join(item.prevout for item in inputs))
            + sha256d(sequences)
        )
        self._tail = (
            sha256d(b"".join(item.encode() for item in transaction.outputs))
            + transaction.locktime.to_bytes(4, "little")
            + SIGHASH_ALL.to_bytes(4, "little")
        )

    def digest(self, index: int, script_code: bytes, amount_sat: int) -> bytes:
        """The 32 bytes to sign for one input.

        Args:
            index: which input.
            script_code: for a key hash, the pay to public key hash script of the same key.
            amount_sat: of the output that the input spends.
        """
        item = self._inputs[index]
        return sha256d(
            b"".join(
                (
                    self._head,
                    item.prevout,
                    var_bytes(script_code),
                    amount_sat.to_bytes(8, "little"),
                    item.sequence.to_bytes(4, "little"),
                    self._tail,
                )
            )
        )
