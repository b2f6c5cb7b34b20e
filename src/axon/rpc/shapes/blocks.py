"""Headers and blocks as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import Network
from axon.primitives.target import bits_to_target, difficulty
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Json, Written, encode_json, hashes_text, made_list
from axon.rpc.shapes.transactions import transaction_json

SHORT_TRANSACTION: Final = 10_000
"""Bytes of one that is written in one go; nearly all are no longer."""


def confirmations(entry: HeaderEntry, active: ActiveChain) -> int:
    """How deep a block is, 1 for the tip; -1 if it is not active."""
    return active.height - entry.height + 1 if active.contains(entry) else -1


def target_json(bits: int) -> dict[str, Json]:
    """The three ways in which a target is shown."""
    return {
        "bits": f"{bits:08x}",
        "target": f"{bits_to_target(bits):064x}",
        "difficulty": difficulty(bits),
    }


def header_json(entry: HeaderEntry, active: ActiveChain, transactions: int) -> dict[str, Json]:
    """A header with its place in the chain.

    Args:
        transactions: of its block; 0 if it is not held.
    """
    header = entry.header
    shown: dict[str, Json] = {
        "hash": to_hex(entry.hash),
        "confirmations": confirmations(entry, active),
        "height": entry.height,
        "version": header.version,
        "versionHex": f"{header.version & 0xFFFF_FFFF:08x}",
        "merkleroot": to_hex(header.merkle_root),
        "time": header.time,
        "mediantime": entry.median_time_past(),
        "nonce": header.nonce,
        **target_json(header.bits),
        "chainwork": f"{entry.chainwork:064x}",
        "nTx": transactions,
    }
    if entry.parent is not None:
        shown["previousblockhash"] = to_hex(entry.parent.hash)
    following = active.next(entry)
    if following is not None:
        shown["nextblockhash"] = to_hex(following.hash)
    return shown


def block_json(
    block: Block,
    network: Network,
    verbosity: int,
    spent_sat: Sequence[int] | None = None,
    spent: Sequence[Sequence[Coin]] | None = None,
) -> dict[str, Json]:
    """What `getblock` adds to the header; slow for full blocks, whose transactions are a lazy list.

    Args:
        verbosity: 1 shows txids, 2 and more whole transactions.
        spent_sat: what the inputs of each transaction are worth; None if that is not known.
        spent: the coins that each transaction spends, where they are shown.
    """
    transactions = block.transactions
    shown: dict[str, Json] = {
        "nTx": len(transactions),
        "strippedsize": block.stripped_size_bytes,
        "size": block.size_bytes,
        "weight": block.weight_wu,
        "coinbase_tx": _coinbase_json(transactions[0]),
    }
    if verbosity <= 1:
        shown["tx"] = hashes_text([transaction.txid for transaction in transactions])
        return shown

    def shown_transaction(place: int) -> Written | dict[str, Json]:
        transaction = transactions[place]
        fields = transaction_json(
            transaction,
            network,
            spent_sat=None if spent_sat is None else spent_sat[place],
            prevouts=() if spent is None else spent[place],
        )
        is_short = transaction.size_bytes <= SHORT_TRANSACTION
        return Written(encode_json(fields)) if is_short else fields

    shown["tx"] = made_list(shown_transaction, range(len(transactions)))
    return shown


def _coinbase_json(coinbase: Transaction) -> dict[str, Json]:
    first = coinbase.inputs[0]
    shown: dict[str, Json] = {
        "version": coinbase.version,
        "locktime": coinbase.locktime,
        "sequence": first.sequence,
        "coinbase": first.script_sig.hex(),
    }
    if first.witness:
        shown["witness"] = first.witness[0].hex()
    return shown
