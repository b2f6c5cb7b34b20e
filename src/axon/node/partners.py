"""What a light client takes from partner wallets, and gives them: a wallet serves a wallet.

A link to a partner is no peer: it belongs to the wallet, and what is said on it goes in by these
commands. What comes from a partner is checked as if a node had sent it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from axon.primitives.hashes import ZERO_HASH, BlockHash
from axon.primitives.header import Header
from axon.wire.messages import GetHeaders
from axon.wire.messages.headers import NO_STOP


@dataclass(frozen=True, slots=True)
class JoinPartner:
    """There is a link to a partner wallet: the `getheaders` it is to be asked; None for nothing.

    Args:
        link: a number for it, until `LeavePartner`.
    """

    link: int


@dataclass(frozen=True, slots=True)
class LeavePartner:
    """The link has ended: whether it was known."""

    link: int


@dataclass(frozen=True, slots=True)
class HearHeaders:
    """A partner sent headers, as an answer or of its own accord: `HeadersHeard`.

    They pass what headers of a node pass: each proves its work, a chain of too little work is read
    twice before anything is kept, and the rules of `chain.rules` hold.
    """

    link: int
    headers: tuple[Header, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeadersHeard:
    """What came of headers of a partner.

    Args:
        new: how many were kept that were not known.
        question: what to ask it next; None for nothing.
        fault: why the link is to end; empty if it is not.
    """

    new: int
    question: GetHeaders | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class GiveHeaders:
    """Headers of the best chain behind the newest block that both know: a tuple, 2,000 at most.

    Args:
        locator: hashes of the asker's chain, the newest first.
        stop: the last header wanted; `NO_STOP` for as many as there are.
    """

    locator: tuple[BlockHash, ...]
    stop: BlockHash = NO_STOP


@dataclass(frozen=True, slots=True)
class GiveFilters:
    """Filters that were kept, from a height on: a `FilterRange`.

    Args:
        start_height: of the first block.
        stop_hash: of the last one, which is in the best chain.
        hashes_only: the filters themselves are not wanted.
    """

    start_height: int
    stop_hash: BlockHash
    hashes_only: bool = False


@dataclass(frozen=True, slots=True)
class FilterRange:
    """Filters of blocks in a row, as many of those asked for as are kept and fit into a message.

    Args:
        start_height: of the first block.
        stop_hash: of the last block told of; zeros if nothing is told.
        previous_filter_header: that of the block before the first.
        hashes: of the filters, where only these were asked for.
        filters: else the filters.
    """

    start_height: int
    stop_hash: BlockHash = NO_STOP
    previous_filter_header: bytes = ZERO_HASH
    hashes: tuple[bytes, ...] = field(default=(), repr=False)
    filters: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class WantFilters:
    """Which filters a partner may give: first height and hash of the last block; None if none.

    None are wanted of partners while a node is connected that gives filters.
    """


@dataclass(frozen=True, slots=True)
class HearFilters:
    """A partner gave filters: how many of them were taken, from the first on.

    Those are taken that filter headers commit to on which our nodes agree; behind one that is not
    so the partner is of no use. They are kept, if filters are, and spare us to ask nodes for them.
    Those of whose filter headers nothing is known yet are taken while no node is there, as far as
    there is room, and count when nodes agree on their filter headers.

    Args:
        start_height: of the first block.
        filters: of blocks in a row, at most 1,000.
    """

    start_height: int
    filters: tuple[bytes, ...] = field(repr=False)


PartnerCommand = (
    JoinPartner | LeavePartner | HearHeaders | GiveHeaders | GiveFilters | WantFilters | HearFilters
)
