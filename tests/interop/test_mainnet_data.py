"""axon's values and rules against what the main chain really holds."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from axon.chain.headertable import HeaderTable
from axon.chain.headertree import HeaderTree
from axon.chain.rules import HeaderRules
from axon.consensus.scripts import verify_scripts
from axon.machine import SECOND
from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import ZERO_HASH, sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree, merkle_root
from axon.primitives.network import DIFFICULTY_INTERVAL, MAINNET
from axon.primitives.script import witness_program
from axon.primitives.target import meets_target
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.primitives.verdict import Accepted
from axon.wire.messages import BlockMessage, Headers, MerkleBlock, Tx
from axon.wire.messages.headers import MAX_HEADERS
from axon.wire.registry import decode_message
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from tests.data import mainnet_data
from tests.interop.mainnetblocks import first_blocks

pytestmark = pytest.mark.interop

WHOLE = (830_000, 831_328, 831_329, 831_330, 831_331, 831_332)
"""Heights of the whole blocks of 2024; the last five follow one another."""

FIRST_HEADER = 822_528


def whole_block(height: int) -> bytes:
    return (mainnet_data() / "blocks" / f"{height}.bin").read_bytes()


def headers_in(path: Path) -> list[Header]:
    data = path.read_bytes()
    assert len(data) % HEADER_SIZE == 0
    return [Header(data[at : at + HEADER_SIZE]) for at in range(0, len(data), HEADER_SIZE)]


def chainworks() -> dict[int, int]:
    lines = (mainnet_data() / "chainwork.csv").read_text().split()[1:]
    return {int(height): int(work, 16) for height, work in (line.split(",") for line in lines)}


def rebuilt(transaction: Transaction) -> Transaction:
    """The same from its fields alone."""
    return Transaction.build(
        transaction.version, transaction.inputs, transaction.outputs, transaction.locktime
    )


@pytest.mark.parametrize("height", WHOLE)
def test_a_whole_block_survives_the_wire_and_commits_to_what_it_holds(height: int) -> None:
    raw = whole_block(height)
    transport = V1Transport(MAINNET.magic)
    sent = transport.encode("block", raw)
    frames = [*transport.received(sent[:1_000_000]), *transport.received(sent[1_000_000:])]
    assert frames == [Frame("block", raw, len(sent))]
    message = decode_message("block", raw)
    assert isinstance(message, BlockMessage)
    assert message.encode() == raw

    block = Block.decode(raw)
    transactions = [rebuilt(transaction) for transaction in block.transactions]
    assert Block.build(Header(block.header.raw), transactions).encode() == raw
    assert meets_target(block.hash, block.header.bits)
    assert merkle_root([item.txid for item in transactions]) == block.header.merkle_root
    wtxids = [ZERO_HASH, *(item.wtxid for item in transactions[1:])]
    (nonce,) = transactions[0].inputs[0].witness
    assert sha256d(merkle_root(wtxids) + nonce) == witness_commitment(block)
    coinbase_height = transactions[0].inputs[0].script_sig[:4]
    assert coinbase_height == b"\x03" + height.to_bytes(3, "little")  # BIP 34.


def test_real_transactions_survive_the_wire() -> None:
    for transaction in Block.decode(whole_block(830_000)).transactions:
        message = decode_message("tx", transaction.raw)
        assert isinstance(message, Tx)
        assert message.transaction.wtxid == transaction.wtxid
        assert rebuilt(message.transaction).raw == message.encode() == transaction.raw


def test_the_first_blocks_hold_together() -> None:
    blocks = first_blocks()
    assert len(blocks) == 255
    assert blocks[0].header.prev == MAINNET.genesis.hash
    for before, block in pairwise(blocks):
        assert block.header.prev == before.hash
    for block in blocks:
        transactions = [rebuilt(transaction) for transaction in block.transactions]
        assert Block.build(block.header, transactions).encode() == block.raw
        assert merkle_root([item.txid for item in transactions]) == block.header.merkle_root
        assert witness_commitment(block) is None


def test_every_proof_leads_to_the_root_of_its_block() -> None:
    block = Block.decode(whole_block(830_000))
    proofs = sorted((mainnet_data() / "txoutproof").glob("*.bin"))
    assert len(proofs) == 6
    for path in proofs:
        height, *positions = [int(part) for part in path.stem.replace("-", "_").split("_")]
        raw = path.read_bytes()
        message = decode_message("merkleblock", raw)
        assert isinstance(message, MerkleBlock)
        assert message.encode() == raw
        assert (height, message.header) == (830_000, block.header)
        root, matches = message.tree.extract()
        assert root == block.header.merkle_root
        assert matches == [(place, block.transactions[place].txid) for place in positions]

        txids = [transaction.txid for transaction in block.transactions]
        wanted = [place in positions for place in range(len(txids))]
        assert block.header.raw + PartialMerkleTree.build(txids, wanted).encode() == raw


def test_headers_over_four_retargets_build_a_tree_with_the_real_chainwork() -> None:
    headers = headers_in(mainnet_data() / "headers-822528-830592.bin")
    work = chainworks()
    table = HeaderTable(headers[0], FIRST_HEADER, work[FIRST_HEADER])
    tree = HeaderTree(MAINNET, table)
    now = headers[-1].time * SECOND
    for at in range(1, len(headers), MAX_HEADERS):
        raw = Headers(tuple(headers[at : at + MAX_HEADERS])).encode()
        message = decode_message("headers", raw)
        assert isinstance(message, Headers)
        assert message.encode() == raw
        assert tree.add_chain(message.headers, now).rejected is None
    assert (tree.best.header, tree.best.height) == (headers[-1], 830_592)
    told = [height for height in sorted(work) if FIRST_HEADER <= height <= tree.best.height]
    assert len(told) == 9  # The first and last of each period, and the first after the last.
    for height in told:
        entry = tree.best.ancestor(height)
        assert entry is not None
        assert entry.chainwork == work[height]

    block = Block.decode(whole_block(830_000))
    assert tree.best.ancestor(830_000) is tree.get(block.hash)

    (stale,) = headers_in(mainnet_data() / "stale-header-823226.bin")
    entry = tree.get(stale.hash)
    assert entry is None
    assert tree.add_chain([stale], now).new == 1
    assert tree.best.header == headers[-1]
    assert [tip.height for tip in tree.tips()] == [830_592, 823_226]


def test_every_retarget_since_2009() -> None:
    data = (mainnet_data() / "retarget-headers.bin").read_bytes()
    records = {
        int.from_bytes(data[at : at + 4], "little"): Header(data[at + 4 : at + 84])
        for at in range(0, len(data), 84)
    }
    assert records[0] == MAINNET.genesis.header
    work, rules = chainworks(), HeaderRules(MAINNET)
    checked = 0
    for start in range(0, 832_608, DIFFICULTY_INTERVAL):
        last, following = records[start + DIFFICULTY_INTERVAL - 1], start + DIFFICULTY_INTERVAL
        entry = HeaderTable(records[start], start, work[start]).root
        for _ in range(DIFFICULTY_INTERVAL - 2):  # What lies between does not matter.
            entry = entry.table.append(entry.raw, entry.hash, entry)
        entry = entry.table.append(last.raw, last.hash, entry)
        assert entry.chainwork == work[entry.height]
        assert meets_target(last.hash, last.bits)
        assert rules.next_bits(entry, 0) == records[following].bits
        checked += 1
    assert checked == 413


def test_scripts_of_real_payments_verify() -> None:
    """Payments that spend what the same five blocks made: both sides are known in full."""
    made: dict[bytes, TxOut] = {}
    kinds: Counter[int | None] = Counter()
    for height in WHOLE[1:]:
        for transaction in Block.decode(whole_block(height)).transactions:
            spent = [made.get(source.prevout) for source in transaction.inputs]
            known = [output for output in spent if output is not None]
            if len(known) == len(spent):
                assert verify_scripts(transaction, known) == Accepted()
                for output in known:
                    program = witness_program(output.script_pubkey)
                    kinds[None if program is None else program[0]] += 1
            for index, output in enumerate(transaction.outputs):
                made[outpoint(transaction.txid, index)] = output
    # Spends of version 0 and 1 (taproot) programs, and of scripts older than both.
    assert min(kinds[0], kinds[1], kinds[None]) > 100, kinds
