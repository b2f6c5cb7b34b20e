"""Every verdict here is compared with libbitcoinkernel's on the same blocks."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from axon.consensus.kernel import Kernel
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.consensus.validator import ValidationResult
from axon.errors import ConfigError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import NETWORKS, REGTEST
from axon.primitives.script import push_number
from axon.primitives.transaction import (
    COIN,
    NULL_OUTPOINT,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from axon.primitives.verdict import Accepted, Rejected
from tests.consensus.chains import (
    ANYONE,
    ANYONE_WITNESS,
    GENESIS,
    GENESIS_SPOT,
    START_TIME,
    Spot,
    block_on,
    chain_on,
    coinbase,
    mine,
    spend,
    spot_of,
)

BASE = chain_on(GENESIS_SPOT, 110)
TIP = spot_of(BASE[-1], 110)
MATURE = [block.transactions[0] for block in BASE[:10]]


def now_us() -> int:
    return int(time.time() * 1_000_000)  # The kernel follows the machine's clock.


@dataclass
class Pair:
    """The kernel and an in-memory validator, fed alike."""

    kernel: Kernel
    validator: MemoryValidator

    def feed(self, raw: bytes) -> ValidationResult:
        told, expected = self.validator.process_block(raw), self.kernel.process_block(raw)
        assert told == expected
        return told

    def feed_header(self, header: Header) -> None:
        assert self.validator.process_header(header.raw) == self.kernel.process_header(header.raw)

    def compare(self, blocks: list[Block]) -> None:
        assert self.validator.tip() == self.kernel.tip()
        for height in range(self.kernel.tip()[1] + 2):
            assert self.validator.hash_at(height) == self.kernel.hash_at(height)
        for block in [GENESIS, *blocks]:
            name = block.hash
            assert self.validator.height_of(name) == self.kernel.height_of(name)
            assert self.validator.header(name) == self.kernel.header(name)
            assert self.validator.is_active(name) == self.kernel.is_active(name)
            assert self.validator.read_block(name) == self.kernel.read_block(name)
            if self.kernel.is_active(name):
                assert self.validator.read_spent(name) == self.kernel.read_spent(name)
                assert self.validator.read_spent_sums(name) == self.kernel.read_spent_sums(name)


@pytest.fixture
def pair() -> Iterator[Pair]:
    kernel = Kernel(REGTEST, threads=0)
    yield Pair(kernel, MemoryValidator(World(), now_us))
    kernel.close()


def on_base(pair: Pair) -> Pair:
    for block in BASE:
        pair.feed(block.raw)
    return pair


def amounts(*values: int) -> Transaction:
    return coinbase(111, outputs=[TxOut(value, ANYONE) for value in values])


def taking(*inputs: TxIn) -> Transaction:
    return Transaction.build(2, inputs, [TxOut(1, ANYONE)])


def bad_blocks() -> dict[str, Block]:
    """One block for each way of being refused after `BASE`, by the name of the way."""
    one = spend([(MATURE[0], 0)])
    then = spend([(one, 0)])
    plain, paid = TxIn(outpoint(MATURE[0].txid, 0), b""), block_on(TIP, [one], fees_sat=1000)
    base = paid.transactions[0]
    first = base.inputs[0]
    bare = Transaction.build(2, [TxIn(first.prevout, first.script_sig)], base.outputs)
    wrong = TxIn(first.prevout, first.script_sig, witness=(b"\1" * 32,))
    huge = TxIn(plain.prevout, witness=(bytes(3_999_500), *ANYONE_WITNESS))
    large = coinbase(111, outputs=[TxOut(0, b"\x6a" + bytes(9000))] * 112)
    twice = mine(TIP.hash, [coinbase(111), taking(plain), spend([(MATURE[1], 0)])], TIP.time + 1)
    return {
        "bad-cb-amount": block_on(TIP, [one], fees_sat=1001),
        "bad-txns-premature-spend-of-coinbase": block_on(
            TIP, [spend([(BASE[11].transactions[0], 0)])]
        ),
        "bad-txns-inputs-missingorspent": block_on(TIP, [one, spend([(MATURE[0], 0)], 5)]),
        "bad-txns-inputs-missingorspent (order)": block_on(TIP, [then, one]),
        "bad-txns-inputs-missingorspent (spent)": block_on(TIP, [one, then, spend([(one, 0)], 7)]),
        "bad-txns-in-belowout": block_on(TIP, [spend([(MATURE[0], 0)], fee_sat=-5 * COIN)]),
        "bad-txns-in-belowout (one)": block_on(TIP, [spend([(MATURE[0], 0)], fee_sat=-1)]),
        "bad-cb-height": block_on(TIP, base=coinbase(112)),
        "bad-cb-length": block_on(TIP, base=coinbase(111, script_sig=b"o")),
        "bad-cb-length (long)": block_on(TIP, base=coinbase(111, script_sig=b"\1o" + bytes(99))),
        "bad-cb-missing": mine(TIP.hash, [one], TIP.time + 1),
        "bad-cb-multiple": mine(TIP.hash, [coinbase(111), coinbase(111, 1)], TIP.time + 1),
        "bad-blk-length": mine(TIP.hash, [], TIP.time + 1),
        "bad-blk-length (stripped)": block_on(TIP, base=large),
        "bad-blk-weight": block_on(TIP, [taking(huge)]),
        "bad-txnmrklroot": Block.build(paid.header, [base]),
        "bad-txns-duplicate": Block.build(
            twice.header, [*twice.transactions, twice.transactions[2]]
        ),
        "unexpected-witness": mine(TIP.hash, [coinbase(111), one], TIP.time + 1),
        "bad-witness-nonce-size": Block.build(paid.header, [bare, one]),
        "bad-witness-merkle-match": Block.build(
            paid.header, [Transaction.build(2, [wrong], base.outputs), one]
        ),
        "bad-txns-nonfinal": block_on(TIP, [spend([(MATURE[0], 0)], sequence=5, locktime=111)]),
        "bad-txns-nonfinal (time)": block_on(
            TIP, [spend([(MATURE[0], 0)], sequence=5, locktime=TIP.time)]
        ),
        "bad-txns-nonfinal (BIP 68)": block_on(TIP, [spend([(MATURE[0], 0)], sequence=111)]),
        "bad-txns-nonfinal (BIP 68 time)": block_on(
            TIP, [spend([(MATURE[9], 0)], sequence=1 << 22 | 1)]
        ),
        "bad-txns-vin-empty": mine(TIP.hash, [coinbase(111), taking()], TIP.time + 1),
        "bad-txns-vout-empty": block_on(TIP, base=amounts()),
        "bad-txns-vout-negative": block_on(TIP, base=amounts(-1)),
        "bad-txns-vout-toolarge": block_on(TIP, base=amounts(21_000_001 * COIN)),
        "bad-txns-txouttotal-toolarge": block_on(TIP, base=amounts(*[20_000_000 * COIN] * 2)),
        "bad-txns-inputs-duplicate": mine(
            TIP.hash, [coinbase(111), taking(plain, plain)], TIP.time + 1
        ),
        "bad-txns-prevout-null": mine(
            TIP.hash, [coinbase(111), taking(plain, TxIn(NULL_OUTPOINT))], TIP.time + 1
        ),
        "time-too-old": block_on(TIP, time=START_TIME),
        "time-too-new": block_on(TIP, time=int(time.time()) + 8000),
        "bad-version(0x00000003)": mine(TIP.hash, [coinbase(111)], TIP.time + 1, version=3),
        "bad-diffbits": mine(TIP.hash, [coinbase(111)], TIP.time + 1, bits=0x207F_FFFE),
        "prev-blk-not-found": block_on(Spot(BlockHash(b"\1" * 32), 110, TIP.time)),
    }


BAD = bad_blocks()


@pytest.mark.parametrize("way", BAD)
def test_every_refusal_is_the_kernel_s(pair: Pair, way: str) -> None:
    block = BAD[way]
    verdict = on_base(pair).feed(block.raw).verdict
    if way == "bad-txns-vin-empty":  # Without inputs the bytes mean something else (BIP 144).
        assert verdict == Rejected("bad-block-encoding", "Block decode failed")
        return
    assert isinstance(verdict, Rejected)
    assert verdict.reason == way.partition(" ")[0]
    pair.feed_header(block.header)
    pair.feed(block.raw)  # The second time it may have another reason.
    pair.feed(block_on(spot_of(block, 111)).raw)
    good = block_on(TIP, [spend([(MATURE[0], 0)])], tag=5, fees_sat=1000)
    assert pair.feed(good.raw).connected == (good.hash,)
    pair.compare([*BASE, block, good])


def test_times_locked_by_the_past_are_open(pair: Pair) -> None:
    on_base(pair)
    transactions = [
        spend([(MATURE[0], 0)], sequence=5, locktime=110),
        spend([(MATURE[1], 0)], sequence=5, locktime=START_TIME),
        spend([(MATURE[2], 0)], sequence=108),
        spend([(MATURE[3], 0)], sequence=1 << 22),
        spend([(MATURE[4], 0)], sequence=1 << 22 | 0xFFFF, version=1),
        spend([(MATURE[5], 0)], sequence=1 << 31 | 0xFFFF),
    ]
    block = block_on(TIP, transactions, fees_sat=6000)
    assert pair.feed(block.raw).verdict == Accepted()
    pair.compare([block])


def at_time(seconds: int) -> tuple[list[Block], Spot]:
    """Blocks behind `BASE` after which the median of the past is this time, and the last is not."""
    spot, blocks = TIP, []
    for place in range(6):
        block = block_on(spot, tag=place, time=seconds + (place == 5))
        blocks.append(block)
        spot = spot_of(block, spot.height + 1)
    return blocks, spot


AGING = BASE[15].transactions[0]
BORN = sorted(block.header.time for block in BASE[4:15])[5]
"""The median of the past before block 16: from here on its coin ages (BIP 68)."""


@pytest.mark.parametrize(
    ("sequence", "locktime", "past", "passes"),
    [
        (1 << 22 | 1, 0, BORN + 512, True),
        (1 << 22 | 1, 0, BORN + 511, False),
        (1 << 22 | 2, 0, BORN + 1024, True),
        (1 << 22 | 2, 0, BORN + 1023, False),
        (101, 0, TIP.time + 5, True),  # Block 117 on a coin of block 16.
        (102, 0, TIP.time + 5, False),
        (0xFFBF_0000 & ~(1 << 31) | 101, 0, TIP.time + 5, True),  # Other bits mean nothing.
        (5, 116, TIP.time + 5, True),
        (5, 117, TIP.time + 5, False),
        (5, 499_999_999, TIP.time + 5, False),  # Still a height.
        (5, 500_000_000, TIP.time + 5, True),  # A time, long past.
        (5, TIP.time + 4, TIP.time + 5, True),
        (5, TIP.time + 5, TIP.time + 5, False),  # The last block is later; the median is not.
    ],
)
def test_a_lock_opens_at_its_very_block_and_second(
    pair: Pair, sequence: int, locktime: int, past: int, passes: bool
) -> None:
    blocks, spot = at_time(past)
    on_base(pair)
    for block in blocks:
        assert pair.feed(block.raw).connected == (block.hash,)
    locked = spend([(AGING, 0)], sequence=sequence, locktime=locktime)
    found = pair.feed(block_on(spot, [locked], fees_sat=1000).raw)
    assert isinstance(found.verdict, Accepted) == passes
    if not passes:
        assert isinstance(found.verdict, Rejected)
        assert found.verdict.reason == "bad-txns-nonfinal"


def test_one_final_input_does_not_open_a_lock(pair: Pair) -> None:
    on_base(pair)
    plain = spend([(MATURE[0], 0), (MATURE[1], 0)], locktime=111)
    half = Transaction.build(
        2,
        [plain.inputs[0], replace(plain.inputs[1], sequence=5)],
        plain.outputs,
        111,
    )
    refused = pair.feed(block_on(TIP, [half], tag=1, fees_sat=1000).raw).verdict
    assert isinstance(refused, Rejected)
    assert refused.reason == "bad-txns-nonfinal"
    assert pair.feed(block_on(TIP, [plain], tag=2, fees_sat=1000).raw).verdict == Accepted()


def test_what_is_just_allowed_is_so_for_the_kernel_too(pair: Pair) -> None:
    on_base(pair)
    block = block_on(TIP, [spend([(MATURE[0], 0)], fee_sat=0)])
    assert pair.feed(block.raw).connected == (block.hash,)
    longest = push_number(112) + b"\x51" * (100 - len(push_number(112)))
    last = block_on(spot_of(block, 111), base=coinbase(112, script_sig=longest))
    assert len(longest) == 100
    assert pair.feed(last.raw).connected == (last.hash,)
    pair.compare([block, last])


def test_bytes_that_are_no_block_are_the_kernel_s_too(pair: Pair) -> None:
    for raw in (b"", bytes(79), GENESIS.raw[:-1]):
        pair.feed(raw)
    pair.feed(GENESIS.raw)


@pytest.mark.parametrize("seed", range(4))
def test_any_tree_in_any_order_is_validated_alike(pair: Pair, seed: int) -> None:
    rng = random.Random(seed)
    on_base(pair)
    tree: list[tuple[Block, int]] = [
        (block, height) for height, block in enumerate(BASE[100:], 101)
    ]
    made: list[Block] = []
    for tag in range(60):
        parent, height = tree[-1] if rng.random() < 0.6 else rng.choice(tree)
        spot, fees = spot_of(parent, height), 0
        transactions = []
        if rng.random() < 0.5:  # Some are spent twice on a branch, or not mature on it.
            source = BASE[rng.randrange(16)].transactions[0]
            transactions, fees = [spend([(source, 0)], outputs=rng.randint(1, 3))], 1000
        if rng.random() < 0.1:
            fees += 1
        block = block_on(spot, transactions, tag=tag, fees_sat=fees)
        tree.append((block, height + 1))
        made.append(block)
    order = [*made]
    if seed % 2:
        for block in made:
            pair.feed_header(block.header)
        rng.shuffle(order)
    refused = 0
    for block in order:
        refused += isinstance(pair.feed(block.raw).verdict, Rejected)
    assert refused
    pair.compare(made)


def test_a_world_is_validated_once_for_all() -> None:
    world = World()
    validators = [MemoryValidator(world, now_us) for _ in range(3)]
    spot = spot_of(BASE[-1], 110)
    left = block_on(spot, [spend([(MATURE[0], 0)])], tag=1, fees_sat=1000)
    right = block_on(spot, [spend([(MATURE[0], 0)], 2000)], tag=2, fees_sat=2000)
    for validator in validators:
        for block in BASE:
            assert validator.process_block(block.raw).connected == (block.hash,)
    orders = ([left, right], [right, left], [left])
    for validator, order in zip(validators, orders, strict=True):
        for block in order:
            assert validator.process_block(block.raw).verdict == Accepted()
        assert validator.tip() == (order[0].hash, 111)
    assert validators[2].read_block(right.hash) is None
    assert validators[2].height_of(right.hash) is None
    child = block_on(spot_of(right, 111))
    result = validators[0].process_block(child.raw)
    assert (result.disconnected, result.connected) == ((left.hash,), (right.hash, child.hash))
    assert validators[0].read_spent(left.hash) == validators[2].read_spent(left.hash)


FORGED = [
    "bad-txnmrklroot",
    "bad-txns-duplicate",
    "bad-witness-nonce-size",
    "bad-witness-merkle-match",
    "unexpected-witness",
]


@pytest.mark.parametrize("way", FORGED)
def test_a_forgery_does_not_block_the_real_bytes(way: str) -> None:
    world = World()
    first, second, late = (MemoryValidator(world, now_us) for _ in range(3))
    for validator in (first, second, late):
        for block in BASE:
            validator.process_block(block.raw)
    good, forged = forgery(way)
    assert forged.hash == good.hash
    refused = first.process_block(forged.raw)
    assert isinstance(refused.verdict, Rejected)
    assert refused.verdict.reason == way
    assert refused.invalid == ()
    assert first.process_block(forged.raw) == refused
    for validator in (first, second):
        assert validator.process_block(good.raw).connected == (good.hash,)
        assert validator.process_block(forged.raw).connected == ()
        assert validator.read_block(good.hash) == good.raw
    assert late.process_block(forged.raw) == refused  # Though the good one is known to others.
    assert late.process_block(good.raw).connected == (good.hash,)


def forgery(way: str) -> tuple[Block, Block]:
    """A good block, and other bytes under the same header."""
    paid = block_on(TIP, [spend([(MATURE[0], 0)])], fees_sat=1000)
    if way == "unexpected-witness":
        witnessed = spend([(MATURE[0], 0)])
        bare = Transaction.decode(witnessed.stripped)
        good = mine(TIP.hash, [coinbase(111), bare], TIP.time + 1)
        return good, Block.build(good.header, [good.transactions[0], witnessed])
    if way == "bad-txns-duplicate":
        more = [spend([(MATURE[place], 0)]) for place in (0, 1)]
        good = block_on(TIP, more, fees_sat=2000)
        return good, Block.build(good.header, [*good.transactions, good.transactions[2]])
    return paid, BAD[way]


def test_each_validator_has_its_own_clock() -> None:
    world, early = World(), block_on(GENESIS_SPOT, time=START_TIME + 7201)
    ahead = MemoryValidator(world, lambda: (START_TIME + 1) * 1_000_000)
    behind = MemoryValidator(world, lambda: START_TIME * 1_000_000)
    assert ahead.process_block(early.raw).verdict == Accepted()
    refused = behind.process_block(early.raw).verdict
    assert refused == Rejected("time-too-new", "block timestamp too far in the future")


def test_scripts_are_left_out() -> None:
    validator = MemoryValidator(World(), now_us)
    assert validator.verify_scripts(MATURE[0], []) == Accepted()
    validator.close()


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"regtest"}))
def test_real_chains_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="regtest only"):
        World(NETWORKS[name])
