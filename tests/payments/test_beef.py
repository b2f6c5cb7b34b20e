"""BEEF and BUMP (BRC-62, BRC-74): their own examples, there and back, and how far they reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.payments.beef import (
    BEEF_VERSION,
    Beef,
    check_beef,
    completed,
    decode_beef,
    encode_beef,
    missing_proofs,
)
from axon.payments.bump import Bump
from axon.payments.packet import MAX_PACKET_BYTES, Confirmed, Packet
from axon.payments.proof import Checked
from axon.payments.verdict import PaymentLevel, Wanted
from axon.primitives.block import Block
from axon.primitives.encoding import Reader
from axon.primitives.hashes import Txid, from_hex, to_hex
from axon.primitives.merkle import fold_branch
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut
from tests.payments.payscene import (
    ALICE,
    MALLORY,
    POLICY,
    WANTED,
    PayChain,
    coin_of,
    funding,
    kernel,
    made_up_coin,
    pays_bob,
    refused,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "beef.json").read_text())
ROOT_OF_62 = "bb6f640cc4ee56bf38eb5a1969ac0c16caa2d3d202b22bf3735d10eec0ca6e00"
"""Of block 814435 of the chain that the example is from."""


@pytest.fixture(scope="module")
def chain() -> PayChain:
    chain = PayChain()
    chain.mine(funding("others"), funding(1), funding("more"), miner=ALICE.script)
    chain.mine(funding(2), funding(3))
    chain.pass_blocks(100)
    return chain


@pytest.fixture(scope="module")
def packet(chain: PayChain) -> Packet:
    first = ALICE.pay([coin_of(funding(2))], [TxOut(2 * COIN - 500, ALICE.script)])
    reward = chain.blocks[1].transactions[0]
    payment = pays_bob(first, reward, funding(3))
    return chain.packet(payment, first, reward, funding(2), funding(3))


def check(chain: PayChain, beef: Beef, wanted: Wanted = WANTED) -> Checked:
    return check_beef(beef, wanted, chain.headers, kernel, POLICY)


def proved(beef: Beef, blocks: Mapping[int, Block]) -> list[Confirmed]:
    """What these blocks, by height, prove of what a BEEF lacks."""
    missing = missing_proofs(beef).items()
    return [
        proof
        for height, look in missing
        if height in blocks
        for proof in look.read(blocks[height], height, REGTEST)
    ]


# The examples of the two papers.


def test_the_example_of_brc_74() -> None:
    reader = Reader(bytes.fromhex(VECTORS["bump"]))
    bump = Bump.decode(reader)
    reader.finish()
    assert bump.height == VECTORS["bump_height"]
    assert bump.marked == (3049, 3050)
    assert bump.encode().hex() == VECTORS["bump"]
    txids = [Txid(from_hex(text)) for text in VECTORS["bump_txids"]]
    for txid, (position, branch) in zip(txids, bump.paths(txids), strict=True):
        assert to_hex(fold_branch(txid, branch, position)) == VECTORS["bump_root"]


def test_the_example_of_brc_62() -> None:
    beef = decode_beef(bytes.fromhex(VECTORS["beef"]))
    (parent,) = beef.confirmed
    assert beef.transaction.inputs[0].prevout[:32] == parent.transaction.txid
    assert (parent.height, parent.position, len(parent.branch)) == (814_435, 21, 7)
    root = fold_branch(parent.transaction.txid, parent.branch, parent.position)
    assert to_hex(root) == ROOT_OF_62
    assert beef.unconfirmed == ()


# There and back.


def test_a_packet_as_beef_and_back(chain: PayChain, packet: Packet) -> None:
    beef = decode_beef(encode_beef(packet))
    assert (beef.transaction, beef.unconfirmed) == (packet.transaction, packet.unconfirmed)
    kept = [(item.transaction, item.height, item.position, item.branch) for item in beef.confirmed]
    assert kept == [
        (item.transaction, item.height, item.position, item.branch) for item in packet.confirmed
    ]
    assert completed(beef, proved(beef, dict(enumerate(chain.blocks)))) == packet


def test_blocks_of_every_small_size() -> None:
    for size in range(8):
        chain = PayChain()
        parents = [funding(number) for number in range(size)]
        reward = chain.mine(*parents, miner=ALICE.script).transactions[0]
        parents = [*parents, reward]
        packet = chain.packet(pays_bob(*parents), *parents)
        beef = decode_beef(encode_beef(packet))
        assert completed(beef, proved(beef, {1: chain.blocks[1]})) == packet


def test_what_the_payment_does_not_need_is_left_out(chain: PayChain, packet: Packet) -> None:
    wide = chain.packet(pays_bob(funding(3), funding(1)), funding(3), funding(1))
    data = encode_beef(wide)
    narrow = pays_bob(funding(3))
    assert data.endswith(wide.transaction.raw + b"\x00")
    more = data.removesuffix(wide.transaction.raw + b"\x00")
    beef = decode_beef(more + narrow.raw + b"\x00")
    assert completed(beef, proved(beef, dict(enumerate(chain.blocks)))) == chain.packet(
        narrow, funding(3)
    )


# How far it is believed.


def test_beef_is_signed_at_most(chain: PayChain, packet: Packet) -> None:
    checked = check(chain, decode_beef(encode_beef(packet)))
    assert checked.verdict.level is PaymentLevel.SIGNED
    assert (checked.verdict.height, checked.verdict.reason) == (chain.height, "")
    assert not checked.claims
    assert checked.fee_sat == chain.check(packet).fee_sat


def test_the_blocks_make_it_funded(chain: PayChain, packet: Packet) -> None:
    beef = decode_beef(encode_beef(packet))
    blocks = {item.height: chain.blocks[item.height] for item in beef.confirmed}
    assert chain.check(completed(beef, proved(beef, blocks))).verdict.level is PaymentLevel.FUNDED


def test_a_block_that_is_missing_or_another(chain: PayChain, packet: Packet) -> None:
    beef = decode_beef(encode_beef(packet))
    with pytest.raises(DecodeError, match="a block 1 with transaction"):
        completed(beef, proved(beef, {2: chain.blocks[2]}))
    with pytest.raises(DecodeError, match="a block 2 with transaction"):
        completed(beef, proved(beef, {1: chain.blocks[1], 2: chain.blocks[3]}))


def test_a_path_that_leads_elsewhere(chain: PayChain, packet: Packet) -> None:
    beef = decode_beef(encode_beef(packet))
    last = beef.confirmed[-1]
    for changed in (
        replace(last, height=1),
        replace(last, height=chain.height + 1),
        replace(last, branch=last.branch[::-1]),
        replace(last, position=1),
    ):
        lie = replace(beef, confirmed=(*beef.confirmed[:-1], changed))
        refused(check(chain, lie), "bad-branch", "does not lead to block")


def test_the_rest_is_checked_as_of_a_packet(chain: PayChain) -> None:
    stolen = decode_beef(encode_beef(chain.packet(pays_bob(funding(1), payer=MALLORY), funding(1))))
    refused(check(chain, stolen), "script-verify-failed")
    good = decode_beef(encode_beef(chain.packet(pays_bob(funding(1)), funding(1))))
    refused(check(chain, good, Wanted(MALLORY.script, 1)), "wrong-address")
    here = PayChain()
    entry = TxIn(made_up_coin("short").outpoint)
    short = Transaction.build(2, [entry], [TxOut(2 * COIN, b"\x51\x02\x4e\x73")])
    here.mine(short)
    small = decode_beef(encode_beef(here.packet(pays_bob(short), short)))
    refused(check(here, small), "inner-node-size")


# What is no BEEF.


@given(data=st.binary(max_size=200))
@example(b"")
@example(BEEF_VERSION)
@example(BEEF_VERSION + b"\x00\x00")
def test_any_bytes_are_refused_in_order(data: bytes) -> None:
    for each in (data, BEEF_VERSION + data):
        with pytest.raises(DecodeError):
            decode_beef(each)


def test_every_cut_is_refused(packet: Packet) -> None:
    data = encode_beef(packet)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            decode_beef(data[:size])
    with pytest.raises(DecodeError):
        decode_beef(data + b"\x00")


def test_forms_that_are_refused(packet: Packet) -> None:
    data = encode_beef(packet)
    with pytest.raises(DecodeError, match="at most 400000 bytes"):
        decode_beef(bytes(MAX_PACKET_BYTES + 1))
    with pytest.raises(DecodeError, match="0100beef"):
        decode_beef(b"\x02" + data[1:])
    with pytest.raises(DecodeError, match="0 or 1"):
        decode_beef(data[:-1] + b"\x02")
    with pytest.raises(DecodeError, match="the index of a BUMP"):
        decode_beef(data[:-1] + b"\x01\x02")
    with pytest.raises(DecodeError, match="a payment that is in no block"):
        decode_beef(data[:-1] + b"\x01\x01")
    parent = packet.confirmed[0].transaction.raw
    with pytest.raises(DecodeError, match="a path of transaction"):
        decode_beef(data.replace(parent + b"\x01\x00", parent + b"\x01\x01"))


def bump_of(*levels: bytes) -> bytes:
    """A BUMP of block 7 from its levels as bytes."""
    return b"\x07" + bytes((len(levels),)) + b"".join(levels)


ONE, TWO = b"\x01" * 32, b"\x02" * 32


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bump_of(b"\x02\x00\x00" + ONE + b"\x00\x00" + TWO), "each node once"),
        (bump_of(b"\x01\x00\x03" + ONE), "a flag of 0, 1 or 2"),
        (bump_of(b"\x01\x02\x01"), "on the right"),
        (bump_of(b"\x01\x00\x00" + ONE, b"\x01\x00\x02" + ONE), "lowest level"),
        (b"\x07\x10" + bytes(16), "at most 15 levels"),
    ],
)
def test_what_is_no_bump(data: bytes, expected: str) -> None:
    with pytest.raises(DecodeError, match=expected):
        Bump.decode(Reader(data))


def test_paths_that_do_not_hold_together() -> None:
    lowest = b"\x02\x00\x02" + ONE + b"\x01\x00" + TWO
    above = b"\x02\x00\x00" + ONE + b"\x01\x00" + TWO
    bump = Bump.decode(Reader(bump_of(lowest, above)))
    with pytest.raises(DecodeError, match="follow from those below"):
        bump.paths([Txid(ONE)])
    alone = Bump.decode(Reader(bump_of(b"\x01\x00\x02" + ONE)))
    with pytest.raises(DecodeError, match="all neighbours"):
        alone.paths([Txid(ONE)])
    with pytest.raises(DecodeError, match="a path of"):
        alone.paths([Txid(TWO)])


def test_nodes_that_follow_need_not_be_given() -> None:
    """Of four leaves: the node above the other two follows from them."""
    leaves = [bytes((number,)) * 32 for number in range(1, 5)]
    lowest = b"\x04" + b"".join(bytes((offset, 2)) + leaf for offset, leaf in enumerate(leaves))
    bump = Bump.decode(Reader(bump_of(lowest, b"\x00")))
    roots = {
        fold_branch(leaf, branch, position)
        for leaf, (position, branch) in zip(
            leaves, bump.paths([Txid(leaf) for leaf in leaves]), strict=True
        )
    }
    assert len(roots) == 1
