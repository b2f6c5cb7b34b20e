"""Packets in the format of other wallets: BEEF with BUMPs (BRC-62, BRC-74), in and out.

A BEEF holds the same transactions as a packet, and Merkle paths for those that blocks have. What it
lacks is the proof of each block's coinbase: its paths do not say how deep the leaves of the tree
are, so an inner node, or half of a 64-byte transaction, could be passed off as a transaction. A
payment that comes as BEEF is therefore `SIGNED` at most. Who reads the blocks that it names makes a
packet of it (`missing_proofs`, `completed`), which can be more.

BEEF knows no witness. Where a transaction has one it is written in the form of BIP 144, which
readers that know only the old form refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from axon.errors import DecodeError
from axon.mempool.policy import Policy
from axon.payments.bump import Bump
from axon.payments.headerchain import HeaderChainView
from axon.payments.packet import (
    MAX_PACKET_BYTES,
    MAX_PACKET_INPUTS,
    Confirmed,
    Packet,
    bare,
    lineage,
    take_transaction,
)
from axon.payments.packetbuilder import make_packet
from axon.payments.proof import Checked, refuse_inner_nodes
from axon.payments.spending import Examined, Placed, examine
from axon.payments.verdict import PaymentLevel, Verdict, Wanted
from axon.primitives.block import Block
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.merkle import fold_branch
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction
from axon.wallet.unconfirmed import ScriptCheck

BEEF_VERSION: Final = bytes.fromhex("0100beef")


@dataclass(frozen=True, slots=True)
class OnPath:
    """A transaction with its Merkle path, and no word of how deep the tree is.

    Args:
        transaction: without its witness.
        height: of the block; which one of that height is not said.
        position: in the block.
        branch: the neighbours of the txid up to the Merkle root, lowest first.
    """

    transaction: Transaction
    height: int
    position: int
    branch: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Beef:
    """A payment as BEEF tells it, without what it does not build on.

    Args:
        transaction: the payment: the last one.
        confirmed: by height, then by position.
        unconfirmed: parents first.
    """

    transaction: Transaction
    confirmed: tuple[OnPath, ...]
    unconfirmed: tuple[Transaction, ...]


def encode_beef(packet: Packet) -> bytes:
    """A packet as BEEF (BRC-62); the proofs of the coinbases stay behind."""
    groups = [list(group) for _, group in groupby(packet.confirmed, key=lambda item: item.height)]
    parts = [BEEF_VERSION, compact_size(len(groups))]
    parts += [_bump_of(group).encode() for group in groups]
    count = len(packet.confirmed) + len(packet.unconfirmed) + 1
    parts.append(compact_size(count))
    for index, group in enumerate(groups):
        for item in group:
            parts += [item.transaction.raw, b"\x01", compact_size(index)]
    for transaction in (*packet.unconfirmed, packet.transaction):
        parts += [transaction.raw, b"\x00"]
    return b"".join(parts)


def decode_beef(data: bytes) -> Beef:
    """A payment from BEEF; transactions that it does not build on are left out.

    Raises:
        DecodeError: the bytes are no BEEF of version 1, or the payment is not proved by them.
    """
    if len(data) > MAX_PACKET_BYTES:
        raise DecodeError(f"at most {MAX_PACKET_BYTES} bytes of BEEF")
    reader = Reader(data)
    if reader.take(len(BEEF_VERSION)) != BEEF_VERSION:
        raise DecodeError("BEEF of version 1, which begins with 0100beef", 0)
    bumps = [Bump.decode(reader) for _ in range(reader.compact_size(MAX_PACKET_INPUTS))]
    mined: dict[Txid, int] = {}
    shown: dict[Txid, Transaction] = {}
    last: Transaction | None = None
    for _ in range(reader.compact_size(MAX_PACKET_BYTES)):
        last, index = _take_transaction(reader, len(bumps))
        shown[last.txid] = last
        if index is not None:
            mined[last.txid] = index
    reader.finish()
    if last is None or last.txid in mined:
        raise DecodeError("a payment that is in no block, as the last transaction")
    confirmed = {txid: shown[txid] for txid in mined}
    needed, order = lineage(last, confirmed, shown)
    found: list[OnPath] = []
    for index, bump in enumerate(bumps):
        txids = [txid for txid in needed if mined[txid] == index]
        for txid, path in zip(txids, bump.paths(txids), strict=True):
            found.append(OnPath(bare(shown[txid]), bump.height, *path))
    return Beef(last, tuple(sorted(found, key=lambda item: (item.height, item.position))), order)


def check_beef(
    beef: Beef,
    wanted: Wanted,
    chain: HeaderChainView,
    check_scripts: ScriptCheck,
    policy: Policy,
) -> Checked:
    """What a BEEF proves: see `check_packet`.

    Returns:
        `SIGNED`, or refused. There are no claims, for it is not shown that there are coins.
    """
    height = chain.tip_height
    transactions = [item.transaction for item in beef.confirmed]
    refused = refuse_inner_nodes([*transactions, *beef.unconfirmed, beef.transaction])
    for item in beef.confirmed:
        refused = refused or _check_path(item, chain)
    if refused is not None:
        return Checked(replace(refused, height=height))
    placed = [Placed(item.transaction, item.height) for item in beef.confirmed]
    found = examine(
        beef.transaction, placed, beef.unconfirmed, wanted, chain, check_scripts, policy
    )
    if isinstance(found, Examined):
        return Checked(Verdict(PaymentLevel.SIGNED, height=height), fee_sat=found.fee_sat)
    return Checked(replace(found, height=height))


@dataclass(frozen=True, slots=True)
class ProveTransactions:
    """What a block proves of transactions that it should have; a `BlockLook`.

    Args:
        txids: of these.
    """

    txids: tuple[Txid, ...]

    def read(self, block: Block, height: int, _network: Network) -> tuple[Confirmed, ...]:
        """A proof of each that it has, in the order in which they are wanted."""
        places = {each.txid: place for place, each in enumerate(block.transactions)}
        return tuple(
            [
                Confirmed.from_block(block, height, places[txid])
                for txid in self.txids
                if txid in places
            ]
        )


def missing_proofs(beef: Beef) -> dict[int, ProveTransactions]:
    """What a BEEF does not prove, by the height of the block that does."""
    groups = groupby(beef.confirmed, key=lambda item: item.height)
    return {
        height: ProveTransactions(tuple([item.transaction.txid for item in group]))
        for height, group in groups
    }


def completed(beef: Beef, proofs: Sequence[Confirmed]) -> Packet:
    """The packet of a payment that came as BEEF, by one who has read its blocks.

    Args:
        proofs: what the blocks of `missing_proofs` say.

    Raises:
        DecodeError: a block does not have a transaction, or it is too much for a packet.
    """
    proved = {item.transaction.txid for item in proofs}
    for item in beef.confirmed:
        if item.transaction.txid not in proved:
            raise DecodeError(
                f"a block {item.height} with transaction {to_hex(item.transaction.txid)}"
            )
    packet = make_packet(beef.transaction, proofs, beef.unconfirmed)
    if len(packet.encode()) > MAX_PACKET_BYTES:
        raise DecodeError(f"a packet of at most {MAX_PACKET_BYTES} bytes")
    return packet


def _check_path(item: OnPath, chain: HeaderChainView) -> Verdict | None:
    header = chain.header_at(item.height)
    root = fold_branch(item.transaction.txid, item.branch, item.position)
    if header is not None and header.merkle_root == root:
        return None
    return Verdict(
        PaymentLevel.REFUSED,
        "bad-branch",
        f"the path of transaction {to_hex(item.transaction.txid)} does not lead to block"
        f" {item.height} of the chain that you know",
    )


def _bump_of(group: Sequence[Confirmed]) -> Bump:
    """The paths of a packet's transactions of one block."""
    levels: list[dict[int, bytes | None]] = [{} for _ in group[0].branch]
    for item in group:
        digest: bytes = item.transaction.txid
        for height, neighbour in enumerate(item.branch):
            place = item.position >> height
            copied = neighbour == digest and not place & 1
            levels[height][place ^ 1] = None if copied else neighbour
            digest = fold_branch(digest, (neighbour,), place & 1)
    for item in group[: len(group) if levels else 0]:
        levels[0][item.position] = item.transaction.txid
    return Bump(group[0].height, tuple(levels), tuple([item.position for item in group]))


def _take_transaction(reader: Reader, bumps: int) -> tuple[Transaction, int | None]:
    """A transaction, and the index of its BUMP if it has one."""
    transaction = take_transaction(reader)
    start = reader.offset
    has_bump = reader.u8()
    if has_bump > 1:
        raise DecodeError("whether there is a BUMP: 0 or 1", start)
    if not has_bump:
        return transaction, None
    index = reader.compact_size()
    if index >= bumps:
        raise DecodeError("the index of a BUMP", start + 1)
    return transaction, index
