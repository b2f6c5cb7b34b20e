"""People of a test who pay each other: a key for each name, and payments signed with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from coincurve import PrivateKey

from axon.primitives.address import encode_address
from axon.primitives.hashes import hash160
from axon.primitives.network import REGTEST
from axon.primitives.sighash import SIGHASH_ALL, SignatureHashes
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut

REPLACEABLE = 0xFFFF_FFFD
"""The sequence of an input that signals BIP 125."""


@dataclass(frozen=True, slots=True)
class Spendable:
    """A coin that somebody's key guards."""

    outpoint: OutPoint
    amount_sat: int


class Signer:
    """A person: one key, paid to by its hash (BIP 141).

    Args:
        owner: the same name gives the same key.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._key = PrivateKey(hashlib.sha256(b"a person of the tests: " + owner.encode()).digest())
        self.public_key = self._key.public_key.format()
        key_hash = hash160(self.public_key)
        self.script = b"\x00\x14" + key_hash
        self._script_code = b"\x76\xa9\x14" + key_hash + b"\x88\xac"

    def address(self) -> str:
        """Where to pay this person on regtest."""
        text = encode_address(self.script, REGTEST)
        assert text is not None
        return text

    def pay(
        self,
        coins: Sequence[Spendable],
        outputs: Sequence[TxOut],
        *,
        locktime: int = 0,
        sequence: int = REPLACEABLE,
        version: int = 2,
    ) -> Transaction:
        """Spends coins of this person; what the outputs leave is the fee (signed by BIP 143)."""
        inputs = [TxIn(coin.outpoint, sequence=sequence) for coin in coins]
        sighash = SignatureHashes(Transaction.build(version, inputs, outputs, locktime))
        for index, coin in enumerate(coins):
            digest = sighash.witness(index, self._script_code, coin.amount_sat)
            signature = self._key.sign(digest, hasher=None) + bytes((SIGHASH_ALL,))
            inputs[index] = TxIn(
                coin.outpoint, sequence=sequence, witness=(signature, self.public_key)
            )
        return Transaction.build(version, inputs, outputs, locktime)
