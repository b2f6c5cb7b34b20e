"""Tricks with packets, each of them known and named, and how each is refused.

What `test_mutatedpackets` changes at random, these do on purpose: every packet here is well made by
one who knows the rules, has keys, and for some of them has mined a block of his own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from axon.errors import DecodeError
from axon.node.spends import Spent
from axon.payments.coinsfound import found_verdict
from axon.payments.headerchain import BestHeaders
from axon.payments.packet import Confirmed, Packet, bare
from axon.payments.packetbuilder import make_packet
from axon.payments.proof import check_packet
from axon.payments.verdict import CoinClaim, PaymentLevel, Verdict
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import Txid, sha256d
from axon.primitives.merkle import merkle_branch, merkle_root
from axon.primitives.transaction import (
    COIN,
    NULL_OUTPOINT,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from tests.payments.payscene import (
    ALICE,
    BOB,
    POLICY,
    WANTED,
    PayChain,
    coin_of,
    funding,
    kernel,
    pays_bob,
)


@dataclass(frozen=True)
class Offered:
    """What comes, and the chain that it is held against.

    Args:
        data: the bytes of a packet.
        chain: the payee's.
    """

    data: bytes
    chain: PayChain

    @classmethod
    def of(cls, packet: Packet, chain: PayChain) -> Offered:
        """A packet."""
        return cls(packet.encode(), chain)


def judged(data: bytes, chain: PayChain, headers: BestHeaders | None = None) -> Verdict:
    """What the payee makes of it: the check of the packet, then that of its coins.

    Args:
        headers: those of the payee, if they are not the chain's.

    Raises:
        DecodeError: it is no packet.
    """
    packet = Packet.decode(data)
    checked = check_packet(packet, WANTED, headers or chain.headers, kernel, POLICY)
    if checked.verdict.level is not PaymentLevel.FUNDED:
        assert not checked.claims, "what is not proved claims nothing"
        return checked.verdict
    spent, txid = _spent(checked.claims, chain), packet.transaction.txid
    return checked.verdict if spent is None else found_verdict(spent, txid, chain.height)


def refusal(data: bytes, chain: PayChain, headers: BestHeaders | None = None) -> str:
    """The name of the refusal, or what was expected of a packet; empty if it is believed."""
    try:
        verdict = judged(data, chain, headers)
    except DecodeError as error:
        return f"no packet: {error}"
    if verdict.level is not PaymentLevel.REFUSED:
        return ""
    assert verdict.detail, "a refusal is said in a sentence, too"
    return verdict.reason


def _spent(claims: Iterable[CoinClaim], chain: PayChain) -> Spent | None:
    """What a light client finds when it looks the coins up in blocks."""
    wanted = {claim.outpoint: claim.height for claim in claims}
    for height, block in enumerate(chain.blocks):
        for item in block.transactions:
            for point in item.prevouts:
                if point in wanted and height >= wanted[point]:
                    return Spent(point, item.txid, height, block.hash)
    return None


@cache
def _chain() -> PayChain:
    """Block 1 has a reward of Alice's; 2 and 3 coins of hers; 4 spends one of them."""
    chain = PayChain()
    chain.mine(funding("beside"), miner=ALICE.script)
    chain.mine(*[funding(number) for number in range(3)])
    chain.mine(*[funding(number) for number in range(3, 6)])
    chain.mine(_spender())
    chain.pass_blocks(4)
    return chain


def _spender() -> Transaction:
    return ALICE.pay([coin_of(funding(0))], [TxOut(COIN, ALICE.script)])


def _short(rng: Random, spends: TxIn | None = None) -> Transaction:
    """A transaction of 64 bytes with 2 BTC for anybody."""
    entry = spends or TxIn(outpoint(Txid(rng.randbytes(32)), 0))
    output = TxOut(2 * COIN, b"\x51\x02" + rng.randbytes(2))
    return Transaction.build(rng.getrandbits(31), [entry], [output])


def _signed(*parents: Transaction) -> Transaction:
    return ALICE.pay([coin_of(item) for item in parents], [TxOut(COIN, BOB.script)])


# The tricks.


def wrong_chain(rng: Random) -> Offered:
    """A coin that a chain of the payer's own has, with as much work as he could afford."""
    other = PayChain()
    name = rng.getrandbits(32)
    other.mine(funding("beside"), miner=BOB.script)
    other.mine(funding(name), *[funding((name, number)) for number in range(rng.randrange(4))])
    return Offered.of(other.packet(pays_bob(funding(name)), funding(name)), _chain())


def spent_coin(rng: Random) -> Offered:
    """A good proof of a coin that a later block has spent."""
    parents = [funding(0), *[funding(number) for number in range(1, rng.randint(1, 5))]]
    rng.shuffle(parents)
    return Offered.of(_chain().packet(pays_bob(*parents), *parents), _chain())


def spent_beside(rng: Random) -> Offered:
    """The same, and what has spent the coin is shown in the packet as well."""
    parents = [funding(0), _spender()]
    rng.shuffle(parents)
    return Offered.of(_chain().packet(pays_bob(*parents), *parents), _chain())


