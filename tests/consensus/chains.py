"""Builds regtest blocks and transactions that need no signature, and those that do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coincurve import PrivateKey

from axon.primitives.block import WITNESS_MAGIC, Block
from axon.primitives.hashes import ZERO_HASH, BlockHash, hash160, sha256, sha256d
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.network import REGTEST
from axon.primitives.script import OP_TRUE, push, push_number
from axon.primitives.target import meets_target
from axon.primitives.transaction import (
    NULL_OUTPOINT,
    SEQUENCE_FINAL,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)

GENESIS = REGTEST.genesis
REGTEST_BITS = 0x207F_FFFF
START_TIME = 1_600_000_000
ANYONE = b"\x00\x20" + sha256(bytes((OP_TRUE,)))
"""A P2WSH output that the witness `(OP_TRUE,)` spends."""
ANYONE_WITNESS = (bytes((OP_TRUE,)),)

ALICE = PrivateKey(b"\x0a" * 32)
ALICE_KEY = ALICE.public_key.format()
ALICE_P2WPKH = b"\x00\x14" + hash160(ALICE_KEY)
ALICE_P2PKH = b"\x76\xa9\x14" + hash160(ALICE_KEY) + b"\x88\xac"


@dataclass(frozen=True)
class Spot:
    """A block as the next one sees it."""

    hash: BlockHash
    height: int
    time: int


GENESIS_SPOT = Spot(GENESIS.hash, 0, START_TIME)


def coinbase(
    height: int,
    tag: int = 0,
    fees_sat: int = 0,
    outputs: Sequence[TxOut] | None = None,
    script_sig: bytes | None = None,
    witness: tuple[bytes, ...] = (),
) -> Transaction:
    """A coinbase; `tag` makes it differ from others at its height."""
    if script_sig is None:
        script_sig = push_number(height) + push(tag.to_bytes(8, "little"))
    if outputs is None:
        outputs = [TxOut(REGTEST.subsidy_sat(height) + fees_sat, ANYONE)]
    return Transaction.build(2, [TxIn(NULL_OUTPOINT, script_sig, SEQUENCE_FINAL, witness)], outputs)


def committed(base: Transaction, transactions: Sequence[Transaction]) -> Transaction:
    """The coinbase with a commitment to the witnesses of the others (BIP 141)."""
    root = merkle_root([ZERO_HASH, *(item.wtxid for item in transactions)])
    commitment = TxOut(0, WITNESS_MAGIC + sha256d(root + ZERO_HASH))
    first = base.inputs[0]
    return Transaction.build(
        base.version,
        [TxIn(first.prevout, first.script_sig, first.sequence, (ZERO_HASH,))],
        [*base.outputs, commitment],
        base.locktime,
    )


def mine(
    previous: BlockHash,
    transactions: Sequence[Transaction],
    time: int,
    version: int = 0x2000_0000,
    bits: int = REGTEST_BITS,
    root: bytes | None = None,
) -> Block:
    """A block over these transactions with enough work for regtest."""
    if root is None:
        root = merkle_root([item.txid for item in transactions])
    nonce = 0
    while True:
        header = Header.build(version, previous, root, time, bits, nonce)
        if meets_target(header.hash, REGTEST_BITS):
            return Block.build(header, transactions)
        nonce += 1


def block_on(
    spot: Spot,
    transactions: Sequence[Transaction] = (),
    tag: int = 0,
    fees_sat: int = 0,
    time: int | None = None,
    base: Transaction | None = None,
) -> Block:
    """A valid next block, as long as the transactions are."""
    if base is None:
        base = coinbase(spot.height + 1, tag, fees_sat)
        if any(item.has_witness for item in transactions):
            base = committed(base, transactions)
    return mine(spot.hash, [base, *transactions], spot.time + 1 if time is None else time)


def spot_of(block: Block, height: int) -> Spot:
    """Where the next block goes."""
    return Spot(block.hash, height, block.header.time)


def chain_on(spot: Spot, count: int, tag: int = 0) -> list[Block]:
    """So many empty blocks in a row."""
    blocks: list[Block] = []
    for _ in range(count):
        block = block_on(spot, tag=tag)
        blocks.append(block)
        spot = spot_of(block, spot.height + 1)
    return blocks


def spend(
    sources: Sequence[tuple[Transaction, int]],
    fee_sat: int = 1000,
    outputs: int = 1,
    script: bytes = ANYONE,
    sequence: int = SEQUENCE_FINAL,
    locktime: int = 0,
    version: int = 2,
) -> Transaction:
    """Spends outputs that anyone may spend."""
    total = sum(source.outputs[index].amount_sat for source, index in sources) - fee_sat
    each = total // outputs
    amounts = [each] * (outputs - 1) + [total - each * (outputs - 1)]
    return Transaction.build(
        version,
        [
            TxIn(outpoint(source.txid, index), b"", sequence, ANYONE_WITNESS)
            for source, index in sources
        ],
        [TxOut(amount, script) for amount in amounts],
        locktime,
    )


def signed_p2wpkh(prevouts: Sequence[OutPoint], amount_sat: int) -> Transaction:
    """Alice spends outputs of `ALICE_P2WPKH`, each of this amount (BIP 143)."""
    sequence = (0xFFFF_FFFF).to_bytes(4, "little")
    outputs = [TxOut(amount_sat * len(prevouts) - 1000, ANYONE)]
    all_prevouts = sha256d(b"".join(prevouts))
    all_sequences = sha256d(sequence * len(prevouts))
    all_outputs = sha256d(b"".join(output.encode() for output in outputs))
    inputs: list[TxIn] = []
    for prevout in prevouts:
        message = b"".join(
            (
                (2).to_bytes(4, "little"),
                all_prevouts,
                all_sequences,
                prevout,
                push(ALICE_P2PKH),
                amount_sat.to_bytes(8, "little"),
                sequence,
                all_outputs,
                bytes(4),
                (1).to_bytes(4, "little"),
            )
        )
        signature = ALICE.sign(sha256d(message), hasher=None) + b"\x01"
        inputs.append(TxIn(prevout, b"", SEQUENCE_FINAL, (signature, ALICE_KEY)))
    return Transaction.build(2, inputs, outputs)
