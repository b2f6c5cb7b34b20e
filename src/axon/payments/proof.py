"""The payee's check of a packet: from bytes of a stranger to coins that exist.

Everything is held against what the payee has himself: his headers, his policy, libbitcoinkernel.
Cheap checks come first, scripts last. What is left to look up is whether the coins are still
unspent: the claims say which they are.

A Merkle tree does not tell its inner nodes, which are 64 bytes, from transactions of 64 bytes. So a
transaction of that size is refused wherever it stands, as BIP 54 will have it, and each proof
comes with that of the block's coinbase, which shows how deep the leaves are: a transaction that is
said to stand deeper or higher is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from axon.mempool.policy import Policy
from axon.payments.headerchain import HeaderChainView
from axon.payments.packet import Confirmed, Packet
from axon.payments.spending import Examined, Placed, examine
from axon.payments.verdict import CoinClaim, PaymentLevel, Verdict, Wanted
from axon.primitives.hashes import to_hex
from axon.primitives.merkle import fold_branch
from axon.primitives.transaction import Transaction
from axon.wallet.unconfirmed import ScriptCheck

INNER_NODE_SIZE: Final = 64
"""Bytes of an inner node of a Merkle tree: two hashes."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a packet.

    Args:
        verdict: refused, or how far it is proved.
        claims: the confirmed coins that the payment and its unconfirmed ancestors spend; empty
            unless the verdict is `FUNDED`.
        fee_sat: of the payment alone; 0 if it is refused.
        wait_height: 0, or the height that the payee's headers have to reach before the packet can
            be checked: the payer knows a block more, or says so.
    """

    verdict: Verdict
    claims: tuple[CoinClaim, ...] = ()
    fee_sat: int = 0
    wait_height: int = 0


def check_packet(
    packet: Packet,
    wanted: Wanted,
    chain: HeaderChainView,
    check_scripts: ScriptCheck,
    policy: Policy,
) -> Checked:
    """Whether a packet proves a payment.

    Args:
        packet: decoded, from anybody.
        wanted: what it must pay.
        chain: the payee's best chain; it must not move meanwhile.
        check_scripts: libbitcoinkernel, as `host/lightwallet` hands it in.
        policy: what counts as a fee, and as standard.

    Returns:
        `FUNDED` with its claims, or refused.
    """
    height = chain.tip_height
    refused = _refuse_inner_nodes(packet)
    if refused is not None:
        return Checked(replace(refused, height=height))
    for item in packet.confirmed:
        refused = check_proof(item, chain)
        if refused is not None:
            wait = item.height if item.height > height else 0
            return Checked(replace(refused, height=height), wait_height=wait)
    placed = [Placed(item.transaction, item.height) for item in packet.confirmed]
    found = examine(
        packet.transaction, placed, packet.unconfirmed, wanted, chain, check_scripts, policy
    )
    if isinstance(found, Examined):
        verdict = Verdict(PaymentLevel.FUNDED, height=height)
        return Checked(verdict, found.claims, found.fee_sat)
    return Checked(replace(found, height=height))


def check_proof(item: Confirmed, chain: HeaderChainView) -> Verdict | None:
    """Whether a transaction is in the block that its proof names, and that in a chain.

    Returns:
        Why not; None if it is.
    """
    name, block = to_hex(item.transaction.txid), f"block {item.height}"
    if item.height > chain.tip_height:
        return _no(
            f"transaction {name} is said to be in {block}, and the headers that you know end with"
            f" {chain.tip_height}",
            "block-above-tip",
        )
    header = chain.header_at(item.height)
    if header is None:
        return _no(
            f"transaction {name} is said to be in {block}, from before your headers begin",
            "block-below-root",
        )
    if header.hash != item.block_hash:
        return _no(
            f"transaction {name} is said to be in {block} {to_hex(item.block_hash)}, which is not"
            " in the chain that you know",
            "block-not-in-chain",
        )
    if fold_branch(item.coinbase.txid, item.coinbase_branch, 0) != header.merkle_root:
        return _no(
            f"the coinbase that is shown for {block} is not in it at that depth",
            "bad-coinbase-branch",
        )
    if fold_branch(item.transaction.txid, item.branch, item.position) != header.merkle_root:
        return _no(f"transaction {name} is not in {block} at that place", "bad-branch")
    if _is_repeated(item):
        return _no(
            f"transaction {name} is proved at a place in {block} where nothing is but a copy that"
            " evens out the tree",
            "repeated-leaf",
        )
    return None


def _is_repeated(item: Confirmed) -> bool:
    """Whether its place is behind the last transaction (CVE-2012-2459).

    An odd level is filled up with a copy of its last node, and the copy has a branch as well.
    """
    digest: bytes = item.transaction.txid
    for level, neighbour in enumerate(item.branch):
        right = item.position >> level & 1
        if right and neighbour == digest:
            return True
        digest = fold_branch(digest, (neighbour,), right)
    return False


def _refuse_inner_nodes(packet: Packet) -> Verdict | None:
    coinbases = [item.coinbase for item in packet.confirmed]
    shown = [item.transaction for item in packet.confirmed]
    return refuse_inner_nodes([*coinbases, *shown, *packet.unconfirmed, packet.transaction])


def refuse_inner_nodes(transactions: Iterable[Transaction]) -> Verdict | None:
    """No transaction, and no coinbase, has the size of an inner node (BIP 54)."""
    for item in transactions:
        if len(item.stripped) == INNER_NODE_SIZE:
            return _no(
                f"transaction {to_hex(item.txid)} has {INNER_NODE_SIZE} bytes, as nodes inside a"
                " Merkle tree have, so nothing can be proved of it",
                "inner-node-size",
            )
    return None


def _no(sentence: str, reason: str) -> Verdict:
    return Verdict(PaymentLevel.REFUSED, reason, sentence)
