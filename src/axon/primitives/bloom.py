"""Bloom filters, by which a light client says which transactions it wants to hear of (BIP 37).

A filter is a row of bits. Each element sets some of them, chosen by hash functions; an element
whose bits are all set may be in the filter, any other is not. So it never misses one, and the
client chooses how often it errs the other way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, Self

from axon.errors import DecodeError
from axon.primitives.script import ops
from axon.primitives.solver import MULTISIG, PUBKEY, solve
from axon.primitives.transaction import Transaction, outpoint

MAX_FILTER_BYTES: Final = 36_000
"""The largest filter: 20,000 elements at a rate of one false match in a thousand."""

MAX_HASH_FUNCTIONS: Final = 50
"""The most hash functions of a filter."""

MAX_ELEMENT_BYTES: Final = 520
"""The longest element that `filteradd` may bring: scripts can push no longer one."""

UPDATE_NONE: Final = 0
"""A filter's flags: it stays as its owner made it."""
UPDATE_ALL: Final = 1
"""A filter's flags: outputs that match are added to it, so that what spends them matches, too."""
UPDATE_P2PUBKEY_ONLY: Final = 2
"""The same for outputs to a bare key or multisig: what spends those names no key."""
_UPDATE_MASK: Final = 3

_LONG_BYTES: Final = MAX_ELEMENT_BYTES * MAX_HASH_FUNCTIONS  # Hashed of one element at most, or so.
_SEED_STEP: Final = 0xFBA4_C795
_U32: Final = 0xFFFF_FFFF
_C1: Final = 0xCC9E_2D51
_C2: Final = 0x1B87_3593
_WORD: Final = Struct("<I")


def murmur3(data: bytes, seed: int) -> int:
    """MurmurHash3 of the kind x86_32: 32 bits, no secret and no cipher.

    Args:
        data: any bytes.
        seed: 32 bits.
    """
    return next(_hashes(data, (seed,)))


def _hashes(data: bytes, seeds: Iterable[int]) -> Iterator[int]:
    """The hashes of an element under several seeds, of which the lowest 32 bits count.

    What is common to all is done once.
    """
    size = len(data)
    whole = size & ~3
    words = [_mix(word) for (word,) in _WORD.iter_unpack(data[:whole])]
    tail = _mix(int.from_bytes(data[whole:], "little"))
    for seed in seeds:
        state = seed & _U32
        for word in words:
            state ^= word
            state = ((state << 13 | state >> 19) * 5 + 0xE654_6B64) & _U32
        state ^= tail ^ size
        state = (state ^ state >> 16) * 0x85EB_CA6B & _U32
        state = (state ^ state >> 13) * 0xC2B2_AE35 & _U32
        yield state ^ state >> 16


def _mix(word: int) -> int:
    word = word * _C1 & _U32
    return (word << 15 | word >> 17) * _C2 & _U32


class BloomFilter:
    """One filter, which may grow while it is used.

    Args:
        bits: eight a byte, the lowest first; without any, everything matches.
        hash_functions: how many bits an element has.
        tweak: 32 bits that make two filters of the same elements look different.
        flags: `UPDATE_NONE`, `UPDATE_ALL` or `UPDATE_P2PUBKEY_ONLY`; higher bits mean nothing.
    """

    __slots__ = ("_bits", "_flags", "_hash_functions", "_tweak")

    def __init__(self, bits: bytes, hash_functions: int, tweak: int, flags: int) -> None:
        self._bits = bytearray(bits)
        self._hash_functions = hash_functions
        self._tweak = tweak
        self._flags = flags & _UPDATE_MASK

    @property
    def bits(self) -> bytes:
        """As they are now."""
        return bytes(self._bits)

    def copy(self) -> Self:
        """Another one that is equal now."""
        return type(self)(self.bits, self._hash_functions, self._tweak, self._flags)

    def insert(self, element: bytes) -> None:
        """Add an element; to a filter without bits nothing can be added."""
        bits = self._bits
        if not bits:
            return
        for place in self._places(element, self._hash_functions):
            bits[place >> 3] |= 1 << (place & 7)

    def unite(self, other: BloomFilter) -> None:
        """Add all that another filter of the same size and functions holds."""
        assert len(self._bits) == len(other._bits)
        size = len(self._bits)
        united = int.from_bytes(self._bits, "little") | int.from_bytes(other._bits, "little")
        self._bits[:] = united.to_bytes(size, "little")

    def __contains__(self, element: bytes) -> bool:
        """Whether an element may have been added.

        Of one that is longer than any `filteradd` can bring fewer bits are looked at, so that it
        costs no more than others: that errs on the side of a match.
        """
        bits = self._bits
        if not bits:
            return True
        functions = self._hash_functions
        if len(element) > MAX_ELEMENT_BYTES:
            functions = min(functions, max(1, _LONG_BYTES // len(element)))
        return all(bits[p >> 3] >> (p & 7) & 1 for p in self._places(element, functions))

    def _places(self, element: bytes, functions: int) -> Iterator[int]:
        size = len(self._bits) * 8
        tweak = self._tweak
        for digest in _hashes(element, range(tweak, tweak + functions * _SEED_STEP, _SEED_STEP)):
            yield digest % size

    def match(self, transaction: Transaction) -> bool:
        """Whether a transaction may concern the filter's owner.

        It does if the filter has its txid, something that a script of its outputs or inputs pushes,
        or an outpoint that it spends. Matching outputs are added as the flags say.
        """
        if not self._bits:
            return True
        txid = transaction.txid
        found = txid in self
        if found and self._flags == UPDATE_NONE:
            return True
        for index, output in enumerate(transaction.outputs):
            if not self._has_part(output.script_pubkey):
                continue
            found = True
            if self._flags == UPDATE_NONE:
                return True
            if self._flags == UPDATE_ALL or self._is_bare(output.script_pubkey):
                self.insert(outpoint(txid, index))
        return found or any(
            spent.prevout in self or self._has_part(spent.script_sig)
            for spent in transaction.inputs
        )

    def _is_bare(self, script: bytes) -> bool:
        if self._flags != UPDATE_P2PUBKEY_ONLY:
            return False
        return solve(script).kind in (PUBKEY, MULTISIG)

    def _has_part(self, script: bytes) -> bool:
        """Whether the filter has something that a script pushes, up to where it is broken."""
        try:
            return any(data and data in self for _, data in ops(script))
        except DecodeError:
            return False
