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
    """Script rules, numbered as in Bitcoin Core.

    `ALL` are the consensus rules of today's chain tips; `STANDARD` adds what is asked of
    transactions that are relayed, so that nobody can change them on their way and later rules have
    something left to give a meaning to.
    """

    NONE = 0
    P2SH = 1 << 0
    STRICTENC = 1 << 1
    DERSIG = 1 << 2
    LOW_S = 1 << 3
    NULLDUMMY = 1 << 4
    MINIMALDATA = 1 << 6
    DISCOURAGE_UPGRADABLE_NOPS = 1 << 7
    CLEANSTACK = 1 << 8
    CHECKLOCKTIMEVERIFY = 1 << 9
    CHECKSEQUENCEVERIFY = 1 << 10
    WITNESS = 1 << 11
    DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = 1 << 12
    MINIMALIF = 1 << 13
    NULLFAIL = 1 << 14
    WITNESS_PUBKEYTYPE = 1 << 15
    CONST_SCRIPTCODE = 1 << 16
    TAPROOT = 1 << 17
    DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = 1 << 18
    DISCOURAGE_OP_SUCCESS = 1 << 19
    DISCOURAGE_UPGRADABLE_PUBKEYTYPE = 1 << 20
    ALL = P2SH | DERSIG | NULLDUMMY | CHECKLOCKTIMEVERIFY | CHECKSEQUENCEVERIFY | WITNESS | TAPROOT
    STANDARD = (1 << 21) - 1 & ~(1 << 5)  # All but that every script_sig only pushes.


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

    def read_spent_sums(self, block_hash: BlockHash) -> list[int] | None:
        """What they are worth, in satoshi, for each transaction; None as for `read_spent`."""

    def read_spent_at(self, block_hash: BlockHash, place: int) -> list[Coin] | None:
        """The coins that one transaction of a block spent; None as for `read_spent`.

        Args:
            place: of the transaction in its block.
        """

    def transaction_count(self, block_hash: BlockHash) -> int:
        """How many transactions a block has that is stored, or was active when it was pruned; else
        0."""

    def verify_scripts(
        self, transaction: Transaction, spent: Sequence[TxOut], *, relayed: bool = False
    ) -> Verdict:
        """Whether each input satisfies the script of the output it spends.

        Args:
            transaction: not a coinbase.
            spent: the spent outputs, in the order of the inputs.
            relayed: whether it must keep `ScriptFlags.STANDARD`, what is asked of transactions that
                are relayed, instead of what blocks must keep today.
        """

    def close(self) -> None:
        """Write everything down and let go of it. Nothing else may be called afterwards."""
