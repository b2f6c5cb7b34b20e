"""Transactions against the reasons for which they are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from axon.mempool.acceptance import OUTPUTS_LOOKED_UP, coins_that_tell, coins_to_find
from axon.mempool.outcome import Admitted, Prepared, Refusal, Refused
from axon.mempool.policy import Policy
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.script import push
from axon.primitives.transaction import (
    COIN,
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
)
from tests.mempool.scene import HEIGHT, PAY, SECOND, START, WITNESS, Scene, consistent, out

KEY = b"\x02" + bytes(32)
P2SH = b"\xa9\x14" + bytes(20) + b"\x87"
P2WSH = b"\x00\x20" + bytes(32)
TAPROOT = b"\x51\x20" + bytes(32)
ANCHOR = bytes.fromhex("51024e73")
DATA = b"\x6a" + push(bytes(20))


def multisig(required: int, total: int) -> bytes:
    return bytes((0x50 + required,)) + push(KEY) * total + bytes((0x50 + total, 0xAE))


def spend(
    scene: Scene,
    outputs: list[TxOut] | None = None,
    script: bytes = PAY,
    script_sig: bytes = b"",
    witness: tuple[bytes, ...] = WITNESS,
    version: int = 2,
    sequence: int = 0xFFFFFFFD,
    locktime: int = 0,
) -> Transaction:
    item = TxIn(scene.coin(script=script), script_sig, sequence, witness)
    made = [TxOut(999_000, PAY)] if outputs is None else outputs
    return Transaction.build(version, [item], made, locktime)


CASES: dict[str, tuple[str, Callable[[Scene], Transaction]]] = {
    "no inputs": (
        "bad-txns-vin-empty",
        lambda _: Transaction.build(2, [], [TxOut(1, PAY)]),
    ),
    "no outputs": ("bad-txns-vout-empty", lambda s: spend(s, [])),
    "too large for any block": (
        "bad-txns-oversize",
        lambda s: spend(s, [TxOut(0, bytes(1_000_000))]),
    ),
    "negative amount": ("bad-txns-vout-negative", lambda s: spend(s, [TxOut(-1, PAY)])),
    "amount too large": (
        "bad-txns-vout-toolarge",
        lambda s: spend(s, [TxOut(MAX_MONEY_SAT + 1, PAY)]),
    ),
    "amounts too large": (
        "bad-txns-txouttotal-toolarge",
        lambda s: spend(s, [TxOut(MAX_MONEY_SAT, PAY), TxOut(1, PAY)]),
    ),
    "input twice": (
        "bad-txns-inputs-duplicate",
        lambda s: Transaction.build(2, [TxIn(point := s.coin()), TxIn(point)], [TxOut(1_000, PAY)]),
    ),
    "null input": (
        "bad-txns-prevout-null",
        lambda s: Transaction.build(2, [TxIn(s.coin()), TxIn(NULL_OUTPOINT)], [TxOut(1_000, PAY)]),
    ),
    "coinbase": (
        "coinbase",
        lambda _: Transaction.build(2, [TxIn(NULL_OUTPOINT, b"\x01\x02")], [TxOut(1_000, PAY)]),
    ),
    "coinbase with a long script": (
        "bad-cb-length",
        lambda _: Transaction.build(2, [TxIn(NULL_OUTPOINT, bytes(101))], [TxOut(1_000, PAY)]),
    ),
    "version 0": ("version", lambda s: spend(s, version=0)),
    "version 4": ("version", lambda s: spend(s, version=4)),
    "too heavy": (
        "tx-size",
        lambda s: spend(
            s, [TxOut(1_000, DATA), TxOut(0, b"\x6a\x4e\xa0\x86\x01\x00" + bytes(100_000))]
        ),
    ),
    "too small": (
        "tx-size-small",
        lambda s: Transaction.build(
            2, [TxIn(s.coin(script=TAPROOT), witness=(bytes(64),))], [TxOut(0, b"\x6a\x00")]
        ),
    ),
    "64 bytes without the witness": (
        "tx-size-small",
        lambda s: spend(s, [TxOut(0, b"\x6a" + push(bytes(2)))], TAPROOT, witness=(bytes(64),)),
    ),
    "long script_sig": ("scriptsig-size", lambda s: spend(s, script_sig=bytes(1_651))),
    "script_sig that computes": (
        "scriptsig-not-pushonly",
        lambda s: spend(s, script_sig=b"\x51\x76"),
    ),
    "odd output": ("scriptpubkey", lambda s: spend(s, [TxOut(1_000, b"\x51\x87")])),
    "multisig of four": (
        "scriptpubkey",
        lambda s: spend(s, [TxOut(10_000, multisig(1, 4))]),
    ),
    "witness version 0 of 10 bytes": (
        "scriptpubkey",
        lambda s: spend(s, [TxOut(10_000, b"\x00\x0a" + bytes(10))]),
    ),
    "two dust outputs": (
        "dust",
        lambda s: spend(s, [TxOut(293, PAY), TxOut(293, PAY), TxOut(1_000, PAY)]),
    ),
    "dust with a fee": (
        "dust, tx with dust output must be 0-fee",
        lambda s: spend(s, [TxOut(293, PAY), TxOut(10_000, PAY)]),
    ),
    "height to come": (
        "non-final",
        lambda s: spend(s, locktime=HEIGHT + 1),
    ),
    "time to come": ("non-final", lambda s: spend(s, locktime=1_600_000_000)),
    "relative height": (
        "non-BIP68-final",
        lambda s: spend(s, sequence=HEIGHT + 1),
    ),
    "relative time": (
        "non-BIP68-final",
        lambda s: spend(s, sequence=1 << 22 | (600 * HEIGHT // 512 + 1)),
    ),
    "unknown input": (
        "bad-txns-inputs-missingorspent",
        lambda _: Transaction.build(2, [TxIn(OutPoint(bytes(35) + b"\x01"))], [TxOut(1_000, PAY)]),
    ),
    "young coinbase": (
        "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99",
        lambda s: s.pay(s.coin(height=HEIGHT + 1 - 99, coinbase=True)),
    ),
    "inputs worth too much": (
        "bad-txns-inputvalues-outofrange",
        lambda s: s.pay(s.coin(MAX_MONEY_SAT), s.coin(1), fee=2),
    ),
    "outputs above inputs": (
        "bad-txns-in-belowout, value in (0.01) < value out (0.0100001)",
        lambda s: s.pay(s.coin(COIN // 100), fee=-10),
    ),
    "odd input": (
        "bad-txns-nonstandard-inputs, input 0 script unknown",
        lambda s: spend(s, script=b"\x51\x87", witness=()),
    ),
    "input of an unknown witness version": (
        "bad-txns-nonstandard-inputs, input 0 witness program is undefined",
        lambda s: spend(s, script=b"\x52\x20" + bytes(32)),
    ),
    "P2SH without a redeem script": (
        "bad-txns-nonstandard-inputs, input 0 P2SH redeemscript missing",
        lambda s: spend(s, script=P2SH, witness=()),
    ),
    "P2SH with a reserved opcode": (
        "bad-txns-nonstandard-inputs, p2sh scriptsig malformed (input 0: Opcode missing or not"
        " understood)",
        lambda s: spend(s, script=P2SH, script_sig=b"\x50\x51", witness=()),
    ),
    "P2SH with a long push": (
        "bad-txns-nonstandard-inputs, p2sh scriptsig malformed (input 0: Push value size limit"
        " exceeded)",
        lambda s: spend(s, script=P2SH, script_sig=push(bytes(521)), witness=()),
    ),
    "P2SH with many pushes": (
        "bad-txns-nonstandard-inputs, p2sh scriptsig malformed (input 0: Stack size limit"
        " exceeded)",
        lambda s: spend(s, script=P2SH, script_sig=b"\x51" * 1_001, witness=()),
    ),
    "P2SH with 16 checks": (
        "bad-txns-nonstandard-inputs, p2sh redeemscript sigops exceed limit (input 0: 16 > 15)",
        lambda s: spend(s, script=P2SH, script_sig=push(b"\xac" * 16), witness=()),
    ),
    "witness on a legacy input": (
        "bad-witness-nonstandard",
        lambda s: spend(s, script=b"\x76\xa9\x14" + bytes(20) + b"\x88\xac"),
    ),
    "witness on an anchor": ("bad-witness-nonstandard", lambda s: spend(s, script=ANCHOR)),
    "large witness script": (
        "bad-witness-nonstandard",
        lambda s: spend(s, script=P2WSH, witness=(bytes(3_601),)),
    ),
    "many witness items": (
        "bad-witness-nonstandard",
        lambda s: spend(s, script=P2WSH, witness=(b"",) * 102),
    ),
    "large witness item": (
        "bad-witness-nonstandard",
        lambda s: spend(s, script=P2WSH, witness=(bytes(81), b"\x51")),
    ),
    "annex": (
        "bad-witness-nonstandard",
        lambda s: spend(s, script=TAPROOT, witness=(bytes(64), b"\x50")),
    ),
    "large tapscript item": (
        "bad-witness-nonstandard",
        lambda s: spend(s, script=TAPROOT, witness=(bytes(81), b"\x51", b"\xc0" + bytes(32))),
    ),
    "many sigops": (
        "bad-txns-too-many-sigops, 16001",
        lambda s: spend(s, [TxOut(4_000, multisig(1, 3))] * 200),
    ),
    "no fee": (
        "min relay fee not met, 0 < 11",
        lambda s: s.pay(s.coin(), fee=0),
    ),
    "fee too low by one": (
        "min relay fee not met, 10 < 11",
        lambda s: s.pay(s.coin(), fee=10),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reason(case: str) -> None:
    expected, make = CASES[case]
    scene = Scene()
    assert scene.reason(make(scene)).startswith(expected)
    assert len(scene.pool) == 0


FINE: dict[str, Callable[[Scene], Transaction]] = {
    "version 1": lambda s: spend(s, version=1),
    "version 3": lambda s: spend(s, version=3),
    "multisig of three": lambda s: spend(s, [TxOut(10_000, multisig(2, 3))]),
    "data twice": lambda s: spend(s, [TxOut(0, DATA), TxOut(0, DATA), TxOut(1_000, PAY)]),
    "pay to anchor": lambda s: spend(s, [TxOut(240, ANCHOR), TxOut(999_000, PAY)]),
    "an unknown witness version": lambda s: spend(s, [TxOut(999_000, b"\x52\x20" + bytes(32))]),
    "a small output that is not dust": lambda s: spend(s, [TxOut(294, PAY), TxOut(10_000, PAY)]),
    "height of the next block": lambda s: spend(s, locktime=HEIGHT),
    "time that has passed": lambda s: spend(s, locktime=1_600_000_000 - 1),
    "lock time switched off": lambda s: spend(s, locktime=HEIGHT + 1, sequence=0xFFFFFFFF),
    "relative height that has passed": lambda s: spend(s, sequence=HEIGHT),
    "relative time that has passed": lambda s: spend(s, sequence=1 << 22 | (600 * HEIGHT // 512)),
    "relative lock in version 1": lambda s: spend(s, version=1, sequence=HEIGHT + 1),
    "ripe coinbase": lambda s: s.pay(s.coin(height=HEIGHT + 1 - 100, coinbase=True)),
    "P2SH with 15 checks": lambda s: spend(
        s, script=P2SH, script_sig=push(b"\xac" * 15), witness=()
    ),
    "P2SH around a witness": lambda s: spend(s, script=P2SH, script_sig=push(PAY)),
    "anchor without a witness": lambda s: Transaction.build(
        2, [TxIn(s.coin(script=ANCHOR)), TxIn(s.coin(), witness=WITNESS)], [TxOut(9_000, PAY)]
    ),
    "witness of the largest size": lambda s: spend(
        s, script=P2WSH, witness=(bytes(80),) * 100 + (bytes(3_600),)
    ),
    "tapscript": lambda s: spend(
        s, script=TAPROOT, witness=(bytes(80), b"\x51" * 4_000, b"\xc0" + bytes(32))
    ),
    "least fee": lambda s: s.pay(s.coin(), fee=11),
    "65 bytes without the witness": lambda s: spend(
        s, [TxOut(0, b"\x6a" + push(bytes(3)))], TAPROOT, witness=(bytes(64),)
    ),
    "as many sigops as may be": lambda s: spend(
        s, [TxOut(4_000, multisig(1, 3))] * 200, TAPROOT, witness=(bytes(64),)
    ),
    "the longest script_sig": lambda s: spend(s, script_sig=bytes(1_650)),
}


@pytest.mark.parametrize("case", FINE)
def test_no_reason(case: str) -> None:
    scene = Scene()
    assert scene.reason(FINE[case](scene)) == ""
    consistent(scene.pool)


def test_entry_knows_its_sizes_and_fees() -> None:
    scene = Scene()
    transaction = scene.pay(scene.coin(), scene.coin(height=5, coinbase=True), fee=777)
    entry = scene.add(transaction)
    assert (entry.fee_sat, entry.modified_fee_sat) == (777, 777)
    assert entry.weight_wu == transaction.weight_wu == entry.adjusted_weight_wu
    assert entry.vsize == transaction.vsize
    assert entry.sigops_cost == 2
    assert (entry.height, entry.time_us) == (HEIGHT, START)
    assert entry.coinbase_height == 5
    assert not entry.relative_lock
    prepared = Scene.prepare(scene, scene.pay(out(transaction), fee=500))
    assert isinstance(prepared, Prepared)
    assert prepared.spent == [transaction.outputs[0]]


def test_signature_checks_count_as_size() -> None:
    scene = Scene()
    entry = scene.add(spend(scene, [TxOut(10_000, multisig(1, 3))] * 20))
    assert entry.sigops_cost == 20 * 20 * 4 + 1
    assert entry.adjusted_weight_wu == entry.sigops_cost * 20 > entry.weight_wu
    assert entry.vsize == (entry.adjusted_weight_wu + 3) // 4


def test_what_is_here_already() -> None:
    scene = Scene()
    point = scene.coin()
    first = scene.pay(point)
    scene.add(first)
    assert scene.reason(first) == "txn-already-in-mempool"
    other = Transaction.build(
        2, [TxIn(point, b"", 0xFFFFFFFD, (b"other", bytes(33)))], first.outputs
    )
    assert other.txid == first.txid
    assert scene.reason(other) == "txn-same-nonwitness-data-in-mempool"


def test_confirmed_transaction_is_already_known() -> None:
    scene = Scene()
    transaction = scene.pay(scene.coin())
    scene.mine(transaction)
    assert scene.reason(transaction) == "txn-already-known"


def test_orphan_names_what_it_misses() -> None:
    scene = Scene()
    parents = [scene.pay(scene.coin(), fee=fee) for fee in (500, 600)]
    child = scene.pay(*map(out, parents), scene.coin(), total=2_990_000)
    outcome = scene.submit(child)
    assert isinstance(outcome, Refused)
    assert outcome.kind is Refusal.MISSING_INPUTS
    assert outcome.missing == tuple(parent.txid for parent in parents)
    scene.add(parents[0])
    outcome = scene.submit(child)
    assert isinstance(outcome, Refused)
    assert outcome.missing == (parents[1].txid,)
    scene.add(parents[1])
    assert set(scene.add(child).parents) == {parent.txid for parent in parents}
    consistent(scene.pool)


def test_output_that_an_unconfirmed_parent_does_not_have() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin()))
    assert scene.reason(scene.pay(out(parent, 1), total=9_000)) == "bad-txns-inputs-missingorspent"


@pytest.mark.parametrize(
    ("policy", "reason", "outputs"),
    [
        (Policy(permit_bare_multisig=False), "bare-multisig", [TxOut(10_000, multisig(1, 1))]),
        (Policy(max_datacarrier_bytes=0), "datacarrier", [TxOut(0, DATA)]),
        (Policy(max_datacarrier_bytes=2 * len(DATA) - 1), "datacarrier", [TxOut(0, DATA)] * 2),
        (Policy(max_datacarrier_bytes=2 * len(DATA)), "", [TxOut(0, DATA)] * 2),
        (Policy(dust_feerate_sat_kvb=0), "", [TxOut(0, PAY), TxOut(0, PAY)]),
        (Policy(require_standard=False), "", [TxOut(1, b"\x51\x87"), TxOut(1, PAY)]),
        (Policy(min_relay_feerate_sat_kvb=10**9), "min relay fee not met", [TxOut(9_000, PAY)]),
    ],
)
def test_options(policy: Policy, reason: str, outputs: list[TxOut]) -> None:
    scene = Scene(policy)
    assert scene.reason(spend(scene, outputs)).startswith(reason)
    assert len(scene.pool) == (not reason)


OVER_BIP54 = "bad-txns-nonstandard-inputs, non-witness sigops exceed bip54 limit"


def test_legacy_signature_checks_of_one_transaction() -> None:
    scene = Scene()
    redeem = b"\xac" * 15
    coins = [scene.coin(script=P2SH) for _ in range(167)]
    inputs = [TxIn(point, push(redeem)) for point in coins]
    at_limit = Transaction.build(2, inputs[:166], [TxOut(90_000, PAY)])
    over = Transaction.build(2, inputs, [TxOut(90_000, PAY)])
    assert scene.reason(over) == OVER_BIP54
    assert scene.reason(at_limit) == ""


@pytest.mark.parametrize(("checks", "reason"), [(10, ""), (11, OVER_BIP54)])
def test_legacy_signature_checks_up_to_the_limit(checks: int, reason: str) -> None:
    scene = Scene()
    redeems = [b"\xac" * 15] * 166 + [b"\xac" * checks]  # 2,490 and some.
    coins = [scene.coin(script=P2SH) for _ in redeems]
    inputs = [TxIn(point, push(redeem)) for point, redeem in zip(coins, redeems, strict=True)]
    assert scene.reason(Transaction.build(2, inputs, [TxOut(90_000, PAY)])) == reason


@pytest.mark.parametrize(("vsize", "reason"), [(1_000, ""), (1_001, "too-large-cluster")])
def test_one_alone_may_be_as_large_as_a_cluster(vsize: int, reason: str) -> None:
    scene = Scene(Policy(cluster_vsize=1_000))
    bare = scene.pay(scene.coin(), pad=500)
    assert scene.reason(scene.pay(scene.coin(), pad=500 + vsize - bare.vsize)) == reason


def test_legacy_signature_checks_of_a_multisig_are_its_keys() -> None:
    scene = Scene()
    multisig = b"\x51" + (b"\x21" + b"\x02" * 33) * 2 + b"\x52\xae"
    inputs = [TxIn(scene.coin(script=multisig), b"\x00") for _ in range(126)]
    assert scene.reason(Transaction.build(2, inputs, [TxOut(90_000, PAY)])) == ""


def test_fee_that_the_operator_added_counts() -> None:
    scene = Scene()
    transaction = scene.pay(scene.coin(), fee=0)
    scene.pool.prioritise(transaction.txid, 11)
    entry = scene.add(transaction)
    assert (entry.fee_sat, entry.modified_fee_sat) == (0, 11)
    assert entry.chunk.fee_sat == 11


def test_fee_that_was_added_while_scripts_were_verified_counts() -> None:
    scene = Scene()
    prepared = scene.prepare(scene.pay(scene.coin(), fee=777))
    assert isinstance(prepared, Prepared)
    scene.pool.prioritise(prepared.entry.txid, 11)
    outcome = scene.admit(prepared)
    assert isinstance(outcome, Admitted)
    assert outcome.entry.modified_fee_sat == 788


def test_fee_is_the_same_when_the_pool_moved_while_scripts_were_verified() -> None:
    for delta_sat in (0, 11):
        scene = Scene()
        prepared = scene.prepare(scene.pay(scene.coin(), fee=777))
        assert isinstance(prepared, Prepared)
        scene.add(scene.pay(scene.coin()))
        scene.pool.prioritise(prepared.entry.txid, delta_sat)
        outcome = scene.admit(prepared)
        assert isinstance(outcome, Admitted)
        assert outcome.entry.modified_fee_sat == 777 + delta_sat


def test_conflict_that_came_while_scripts_were_verified() -> None:
    scene = Scene()
    point = scene.coin()
    prepared = scene.prepare(scene.pay(point, fee=1_000))
    assert isinstance(prepared, Prepared)
    scene.add(scene.pay(point, fee=2_000))
    outcome = scene.admit(prepared)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "insufficient fee"


def test_parent_that_left_while_scripts_were_verified() -> None:
    scene = Scene()
    point = scene.coin()
    parent = scene.add(scene.pay(point))
    prepared = scene.prepare(scene.pay(out(parent)))
    assert isinstance(prepared, Prepared)
    scene.add(scene.pay(point, fee=20_000))
    outcome = scene.admit(prepared)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.missing) == (Refusal.MISSING_INPUTS, (parent.txid,))
    consistent(scene.pool)


def test_parent_that_was_confirmed_while_scripts_were_verified() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin()))
    prepared = scene.prepare(scene.pay(out(parent)))
    assert isinstance(prepared, Prepared)
    scene.pool.block_connected(scene.mine(parent.transaction), scene.now)
    outcome = scene.admit(prepared)
    assert isinstance(outcome, Admitted)
    assert not outcome.entry.parents
    consistent(scene.pool)


def test_coin_that_a_block_spent_while_scripts_were_verified() -> None:
    scene = Scene()
    point = scene.coin()
    prepared = scene.prepare(scene.pay(point, fee=1_000))
    assert isinstance(prepared, Prepared)
    scene.pool.block_connected(scene.mine(scene.pay(point, fee=900)), scene.now)
    outcome = scene.admit(prepared)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "bad-txns-inputs-missingorspent"


def test_twin_that_came_while_scripts_were_verified() -> None:
    scene = Scene()
    transaction = scene.pay(scene.coin())
    first, second = scene.prepare(transaction), scene.prepare(transaction)
    assert isinstance(first, Prepared)
    assert isinstance(second, Prepared)
    assert isinstance(scene.admit(first), Admitted)
    outcome = scene.admit(second)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "txn-already-in-mempool"


def test_many_prepared_before_any_is_admitted() -> None:
    scene = Scene()
    waiting = [scene.prepare(scene.pay(scene.coin(), fee=fee)) for fee in range(500, 520)]
    for prepared in waiting:
        assert isinstance(prepared, Prepared)
        scene.now += SECOND
        assert isinstance(scene.admit(prepared), Admitted)
    assert len(scene.pool) == 20
    consistent(scene.pool)


def test_reason_text_names_hashes_as_people_read_them() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3))
    child = scene.pay(out(parent), version=2)
    expected = (
        f"TRUC-violation, non-version=3 tx {to_hex(child.txid)} (wtxid={to_hex(child.wtxid)})"
        f" cannot spend from version=3 tx {to_hex(parent.txid)} (wtxid={to_hex(parent.wtxid)})"
    )
    assert scene.reason(child) == expected


def test_unknown_coin_lookups_are_bounded() -> None:
    scene = Scene()
    parent = OutPoint(b"\x01" * 32 + bytes(4))
    orphan = Transaction.build(2, [TxIn(parent)], [TxOut(1_000, PAY)] * 500)
    assert coins_to_find(scene.pool, (orphan,)) == (parent,)
    asked = coins_that_tell((orphan,))
    assert asked == tuple(outpoint(orphan.txid, index) for index in range(OUTPUTS_LOOKED_UP))
    assert len(asked) < 20
    outcome = scene.prepare(orphan)
    assert isinstance(outcome, Refused)
    assert outcome.missing == (Txid(parent[:32]),)


def test_a_child_of_the_pool_needs_no_coin() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin()))
    child = scene.pay(out(parent))
    assert coins_to_find(scene.pool, (child,)) == ()
    assert isinstance(scene.pool.prepare(child, {}, scene.tip, scene.now), Prepared)
    confirmed = scene.coin()
    both = scene.pay(out(parent), confirmed)
    assert coins_to_find(scene.pool, (both,)) == (confirmed,)


def test_no_coin_is_needed_again_while_the_tip_stays() -> None:
    scene = Scene()
    first, second = (scene.prepare(scene.pay(scene.coin())) for _ in range(2))
    assert isinstance(first, Prepared)
    assert isinstance(second, Prepared)
    assert isinstance(scene.pool.admit(first, {}, scene.tip, scene.now), Admitted)
    scene.pool.block_connected(scene.mine(), scene.now)
    outcome = scene.pool.admit(second, {}, scene.tip, scene.now)
    assert isinstance(outcome, Refused)
    assert outcome.kind is Refusal.MISSING_INPUTS
