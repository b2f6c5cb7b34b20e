"""A signer: one key, and payments signed with it; with it somebody in a test network pays.

Not a wallet: it keeps no state and knows no chain. Whoever uses it says which coins it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from coincurve import PrivateKey

from axon.primitives.address import encode_address
from axon.primitives.hashes import hash160
from axon.primitives.network import REGTEST, Network
from axon.primitives.sighash import SIGHASH_ALL, SignatureHashes
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut

_REPLACEABLE = 0xFFFF_FFFD  # Signals BIP 125, as wallets of today do.


@dataclass(frozen=True, slots=True)
class Spendable:
    """A coin that a signer may spend."""

    outpoint: OutPoint
    amount_sat: int


class Signer:
    """The key of one person, paid to by its witness key hash (BIP 141, BIP 143).

    Args:
        owner: the name from which the key is derived: the same name, the same key. Only for test
            networks.
    """

    def __init__(self, owner: str) -> None:
        self._key = PrivateKey(hashlib.sha256(b"axon test signer " + owner.encode()).digest())
        public_key = self._key.public_key.format()
        key_hash = hash160(public_key)
        self.owner = owner
        self.public_key = public_key
        self.script = b"\x00\x14" + key_hash
        self._script_code = b"\x76\xa9\x14" + key_hash + b"\x88\xac"

    def address(self, network: Network = REGTEST) -> str:
        """Where to pay this signer."""
        address = encode_address(self.script, network)
        assert address is not None
        return address

    def pay(
        self,
        coins: Sequence[Spendable],
        outputs: Sequence[TxOut],
        *,
        locktime: int = 0,
        sequence: int = _REPLACEABLE,
        version: int = 2,
    ) -> Transaction:
        """A signed transaction that spends these coins; what the outputs leave over is the fee."""
        return self.cosign([(self, coin) for coin in coins], outputs, locktime, sequence, version)

    @staticmethod
    def cosign(
        coins: Sequence[tuple[Signer, Spendable]],
        outputs: Sequence[TxOut],
        locktime: int = 0,
        sequence: int = _REPLACEABLE,
        version: int = 2,
    ) -> Transaction:
        """The same for coins of several signers."""
        bare = [TxIn(coin.outpoint, sequence=sequence) for _, coin in coins]
        sighash = SignatureHashes(Transaction.build(version, bare, outputs, locktime))
        signed = [
            TxIn(
                coin.outpoint,
                sequence=sequence,
                witness=signer._witness(sighash, index, coin.amount_sat),
            )
            for index, (signer, coin) in enumerate(coins)
        ]
        return Transaction.build(version, signed, outputs, locktime)

    def _witness(
        self, sighash: SignatureHashes, index: int, amount_sat: int
    ) -> tuple[bytes, bytes]:
        digest = sighash.witness(index, self._script_code, amount_sat)
        signature = self._key.sign(digest, hasher=None)
        return signature + bytes((SIGHASH_ALL,)), self.public_key
