"""Slow work that a light client delegates, and the wallet that does it.

Everything about the wallet happens in one lane, in order: a wallet is never asked two things at a
time, and what a block changed is written before the next is looked at. The wallet itself is in a
room above; here is what is asked of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from axon.chain.blockbody import read_body
from axon.chain.filtercheck import doubt
from axon.errors import WalletError
from axon.machine import SECOND, Instant
from axon.node.jobs import DecodeTransaction, LearnHeaders
from axon.node.spendjobs import SpendJob
from axon.node.spendjobs import perform as perform_for_others
from axon.node.work import decode_transaction
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.header import Header
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Rejected, Verdict

_Outcome_co = TypeVar("_Outcome_co", covariant=True)

WALLET: Final = "wallet"
"""The lane of all that reads or changes the wallet."""

FILTERS: Final = "filters"
"""The lane that writes filter headers, beside the one of headers."""


@dataclass(frozen=True, slots=True)
class MatchFilters:
    """Which of these blocks may concern the wallet.

    The outcome is a tuple of booleans, one for each.

    Args:
        filters: block hash and basic filter (BIP 158) of each.
    """

    filters: tuple[tuple[BlockHash, bytes], ...]


@dataclass(frozen=True, slots=True)
class ReadKeptFilters:
    """Filters that were kept in earlier runs: a tuple with each, or None where it was not."""

    hashes: tuple[BlockHash, ...]


@dataclass(frozen=True, slots=True)
class TakeBlock:
    """Look through a block for payments and keep them, with proofs. The outcome has `verdict`,
    `found` and `scripts_grew`, see `Taken`."""

    hash: BlockHash
    height: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class FollowChain:
    """The wallet has seen all up to a block.

    The outcome is a tuple of the wallet's own transactions that left the chain: they are to be
    brought to the network again.

    Args:
        fork_height: what it saw above has left the chain; None if nothing has.
        height: of the block.
        hash: its hash.
    """

    fork_height: int | None
    height: int
    hash: BlockHash


@dataclass(frozen=True, slots=True)
class TakeUnconfirmed:
    """An unconfirmed transaction of a peer. The outcome is whether it concerns the wallet.

    Args:
        transaction: as it came.
        now: when.
        source: the host that sent it.
    """

    transaction: Transaction
    now: Instant
    source: str


@dataclass(frozen=True, slots=True)
class NoteDelivery:
    """A node has fetched a transaction of our own; with `shown`, one has shown that it has it."""

    txid: Txid
    shown: bool


@dataclass(frozen=True, slots=True)
class CheckFilters:
    """What speaks against each of these being the filter of a block.

    The outcome is a tuple of `FilterDoubt`, or Rejected if the bytes are not that block.
    """

    hash: BlockHash
    height: int
    raw: bytes
    filters: tuple[bytes, ...]


class BlockLook(Protocol):
    """What somebody wants to know of a block; equal ones are answered once."""

    def read(self, block: Block, height: int, network: Network) -> object:
        """That, of a block that was checked against its header."""


@dataclass(frozen=True, slots=True)
class LookAtBlock:
    """What each of these makes of a block, as a tuple; Rejected if the bytes are not that block."""

    hash: BlockHash
    height: int
    raw: bytes
    looks: tuple[BlockLook, ...]


@dataclass(frozen=True, slots=True)
class KeepFilterHeaders:
    """Write filter headers down. The outcome is None.

    Args:
        start_height: of the first; what was kept from there on is replaced.
        records: block hash and filter header of each, 64 bytes.
    """

    start_height: int
    records: bytes


class WalletCommand(Protocol[_Outcome_co]):
    """What a person wants of a wallet: a frozen dataclass that says all of it.

    The rooms above define them. The node only carries them to the wallet's lane.
    """

    def run(self, wallet: Any, /) -> _Outcome_co:
        """Carry it out. The wallet is that of the room above; called in its lane."""


@dataclass(frozen=True, slots=True)
class AskWallet:
    """Whatever else a person wants of the wallet, done in its lane.

    The outcome is what the command returned, or the `WalletError` that it raised.
    """

    command: WalletCommand[object]


@runtime_checkable
class Taken(Protocol):
    """What became of a block."""

    @property
    def verdict(self) -> Verdict:
        """Rejected: the bytes are not that block."""

    @property
    def found(self) -> tuple[Txid, ...]:
        """Transactions in it that concern the wallet."""

    @property
    def scripts_grew(self) -> bool:
        """The wallet looks for more scripts than before, so later filters may match now."""


class WalletView(Protocol):
    """A wallet, as far as the node feeds it."""

    @property
    def network(self) -> Network:
        """Whose coins it holds."""

    def match_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> tuple[bool, ...]:
        """See `MatchFilters`."""

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes) -> Taken:
        """See `TakeBlock`."""

    def follow_chain(self, fork_height: int | None, height: int, block_hash: BlockHash) -> None:
        """See `FollowChain`."""

    def unconfirmed_own(self) -> Sequence[Transaction]:
        """Transactions made here that are in no block."""

    def take_unconfirmed(self, transaction: Transaction, now_s: int, source: str) -> bool:
        """See `TakeUnconfirmed`."""

    def note_delivery(self, txid: Txid, *, shown: bool) -> None:
        """See `NoteDelivery`."""


class ChainFiles(Protocol):
    """Where headers are kept, for all wallets of a network."""

    def keep_headers(self, headers: Sequence[Header]) -> None:
        """Write headers down, parents first."""

    def keep_filter_headers(self, start_height: int, records: bytes) -> None:
        """See `KeepFilterHeaders`."""

    def keep_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> None:
        """Write filters down, if they are to be kept."""

    def hold_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> int:
        """Hold filters that may be false until they are asked for; for how many there was room."""

    def read_filters(self, hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """Filters that were kept or are held; None for each that is not there."""

    def take_filters(self, hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """See `ReadKeptFilters`: the same, and those that were only held are let go."""


def perform(wallet: WalletView, files: ChainFiles, job: object) -> object:
    """Do one job; its outcome."""
    match job:
        case MatchFilters(filters):
            files.keep_filters(filters)
            return wallet.match_filters(filters)
        case ReadKeptFilters(hashes):
            return tuple(files.take_filters(hashes))
        case TakeBlock(block_hash, height, raw):
            return wallet.take_block(block_hash, height, raw)
        case FollowChain(fork_height, height, block_hash):
            wallet.follow_chain(fork_height, height, block_hash)
            return () if fork_height is None else tuple(wallet.unconfirmed_own())
        case TakeUnconfirmed(transaction, now, source):
            return wallet.take_unconfirmed(transaction, now // SECOND, source)
        case NoteDelivery(txid, shown):
            wallet.note_delivery(txid, shown=shown)
        case AskWallet(command):
            return _run(wallet, command)
        case CheckFilters(block_hash, height, raw, filters):
            block = read_body(block_hash, raw, segwit=wallet.network.has_segwit(height))
            if isinstance(block, Rejected):
                return block
            return tuple([doubt(data, block) for data in filters])
        case LookAtBlock(block_hash, height, raw, looks):
            block = read_body(block_hash, raw, segwit=wallet.network.has_segwit(height))
            if isinstance(block, Rejected):
                return block
            return tuple([look.read(block, height, wallet.network) for look in looks])
        case DecodeTransaction(payload):
            return decode_transaction(payload)
        case LearnHeaders(headers, _):
            files.keep_headers(headers)
        case KeepFilterHeaders(start_height, records):
            files.keep_filter_headers(start_height, records)
        case _ if isinstance(job, SpendJob):
            return perform_for_others(files, job)
        case _:
            raise AssertionError(f"no job: {job!r}")
    return None


def _run(wallet: WalletView, command: WalletCommand[object]) -> object:
    try:
        return command.run(wallet)
    except WalletError as refused:
        # A value like any other: its frames go, for they may hold a passphrase.
        return refused.with_traceback(None)
