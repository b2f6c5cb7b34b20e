"""What each job means: calls of a worker that owns the ledger, off the loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from axon.chain.coins import Coin
from axon.chain.outcome import BlockOutcome
from axon.node.jobs import (
    CatchUp,
    LearnHeaders,
    ReadBlock,
    ReadSpent,
    ValidateBlock,
    VerifyScripts,
)
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Verdict


class ValidatorView(Protocol):
    """As `consensus.validator.Validator`, as far as jobs need it."""

    def read_block(self, block_hash: BlockHash) -> bytes | None:
        """The bytes of a stored block, or None."""

    def read_spent(self, block_hash: BlockHash) -> list[list[Coin]] | None:
        """What a block spent, by transaction, or None."""

    def verify_scripts(self, transaction: Transaction, spent: Sequence[TxOut]) -> Verdict:
        """Whether each input satisfies the script of what it spends."""


class Ledger(Protocol):
    """As `consensus.ledger.Ledger`, as far as jobs need it."""

    @property
    def validator(self) -> ValidatorView:
        """Decides which blocks are valid, and holds them."""

    @property
    def lag(self) -> int:
        """Blocks by which coins or filters are behind."""

    def validate(self, raw: bytes, *, follow: bool) -> BlockOutcome:
        """Validate a block."""

    def learn_headers(self, headers: Sequence[Header]) -> None:
        """Tell the validator of headers."""

    def catch_up(self, limit: int) -> int:
        """Move coins and filters on; how many blocks were done."""


def perform(ledger: Ledger, job: object) -> object:
    """Do one job; its outcome."""
    match job:
        case ValidateBlock(raw, follow):
            return ledger.validate(raw, follow=follow)
        case VerifyScripts(transaction, spent):
            return ledger.validator.verify_scripts(transaction, spent)
        case ReadBlock(block_hash):
            return ledger.validator.read_block(block_hash)
        case ReadSpent(block_hash):
            return ledger.validator.read_spent(block_hash)
        case LearnHeaders(headers):
            ledger.learn_headers(headers)
            return None
        case CatchUp(blocks):
            ledger.catch_up(blocks)
            return ledger.lag
    raise AssertionError(f"no job: {job!r}")
