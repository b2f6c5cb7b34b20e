"""Packets and their one encoding, and what is no packet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.payments.packet import (
    MAX_BRANCH,
    MAX_DEPTH,
    MAX_PACKET_BYTES,
    MAX_PACKET_INPUTS,
    Confirmed,
    Packet,
    bare,
)
from axon.payments.packetbuilder import make_packet
from axon.primitives.transaction import COIN, Transaction, TxOut
from tests.payments.payscene import (
    ALICE,
    BOB,
    CAROL,
    PayChain,
    coin_of,
    funding,
    made_up_coin,
    pays_bob,
)


def moved(parent: Transaction, index: int = 0, fee_sat: int = 500) -> Transaction:
    """Alice pays herself."""
    coin = coin_of(parent, index)
    return ALICE.pay([coin], [TxOut(coin.amount_sat - fee_sat, ALICE.script)])


@pytest.fixture(scope="module")
def chain() -> PayChain:
    chain = PayChain()
    chain.mine(funding("others"), funding(1), funding("more"), miner=ALICE.script)
    chain.mine(funding(2), funding(3))
    return chain


@pytest.fixture(scope="module")
def large(chain: PayChain) -> Packet:
    """Coins of two blocks, a reward, and two unconfirmed ancestors."""
    first, second = moved(funding(1)), moved(funding(2))
    reward = chain.blocks[1].transactions[0]
    payment = pays_bob(second, reward, funding(3), first)
    return chain.packet(payment, first, second, reward, funding(1), funding(2), funding(3))


def test_what_is_encoded_is_decoded(chain: PayChain, large: Packet) -> None:
    small = chain.packet(pays_bob(funding(1)), funding(1))
    for packet in (small, large):
        assert Packet.decode(packet.encode()) == packet
    assert [(item.height, item.position) for item in large.confirmed] == [
        (1, 0),
        (1, 2),
        (2, 1),
        (2, 2),
    ]
    assert large.unconfirmed == (moved(funding(2)), moved(funding(1)))
    assert large.confirmed[0].coinbase == large.confirmed[0].transaction


def test_a_coinbase_is_there_once_for_its_block(chain: PayChain) -> None:
    one = chain.packet(pays_bob(funding(2)), funding(2))
    two = chain.packet(pays_bob(funding(2), funding(3)), funding(2), funding(3))
    coinbase = one.confirmed[0].coinbase.raw
    assert two.encode().count(coinbase) == 1
    grown = len(two.encode()) - len(one.encode())
    payments = len(two.transaction.raw) - len(one.transaction.raw)
    assert grown == payments + 4 + len(bare(funding(3)).raw) + 2 * 32


def test_a_transaction_is_there_once_however_often_it_is_spent_from(chain: PayChain) -> None:
    split = CAROL.pay([made_up_coin("split")], [TxOut(COIN, ALICE.script)] * 3)
    here = PayChain()
    here.mine(split)
    payment = ALICE.pay([coin_of(split, index) for index in range(3)], [TxOut(COIN, BOB.script)])
    assert here.packet(payment, split).encode().count(bare(split).raw) == 1


@given(data=st.binary(max_size=300))
@example(b"")
@example(b"\x02")
def test_any_bytes_are_refused_in_order(data: bytes) -> None:
    with pytest.raises(DecodeError):
        Packet.decode(data)


@given(cut=st.integers(0, 10_000), more=st.binary(max_size=3))
@settings(max_examples=60)
def test_cut_or_with_more_behind_it(large: Packet, cut: int, more: bytes) -> None:
    data = large.encode()
    changed = data[: cut % len(data)] + more
    with pytest.raises(DecodeError):
        Packet.decode(changed if len(changed) < len(data) else data + b"\x00")


def test_other_versions_are_refused(large: Packet) -> None:
    with pytest.raises(DecodeError, match="version 1"):
        Packet.decode(b"\x02" + large.encode()[1:])


# What cannot be a packet.


def test_what_is_missing(large: Packet) -> None:
    for index in range(len(large.confirmed)):
        rest = large.confirmed[:index] + large.confirmed[index + 1 :]
        with pytest.raises(DecodeError, match="the transaction that input"):
            replace(large, confirmed=rest)
    for index in range(len(large.unconfirmed)):
        rest_ = large.unconfirmed[:index] + large.unconfirmed[index + 1 :]
        with pytest.raises(DecodeError, match="the transaction that input"):
            replace(large, unconfirmed=rest_)


def test_what_is_needless(chain: PayChain, large: Packet) -> None:
    needless = (*large.confirmed, chain.proof(chain.blocks[2].transactions[0]))
    ordered = tuple(sorted(needless, key=lambda item: (item.height, item.position)))
    with pytest.raises(DecodeError, match="no transaction that the payment does not build on"):
        replace(large, confirmed=ordered)
    with pytest.raises(DecodeError, match="no transaction that the payment does not build on"):
        replace(large, unconfirmed=(*large.unconfirmed, pays_bob(funding(1))))
    with pytest.raises(DecodeError, match="no transaction that the payment does not build on"):
        replace(large, unconfirmed=(*large.unconfirmed, large.transaction))


def test_what_is_there_twice(large: Packet) -> None:
    with pytest.raises(DecodeError, match="once"):
        replace(large, unconfirmed=(*large.unconfirmed, large.unconfirmed[0]))
    with pytest.raises(DecodeError, match="proofs by height and position"):
        replace(large, confirmed=(large.confirmed[0], *large.confirmed))
    again = replace(large.confirmed[-1], position=3)
    with pytest.raises(DecodeError, match="once"):
        replace(large, confirmed=(*large.confirmed, again))


def test_what_is_out_of_order(large: Packet) -> None:
    with pytest.raises(DecodeError, match="proofs by height and position"):
        replace(large, confirmed=large.confirmed[::-1])
    with pytest.raises(DecodeError, match="parents first, by inputs"):
        replace(large, unconfirmed=large.unconfirmed[::-1])


def test_two_blocks_at_one_height(large: Packet) -> None:
    other = large.confirmed[2]
    moved_down = replace(large.confirmed[1], height=2)
    with pytest.raises(DecodeError, match="one block at a height"):
        replace(large, confirmed=(large.confirmed[0], other, replace(moved_down, position=3)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"position": 4}, "a position inside the tree"),
        ({"position": 0}, "position 0"),
        ({"branch": (bytes(32),)}, "as deep as"),
        ({"transaction": funding(1)}, "no witness"),
        ({"coinbase": bare(funding(1))}, "a coinbase"),
    ],
)
def test_proofs_that_cannot_be(chain: PayChain, change: dict[str, object], expected: str) -> None:
    proof = chain.proof(funding(1))
    with pytest.raises(DecodeError, match=expected):
        replace(proof, **change)  # type: ignore[arg-type]


def test_a_reward_with_another_proof_than_its_blocks_coinbase(chain: PayChain) -> None:
    reward = chain.blocks[1].transactions[0]
    proof = chain.proof(reward)
    with pytest.raises(DecodeError, match="one coinbase of a block"):
        replace(proof, branch=proof.branch[::-1])


def test_a_proof_alone(chain: PayChain) -> None:
    one, other = chain.proof(funding(2)), chain.proof(funding(3))
    for proof in (one, other, chain.proof(chain.blocks[1].transactions[0])):
        assert Confirmed.decode(proof.encode()) == proof
        assert proof.encode() in make_packet_of(proof).encode()
    data = chain.packet(pays_bob(funding(2), funding(3)), funding(2), funding(3)).encode()
    two = data[2 : data.index(pays_bob(funding(2), funding(3)).raw) - 1]
    with pytest.raises(DecodeError, match="the proof of one transaction"):
        Confirmed.decode(two)
    with pytest.raises(DecodeError, match="the end"):
        Confirmed.decode(one.encode() + b"\x00")


def make_packet_of(proof: Confirmed) -> Packet:
    """Somebody spends its first output."""
    return make_packet(pays_bob(proof.transaction), [proof])


# Limits.


def row(parent: Transaction, length: int) -> list[Transaction]:
    """So many unconfirmed transactions, one on the other."""
    found: list[Transaction] = []
    for _ in range(length):
        parent = moved(parent)
        found.append(parent)
    return found


def test_a_row_of_25_is_the_longest(chain: PayChain) -> None:
    parents = row(funding(1), MAX_DEPTH - 1)
    packet = chain.packet(pays_bob(parents[-1]), funding(1), *parents)
    assert Packet.decode(packet.encode()).unconfirmed == tuple(parents)
    parents = row(funding(1), MAX_DEPTH)
    with pytest.raises(DecodeError, match="at most 25 unconfirmed"):
        chain.packet(pays_bob(parents[-1]), funding(1), *parents)


def test_a_row_is_as_long_as_its_longest_way(chain: PayChain) -> None:
    """A transaction that was met near the payment may also stand deep below it."""
    split = ALICE.pay(
        [coin_of(funding(1))], [TxOut(COIN, ALICE.script), TxOut(COIN - 500, ALICE.script)]
    )
    parents = [moved(split)]
    for _ in range(MAX_DEPTH - 2):
        parents.append(moved(parents[-1]))
    payment = ALICE.pay([coin_of(split, 1), coin_of(parents[-1])], [TxOut(COIN, BOB.script)])
    with pytest.raises(DecodeError, match="at most 25 unconfirmed"):
        chain.packet(payment, funding(1), split, *parents)
    payment = ALICE.pay([coin_of(split, 1), coin_of(parents[-2])], [TxOut(COIN, BOB.script)])
    assert chain.packet(payment, funding(1), split, *parents[:-1])


def test_500_inputs_are_the_most() -> None:
    wide = CAROL.pay([made_up_coin("wide")], [TxOut(10_000, ALICE.script)] * MAX_PACKET_INPUTS)
    chain = PayChain()
    chain.mine(wide)
    coins = [coin_of(wide, index) for index in range(MAX_PACKET_INPUTS)]
    first = ALICE.pay(coins[:1], [TxOut(9_000, ALICE.script)])
    outputs = [TxOut(COIN, BOB.script)]
    assert chain.packet(ALICE.pay([*coins[2:], coin_of(first)], outputs), wide, first)
    with pytest.raises(DecodeError, match="at most 500 inputs"):
        chain.packet(ALICE.pay([*coins[1:], coin_of(first)], outputs), wide, first)


def test_400_kilobytes_are_the_most(chain: PayChain) -> None:
    heavy = pays_bob(funding(1))
    outputs = [*heavy.outputs, TxOut(0, b"\x6a" + bytes(MAX_PACKET_BYTES))]
    packet = chain.packet(Transaction.build(2, heavy.inputs, outputs), funding(1))
    with pytest.raises(DecodeError, match="at most 400000 bytes"):
        Packet.decode(packet.encode())


def test_a_tree_is_as_high_as_that_of_a_block(chain: PayChain) -> None:
    proof = chain.proof(funding(1))
    branch = (bytes(32),) * (MAX_BRANCH + 1)
    high = replace(proof, branch=branch, coinbase_branch=branch)
    packet = Packet(pays_bob(funding(1)), (high,), ())
    with pytest.raises(DecodeError, match="at most 15 levels"):
        Packet.decode(packet.encode())


def test_a_block_of_nothing(chain: PayChain) -> None:
    proof = chain.proof(funding(1))
    data = chain.packet(pays_bob(funding(1)), funding(1)).encode()
    head = data.index(b"\x01" + (2).to_bytes(4, "little") + proof.transaction.raw)
    with pytest.raises(DecodeError, match="a transaction of this block"):
        Packet.decode(data[:head] + b"\x00" + data[head + 1 :])


def test_what_is_not_needed_is_left_out_when_a_packet_is_made(chain: PayChain) -> None:
    proofs = [chain.proof(funding(3)), chain.proof(funding(1))]
    packet = make_packet(pays_bob(funding(1)), proofs, [moved(funding(3))])
    assert packet == chain.packet(pays_bob(funding(1)), funding(1))


def test_a_proof_from_a_block_with_nothing_else() -> None:
    chain = PayChain()
    reward = chain.mine().transactions[0]
    proof = Confirmed.from_block(chain.blocks[1], 1, 0)
    assert proof.branch == proof.coinbase_branch == ()
    packet = make_packet(pays_bob(reward, payer=CAROL), [proof])
    assert Packet.decode(packet.encode()) == packet
