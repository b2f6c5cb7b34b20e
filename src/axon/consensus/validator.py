"""The validator: the questions that a node asks about the validity of blocks and transactions.

`Kernel` answers them with libbitcoinkernel, `MemoryValidator` for simulated networks on regtest.
The answers are values with Bitcoin Core's spelling of reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Protocol

from axon.chain.coins import Coin
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Rejected, Verdict


class ScriptFlags(IntFlag):
    """Script rules, numbered as in Bitcoin Core. All are consensus rules of today's chain tips.

    libbitcoinkernel verifies no others: what policy asks beyond (low S, clean stack, minimal
    pushes, ...) must be read off a transaction without it.
    """

    NONE = 0
    P2SH = 1 << 0
    DERSIG = 1 << 2
    NULLDUMMY = 1 << 4
    CHECKLOCKTIMEVERIFY = 1 << 9
    CHECKSEQUENCEVERIFY = 1 << 10
    WITNESS = 1 << 11
    TAPROOT = 1 << 17
    ALL = P2SH | DERSIG | NULLDUMMY | CHECKLOCKTIMEVERIFY | CHECKSEQUENCEVERIFY | WITNESS | TAPROOT


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """What came of one block.

    Args:
        verdict: on this block, as far as it was looked at: a block that is not on the most worked
            chain is stored after the checks that need no coins.
        connected: blocks that joined the active chain, upwards to the new tip.
        disconnected: blocks that left it, from the old tip downwards.
        new: whether the block was stored now; false for one already known, or refused before.
        invalid: blocks whose headers are known and that this call marked, or found marked, as
            invalid for ever; this one may be among them, others when its arrival completed a
            branch. A block refused for what may change is not: its bytes may be a forgery of
            another block with the same header, its parent may be missing, or its time may come.
    """

    verdict: Verdict
    connected: tuple[BlockHash, ...] = ()
    disconnected: tuple[BlockHash, ...] = ()
    new: bool = False
    invalid: tuple[tuple[BlockHash, Rejected], ...] = ()


class Validator(Protocol):
    """Holds the blocks of one chain and says which are valid.

    Hashes in internal order. Calls may come from several threads.
    """

    def process_block(self, raw: bytes) -> ValidationResult:
        """Validate a block, store it, and move the active chain if it now has the most work."""

    def process_header(self, raw: bytes) -> Verdict:
        """Check the 80 bytes of a header and take it into the block index."""

    def tip(self) -> tuple[BlockHash, int]:
        """The last block of the active chain, and its height."""

    def hash_at(self, height: int) -> BlockHash | None:
        """The block of the active chain at a height; None above the tip."""

    def height_of(self, block_hash: BlockHash) -> int | None:
        """The height of a block or header on any branch; None if it is unknown."""

    def is_active(self, block_hash: BlockHash) -> bool:
        """Whether a block is in the active chain."""

    def header(self, block_hash: BlockHash) -> bytes | None:
        """The 80 bytes of a known header on any branch, or None."""

    def read_block(self, block_hash: BlockHash) -> bytes | None:
        """The bytes of a stored block on any branch, or None."""

    def read_spent(self, block_hash: BlockHash) -> list[list[Coin]] | None:
        """The coins that a block spent, one list for each transaction; the coinbase's is empty.

        None if the block is unknown or was never connected.
        """

    def read_spent_at(self, block_hash: BlockHash, place: int) -> list[Coin] | None:
        """The coins that one transaction of a block spent; None as for `read_spent`.

        Args:
            place: of the transaction in its block.
        """

    def transaction_count(self, block_hash: BlockHash) -> int:
        """How many transactions a block has that is stored, or was active when it was pruned; else
        0."""

    def verify_scripts(
        self, transaction: Transaction, spent: Sequence[TxOut], flags: int = ScriptFlags.ALL
    ) -> Verdict:
        """Whether each input satisfies the script of the output it spends.

        Args:
            transaction: not a coinbase.
            spent: the spent outputs, in the order of the inputs.
            flags: `ScriptFlags`; the default is what blocks must keep today.
        """

    def close(self) -> None:
        """Write everything down and let go of it. Nothing else may be called afterwards."""