def immature_coin(rng: Random) -> Offered:
    """A reward that blocks may not spend yet."""
    reward = _chain().blocks[1].transactions[0]
    parents = [reward, funding(rng.randrange(1, 6))]
    rng.shuffle(parents)
    return Offered.of(_chain().packet(pays_bob(*parents), *parents), _chain())


def reordered_proofs(rng: Random) -> Offered:
    """All that there should be, block after block, but not by height."""
    chain = _chain()
    parents = [funding(rng.randrange(1, 3)), funding(rng.randrange(3, 6))]
    payment = pays_bob(*parents)
    proofs = [chain.proof(item).encode() for item in reversed(parents)]
    blocks = bytes((1,)) + compact_size(len(proofs)) + b"".join(proofs)
    return Offered(blocks + compact_size(0) + payment.raw, chain)


def reordered_ancestors(rng: Random) -> Offered:
    """Unconfirmed transactions with children first."""
    parent = funding(rng.randrange(1, 6))
    first = ALICE.pay([coin_of(parent)], [TxOut(2 * COIN - 500, ALICE.script)])
    second = ALICE.pay([coin_of(first)], [TxOut(2 * COIN - 1_000, ALICE.script)])
    proof = bytes((1,)) + compact_size(1) + _chain().proof(parent).encode()
    waiting = compact_size(2) + second.raw + first.raw
    return Offered(proof + waiting + pays_bob(second).raw, _chain())


def inner_node(rng: Random) -> Offered:
    """Two txids that together are a transaction of 64 bytes, said to be one level higher."""
    chain = PayChain()
    first = chain.mine().transactions[0]
    node = _short(rng)
    left, right = node.stripped[:32], node.stripped[32:]
    leaves = [first.txid, rng.randbytes(32), left, right]
    block_hash = chain.mine_root(merkle_root(leaves))
    above = [sha256d(leaves[0] + leaves[1]), node.txid]
    proof = Confirmed(
        node, 2, block_hash, 1, merkle_branch(above, 1), bare(first), merkle_branch(above, 0)
    )
    return Offered.of(Packet(_signed(node), (proof,), ()), chain)


def deeper_leaf(rng: Random) -> Offered:
    """A mined transaction of 64 bytes whose half is the txid of a coin that never was."""
    chain = PayChain()
    first = chain.mine().transactions[0]
    fake, left = bare(funding(rng.getrandbits(32))), rng.randbytes(32)
    leaf = sha256d(left + fake.txid)
    block_hash = chain.mine_root(merkle_root([first.txid, leaf]))
    shown = (rng.choice((leaf, left, fake.txid)), leaf)
    proof = Confirmed(fake, 2, block_hash, 3, (left, first.txid), bare(first), shown)
    return Offered.of(Packet(pays_bob(fake), (proof,), ()), chain)


def short_parent(rng: Random) -> Offered:
    """A transaction of 64 bytes that was truly mined."""
    chain, short = PayChain(), _short(rng)
    chain.mine(short, funding(1))
    return Offered.of(chain.packet(_signed(short), short), chain)


def short_ancestor(rng: Random) -> Offered:
    """One that no block has."""
    parent = funding(rng.randrange(1, 6))
    short = _short(rng, TxIn(coin_of(parent).outpoint))
    packet = make_packet(_signed(short), [_chain().proof(parent)], [short])
    return Offered.of(packet, _chain())


def short_coinbase(rng: Random) -> Offered:
    """A coinbase of 64 bytes, which shows no depth."""
    chain = PayChain()
    script = b"\x51" + rng.randbytes(1)
    short = Transaction.build(2, [TxIn(NULL_OUTPOINT, rng.randbytes(2))], [TxOut(0, script)])
    parent = bare(funding(rng.getrandbits(32)))
    tree = [short.txid, parent.txid]
    block_hash = chain.mine_root(merkle_root(tree))
    proof = Confirmed(
        parent, 1, block_hash, 1, merkle_branch(tree, 1), short, merkle_branch(tree, 0)
    )
    return Offered.of(Packet(pays_bob(parent), (proof,), ()), chain)


def copied_leaf(rng: Random) -> Offered:
    """The copy of the last transaction that evens out a tree (CVE-2012-2459)."""
    chain, parent = PayChain(), funding(rng.getrandbits(32))
    chain.mine(funding("beside"), parent)
    packet = chain.packet(pays_bob(parent), parent)
    copy = replace(packet.confirmed[0], position=3)
    return Offered.of(replace(packet, confirmed=(copy,)), chain)


TRICKS: dict[Callable[[Random], Offered], str] = {
    wrong_chain: "block-not-in-chain",
    spent_coin: "coin-spent",
    spent_beside: "spent-twice",
    immature_coin: "bad-txns-premature-spend-of-coinbase",
    reordered_proofs: "no packet: expected proofs by height and position",
    reordered_ancestors: "no packet: expected unconfirmed transactions with parents first",
    inner_node: "inner-node-size",
    deeper_leaf: "bad-coinbase-branch",
    short_parent: "inner-node-size",
    short_ancestor: "inner-node-size",
    short_coinbase: "inner-node-size",
    copied_leaf: "repeated-leaf",
}
"""Each, and how its refusal begins."""
