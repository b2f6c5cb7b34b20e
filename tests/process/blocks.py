"""Blocks and headers on a node's tip, right and wrong ones."""

from __future__ import annotations

import time

from axon.chain.deployments import BLOCK_VERSION
from axon.mining.miner import find_nonce
from axon.mining.template import coinbase, commitment_script
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess

ANYONE = b"\x51"
TRIES = 10_000
"""Nonces; on regtest every second one will do."""


def tip_header(node: NodeProcess) -> Header:
    """The header of a node's tip."""
    return Header(bytes.fromhex(node.rpc("getblockheader", node.tip(), False)))


def proved(header: Header) -> Header:
    """The same with a nonce that proves its work."""
    found = find_nonce(header, TRIES)
    assert found is not None
    return found


def unproved(header: Header) -> Header:
    """The same with a nonce that proves nothing."""
    nonce = 0
    while True:
        raw = header.raw[:76] + nonce.to_bytes(4, "little")
        if Header(raw).hash[-1] & 0x80:
            return Header(raw)
        nonce += 1


def headers_on(tip: Header, count: int, step_s: int = 1) -> list[Header]:
    """So many headers behind one, without blocks."""
    chain = [tip]
    for _ in range(count):
        last = chain[-1]
        bare = Header.build(BLOCK_VERSION, last.hash, bytes(32), last.time + step_s, last.bits, 0)
        chain.append(proved(bare))
    return chain[1:]


def block_on_tip(node: NodeProcess, reward_sat: int, *transactions: Transaction) -> Block:
    """A block whose coinbase takes this reward; whether it is valid is not looked at."""
    tip = tip_header(node)
    outputs = [TxOut(reward_sat, ANYONE)]
    first = coinbase(node.height() + 1, outputs, commitment_script(transactions))
    whole = [first, *transactions]
    root = merkle_root([item.txid for item in whole])
    now = max(tip.time + 1, int(time.time()))
    bare = Header.build(BLOCK_VERSION, BlockHash(tip.hash), root, now, tip.bits, 0)
    return Block.build(proved(bare), whole)
