"""10,000 packets that were tampered with: none is believed, and each refusal has a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import pytest

from axon.errors import DecodeError
from axon.payments.headerchain import BestHeaders
from axon.payments.packet import Confirmed, Packet
from axon.payments.packetbuilder import make_packet
from axon.payments.proof import check_packet
from axon.payments.verdict import PaymentLevel
from axon.primitives.hashes import BlockHash, Txid, sha256d
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxIn, TxOut, outpoint
from tests.payments.packettricks import TRICKS, Offered, judged, refusal, spent_coin
from tests.payments.payscene import (
    ALICE,
    CAROL,
    MALLORY,
    POLICY,
    WANTED,
    PayChain,
    coin_of,
    funding,
    kernel,
    pays_bob,
)

SEEDS = range(10_000)


@dataclass(frozen=True)
class Stage:
    """Good packets, and the chains that they are held against."""

    packets: tuple[Packet, ...]
    ripe: PayChain
    forked: BestHeaders
    others: tuple[Confirmed, ...]
    """Proofs of the same chain that are of something else."""


@cache
def stage() -> Stage:
    chain, fork = PayChain(), PayChain()
    reward = chain.mine(funding("beside"), miner=ALICE.script).transactions[0]
    fork.mine(funding("beside"), miner=ALICE.script)
    for each in (chain, fork):
        each.mine(*[funding(number) for number in range(4)])
        each.mine(*[funding(number) for number in range(4, 9)])
        each.mine(funding(9), miner=MALLORY.script if each is fork else CAROL.script)
        each.pass_blocks(97)
    first = ALICE.pay([coin_of(funding(5))], [TxOut(2 * COIN - 500, ALICE.script)])
    second = ALICE.pay(
        [coin_of(first), coin_of(funding(1))], [TxOut(4 * COIN - 1_500, ALICE.script)]
    )
    packets = (
        chain.packet(pays_bob(funding(2)), funding(2)),
        chain.packet(pays_bob(funding(9)), funding(9)),
        chain.packet(pays_bob(reward, funding(8)), reward, funding(8)),
        chain.packet(pays_bob(*map(funding, range(9))), *map(funding, range(9))),
        chain.packet(pays_bob(second), first, second, funding(5), funding(1)),
    )
    others = [chain.proof(item) for block in chain.blocks[1:5] for item in block.transactions]
    return Stage(packets, chain, fork.headers, tuple(others))


# Ways to tamper: with the bytes, then with a value of the packet.


def flip(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(data: bytes, rng: Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.choice((1, 4, 32))
    return data[:at] + rng.randbytes(size)[: len(data) - at] + data[at + size :]


def truncate(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data))]


def extend(data: bytes, rng: Random) -> bytes:
    return data + rng.randbytes(rng.randint(1, 40))


def cut_out(data: bytes, rng: Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.choice((1, 4, 32, 64))
    return data[:at] + data[at + size :]


def repeat(data: bytes, rng: Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.choice((1, 4, 32, 64))
    return data[:at] + data[at : at + size] + data[at:]


BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    flip,
    overwrite,
    truncate,
    extend,
    cut_out,
    repeat,
)


def height(proof: Confirmed, rng: Random) -> Confirmed:
    return replace(proof, height=proof.height + rng.choice((-1, 1, 2, 500, 2**31)))


def block_hash(proof: Confirmed, rng: Random) -> Confirmed:
    return replace(proof, block_hash=BlockHash(rng.randbytes(32)))


def position(proof: Confirmed, rng: Random) -> Confirmed:
    if rng.getrandbits(1):
        return replace(proof, position=proof.position ^ 1 << rng.randrange(len(proof.branch)))
    return replace(proof, position=rng.randrange(2 << len(proof.branch)))


def branch(proof: Confirmed, rng: Random) -> Confirmed:
    return replace(proof, branch=tampered(proof.branch, rng))


def coinbase_branch(proof: Confirmed, rng: Random) -> Confirmed:
    return replace(proof, coinbase_branch=tampered(proof.coinbase_branch, rng))


def both_branches(proof: Confirmed, rng: Random) -> Confirmed:
    """As one who says that the tree is deeper, or higher."""
    if rng.getrandbits(1):
        node = rng.randbytes(32)
        at = rng.randrange(len(proof.branch) + 1)
        return replace(
            proof,
            branch=(*proof.branch[:at], node, *proof.branch[at:]),
            coinbase_branch=(*proof.coinbase_branch[:at], node, *proof.coinbase_branch[at:]),
            position=proof.position * 2 + rng.getrandbits(1) if proof.position else 0,
        )
    return replace(
        proof,
        branch=proof.branch[1:],
        coinbase_branch=proof.coinbase_branch[1:],
        position=proof.position // 2,
    )


def tampered(branch: tuple[bytes, ...], rng: Random) -> tuple[bytes, ...]:
    nodes = list(branch)
    at = rng.randrange(len(nodes))
    way = rng.randrange(5)
    if way == 0:
        nodes[at] = rng.randbytes(32)
    elif way == 1:
        nodes.reverse()
    elif way == 2:
        rng.shuffle(nodes)
    elif way == 3:
        del nodes[at]
    else:
        nodes[at] = sha256d(nodes[at])
    return tuple(nodes)


def other_coinbase(proof: Confirmed, rng: Random) -> Confirmed:
    other = rng.choice(stage().others)
    return replace(proof, coinbase=other.coinbase)


def other_proof(proof: Confirmed, rng: Random) -> Confirmed:
    """The proof of another transaction for this one."""
    other = rng.choice(stage().others)
    return replace(other, transaction=proof.transaction)


def richer(proof: Confirmed, rng: Random) -> Confirmed:
    """Another transaction than the one that was mined."""
    return replace(proof, transaction=changed(proof.transaction, rng))


PROOFS: tuple[Callable[[Confirmed, Random], Confirmed], ...] = (
    height,
    block_hash,
    position,
    branch,
    coinbase_branch,
    both_branches,
    other_coinbase,
    other_proof,
    richer,
)


def changed(transaction: Transaction, rng: Random) -> Transaction:
    """Another transaction: one field is not what it was."""
    version, locktime = transaction.version, transaction.locktime
    inputs, outputs = list(transaction.inputs), list(transaction.outputs)
    entry, output = rng.randrange(len(inputs)), rng.randrange(len(outputs))
    way = rng.randrange(10)
    if way == 0:
        version ^= 1 << rng.randrange(32)
    elif way == 1:
        locktime ^= 1 << rng.randrange(32)
    elif way == 2:
        inputs[entry] = replace(inputs[entry], sequence=rng.getrandbits(32))
    elif way == 3:
        inputs[entry] = replace(inputs[entry], prevout=moved(inputs[entry].prevout, rng))
    elif way == 4:
        inputs[entry] = replace(inputs[entry], script_sig=rng.randbytes(3))
    elif way == 5:
        inputs[entry] = replace(inputs[entry], witness=shaken(inputs[entry].witness, rng))
    elif way == 6:
        outputs[output] = replace(outputs[output], amount_sat=rng.getrandbits(rng.choice((20, 48))))
    elif way == 7:
        outputs[output] = replace(outputs[output], script_pubkey=MALLORY.script)
    elif way == 8:
        del outputs[output]
    else:
        rng.shuffle(inputs)
        outputs.append(TxOut(rng.getrandbits(30), MALLORY.script))
    return Transaction.build(version, inputs, outputs, locktime)


def moved(point: OutPoint, rng: Random) -> OutPoint:
    return outpoint(Txid(point[:32]), rng.randrange(4))


def shaken(witness: tuple[bytes, ...], rng: Random) -> tuple[bytes, ...]:
    items = list(witness) or [b""]
    at = rng.randrange(len(items))
    way = rng.randrange(4)
    if way == 0:
        items[at] = flip(items[at], rng) if items[at] else b"\x01"
    elif way == 1:
        items.reverse()
    elif way == 2:
        del items[at]
    else:
        items.append(rng.randbytes(2))
    return tuple(items)


def with_proof(packet: Packet, rng: Random) -> Packet:
    proofs = list(packet.confirmed)
    at = rng.randrange(len(proofs))
    proofs[at] = rng.choice(PROOFS)(proofs[at], rng)
    return replace(packet, confirmed=tuple(proofs))


def with_payment(packet: Packet, rng: Random) -> Packet:
    return replace(packet, transaction=changed(packet.transaction, rng))


def with_ancestor(packet: Packet, rng: Random) -> Packet:
    ancestors = list(packet.unconfirmed)
    if not ancestors:
        return with_payment(packet, rng)
    at = rng.randrange(len(ancestors))
    ancestors[at] = changed(ancestors[at], rng)
    return replace(packet, unconfirmed=tuple(ancestors))


def with_less(packet: Packet, rng: Random) -> Packet:
    proofs, ancestors = list(packet.confirmed), list(packet.unconfirmed)
    if ancestors and rng.getrandbits(1):
        del ancestors[rng.randrange(len(ancestors))]
    else:
        del proofs[rng.randrange(len(proofs))]
    return replace(packet, confirmed=tuple(proofs), unconfirmed=tuple(ancestors))


def with_more(packet: Packet, rng: Random) -> Packet:
    proofs = [*packet.confirmed, rng.choice(stage().others)]
    if rng.getrandbits(1):
        proofs.sort(key=lambda item: (item.height, item.position))
    return replace(packet, confirmed=tuple(proofs))


def reordered(packet: Packet, rng: Random) -> Packet:
    proofs, ancestors = list(packet.confirmed), list(packet.unconfirmed)
    rng.shuffle(proofs)
    rng.shuffle(ancestors)
    return replace(packet, confirmed=tuple(proofs), unconfirmed=tuple(ancestors))


def signed_anew(packet: Packet, rng: Random) -> Packet:
    """By one who has the key: a coin that was never mined, at the place of one that was."""
    proof = stage().packets[0].confirmed[0]
    parent = changed(proof.transaction, rng)
    outputs = [TxOut(3 * COIN, ALICE.script), *parent.outputs[1:]]
    parent = Transaction.build(
        parent.version, [replace(item, witness=()) for item in parent.inputs], outputs
    )
    return Packet(pays_bob(parent), (replace(proof, transaction=parent),), ())


def inner_node(packet: Packet, rng: Random) -> Packet:
    """A transaction of 64 bytes, in the place of the node above one that was mined."""
    proof = stage().packets[0].confirmed[0]
    entry = TxIn(outpoint(Txid(rng.randbytes(32)), 0))
    output = TxOut(2 * COIN, b"\x51\x02" + rng.randbytes(2))
    node = Transaction.build(rng.getrandbits(32), [entry], [output])
    higher = replace(
        proof,
        transaction=node,
        position=proof.position >> 1,
        branch=proof.branch[1:],
        coinbase_branch=proof.coinbase_branch[1:],
    )
    return Packet(pays_bob(node), (higher,), ())


def rival(packet: Packet, rng: Random) -> Packet:
    """Two inputs of one coin, by one who has its key."""
    parent = funding(rng.randrange(9))
    proofs = [stage().ripe.proof(parent)]
    return make_packet(pays_bob(*[parent] * rng.randint(2, 4)), proofs)


VALUES: tuple[Callable[[Packet, Random], Packet], ...] = (
    with_proof,
    with_proof,
    with_payment,
    with_payment,
    with_ancestor,
    with_less,
    with_more,
    reordered,
    signed_anew,
    inner_node,
    rival,
)


def tampered_with(rng: Random) -> tuple[bytes, PayChain, BestHeaders]:
    """Bytes that are of no good packet, or headers that are not those of the packet."""
    scene = stage()
    way = rng.randrange(22)
    if way == 0:
        return scene.packets[1].encode(), scene.ripe, scene.forked
    if way == 1:  # The reward is not ripe yet.
        tip = scene.ripe.tree.best.ancestor(99 - rng.randrange(90))
        assert tip is not None
        return scene.packets[2].encode(), scene.ripe, BestHeaders(tip)
    if way < 4:
        offered = rng.choice(tuple(TRICKS))(rng)
        return offered.data, offered.chain, offered.chain.headers
    packet = rng.choice(scene.packets)
    good = packet.encode()
    while True:
        if way < 10:
            data = rng.choice(BYTES)(good, rng)
        else:
            data = rng.choice(VALUES)(packet, rng).encode()
        if data != good:
            return data, scene.ripe, scene.ripe.headers


def outcome(seed: int) -> str:
    """What comes of what a seed draws: the name of the refusal, or `no packet`."""
    try:
        data, chain, headers = tampered_with(Random(seed))
    except DecodeError:
        return "no packet"  # Such values do not even make one.
    reason = refusal(data, chain, headers)
    assert reason, f"seed {seed} is believed"
    return reason.partition(":")[0]


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_a_known_trick_is_refused_by_its_name(trick: Callable[[Random], Offered]) -> None:
    for seed in range(8):
        offered = trick(Random(seed))
        assert refusal(offered.data, offered.chain).startswith(TRICKS[trick]), f"seed {seed}"


def test_a_spent_coin_is_refused_with_the_block_that_has_spent_it() -> None:
    offered = spent_coin(Random(1))
    verdict = judged(offered.data, offered.chain)
    assert verdict.level is PaymentLevel.REFUSED
    assert "in block 4" in verdict.detail


@pytest.mark.long
def test_no_packet_that_was_tampered_with_is_believed() -> None:
    for packet in stage().packets:
        checked = check_packet(packet, WANTED, stage().ripe.headers, kernel, POLICY)
        assert checked.verdict.level is PaymentLevel.FUNDED, checked.verdict
    found = Counter(outcome(seed) for seed in SEEDS)
    assert found.total() == len(SEEDS)
    assert 1_000 < found["no packet"] < 7_000, found
    assert set(found) >= {
        "block-above-tip",
        "block-not-in-chain",
        "coin-spent",
        "bad-coinbase-branch",
        "bad-branch",
        "repeated-leaf",
        "inner-node-size",
        "wrong-address",
        "wrong-amount",
        "no-such-output",
        "spent-twice",
        "script-verify-failed",
        "bad-txns-in-belowout",
        "bad-txns-premature-spend-of-coinbase",
        "non-final",
        "non-BIP68-final",
        "version",
    }, found
