"""The rules of the pool at their edges: one transaction at a time, judged by axon and by bitcoind.

Each rule is asked just below, at and just above its limit; codes, reasons, sizes and fees must be
the same, and so must the pools be afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from axon.primitives.script import push, push_number
from axon.primitives.solver import ANCHOR_SCRIPT
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxOut,
)
from tests.consensus.chains import ALICE_P2WPKH, signed_p2wpkh
from tests.consensus.test_scriptrun import high_s, replace_witness
from tests.interop.poolpair import (
    ANYONE,
    OLD_ANYONE,
    TRUE,
    PoolPair,
    behind_hash,
    behind_old_hash,
    old_coin,
    output_of,
    pool_pair,
    settled,
    spend,
)

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(300)]

KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
OTHER = bytes.fromhex("02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5")
KINDS = {
    "p2pkh": b"\x76\xa9\x14" + bytes(20) + b"\x88\xac",
    "p2sh": OLD_ANYONE,
    "p2wpkh": b"\x00\x14" + bytes(20),
    "p2wsh": ANYONE,
    "p2tr": b"\x51\x20" + KEY[1:],
    "anchor": ANCHOR_SCRIPT,
    "p2pk": push(KEY) + b"\xac",
    "witness of later": b"\x60\x28" + bytes(40),
    "data": b"\x6a\x04abcd",
}
TWICE_DROPPED = b"\x6d\x6d\x51"


@pytest.fixture(name="pair", scope="module")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolPair]:
    with pool_pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture(autouse=True)
def settled_fixture(pair: PoolPair) -> Iterator[None]:
    """Each test ends with equal pools, and leaves none behind."""
    yield
    settled(pair)


def multisig(required: int, keys: int) -> bytes:
    """A bare one of so many keys."""
    return push_number(required) + push(KEY) * keys + push_number(keys) + b"\xae"


def test_versions_and_sizes(pair: PoolPair) -> None:
    coins = iter(pair.coins(40))
    for version in (0, 1, 2, 3, 4, 0x7FFFFFFF, 0xFFFFFFFF):
        pair.send(spend([next(coins)], version=version), f"version {version}")
    for vsize in (99_999, 100_000, 100_001):
        pair.send(spend([next(coins)], vsize=vsize, fee=100_000), f"vsize {vsize}")
    for script in (
        ANCHOR_SCRIPT,
        b"\x6a",
        b"\x6a\x00",
        b"\x6a\x01a",
        b"\x6a\x02aa",
        b"\x6a\x04aaaa",
    ):
        coin = next(coins)
        pair.send(spend([coin], TxOut(500_000, script), change=None), f"data of {len(script)}")
    pair.offer(spend([next(coins)], vsize=100_001, fee=100_000, version=5), "large and version 5")
    pair.offer(spend([next(coins)], vsize=1_100_000, fee=100_000), "larger than a block")


def test_scripts_of_outputs(pair: PoolPair) -> None:
    coins = iter(pair.coins(40))
    for name, script in {
        **KINDS,
        "1 of 3": multisig(1, 3),
        "3 of 3": multisig(3, 3),
        "1 of 4": multisig(1, 4),
        "2 of 1": multisig(2, 1),
        "empty": b"",
        "true": TRUE,
        "reserved": b"\x50",
        "short program": b"\x00\x02ab",
        "program of 19": b"\x00\x13" + bytes(19),
        "program of 1": b"\x51\x01a",
        "taproot of 31": b"\x51\x1f" + bytes(31),
        "data with an opcode": b"\x6a\x51\x61",
        "data cut short": b"\x6a\x05abc",
        "data by opcodes": b"\x6a\x51\x60\x4f\x00\x50",
    }.items():
        pair.send(spend([next(coins)], TxOut(10_000, script)), name)
    two = TxOut(0, b"\x6a\x04abcd")
    pair.send(spend([next(coins)], two, two, two), "three of data")


def test_dust(pair: PoolPair) -> None:
    coins = iter(pair.coins(60))
    limits = {
        "p2pkh": 546,
        "p2sh": 540,
        "p2wpkh": 294,
        "p2wsh": 330,
        "p2tr": 330,
        "anchor": 240,
        "p2pk": 576,
        "witness of later": 354,
        "data": 0,
    }
    for name, limit in limits.items():
        for amount in {max(0, limit - 1), limit}:
            for fee in (0, 1_000):
                coin = next(coins)
                dust = TxOut(amount, KINDS[name])
                pair.send(spend([coin], dust, fee=fee), f"{name} {amount} fee {fee}")
    pair.offer(spend([next(coins)], TxOut(293, KINDS["p2wpkh"]), TxOut(0, ANYONE), fee=0), "two")
    pair.offer(spend([next(coins)], TxOut(293, KINDS["p2wpkh"]), TxOut(0, ANYONE)), "two, paid")


def test_script_sigs(pair: PoolPair) -> None:
    redeem, fives = TWICE_DROPPED, behind_old_hash(TWICE_DROPPED)
    coins = iter(pair.fund(*[fives] * 10, *[OLD_ANYONE] * 12))
    for last in (73, 74, 75, 76):
        coin = old_coin(next(coins), redeem, bytes(520), bytes(520), bytes(520), bytes(last))
        size = len(coin.script_sig)
        pair.send(spend([coin]), f"script_sig of {size}")
    pair.send(spend([old_coin(next(coins), redeem, b"", b"", b"", bytes(521))]), "push of 521")
    pair.send(spend([old_coin(next(coins), redeem, bytes(1), b"", b"", b"")]), "a zero pushed")
    coins = iter(list(coins)[-12:])
    for note, script_sig in {
        "nothing": b"",
        "its script": push(TRUE),
        "reserved in front": b"\x50" + push(TRUE),
        "an operation": b"\x61" + push(TRUE),
        "cut short": b"\x05abc",
        "two": b"\x51" + push(TRUE),
        "the longer push": b"\x4c\x01" + TRUE,
        "another script": push(b"\x52"),
        "only numbers": b"\x51",
        "1,001 numbers": b"\x51" * 1_001,
        "520 and more": b"\x4d\x09\x02" + bytes(521),
    }.items():
        coin = replace(next(coins), script_sig=script_sig, witness=())
        pair.send(spend([coin]), f"script_sig: {note}")


def test_signature_operations(pair: PoolPair) -> None:
    def checks(count: int) -> bytes:
        return b"\x00\x63" + b"\xac" * count + b"\x68\x51"

    full, some = behind_old_hash(checks(15)), behind_old_hash(checks(10))
    scripts = [behind_old_hash(checks(count)) for count in (15, 16, 11)]
    single = pair.fund(*scripts)
    pair.send(spend([old_coin(single[0], checks(15))]), "15 behind a hash")
    pair.send(spend([old_coin(single[1], checks(16))]), "16 behind a hash")
    many = pair.fund(*[full] * 166, some, amount_sat=10_000)
    coins = [old_coin(each, checks(15)) for each in many[:-1]]
    coins.append(old_coin(many[-1], checks(10)))
    pair.offer(spend([*coins, old_coin(single[2], checks(11))], fee=200_000), "2,511")
    pair.send(spend(coins, fee=100_000), "2,500")
    above = pair.fund(*[full] * 166, behind_old_hash(checks(11)), amount_sat=10_000)
    coins = [old_coin(each, checks(15)) for each in above[:-1]]
    coins.append(old_coin(above[-1], checks(11)))
    pair.send(spend(coins, fee=100_000), "2,501")
    coin = iter(pair.coins(6))
    for count in (199, 200, 201):
        outputs = [TxOut(1_000, multisig(1, 1))] * count
        pair.send(spend([next(coin)], *outputs, fee=30_000), f"{count} bare multisigs")
    pair.send(spend([next(coin)], *[TxOut(1_000, multisig(1, 1))] * 3), "larger by its checks")


def test_what_is_spent(pair: PoolPair) -> None:
    scripts = [
        TRUE,
        b"\x52\x20" + bytes(32),
        b"\x00\x02ab",
        multisig(1, 4),
        multisig(1, 3),
        ANCHOR_SCRIPT,
        ANCHOR_SCRIPT,
        OLD_ANYONE,
        b"\x51\x02ab",
    ]
    coins = [replace(each, witness=()) for each in pair.fund(*scripts)]
    for note, coin in zip(
        ("a bare script", "a later program", "a short program", "1 of 4", "1 of 3"),
        coins,
        strict=False,
    ):
        pair.offer(spend([coin]), note)
    good, other = pair.coins(2)
    pair.offer(spend([good, coins[0]]), "the second is a bare script")
    pair.offer(spend([good, coins[1]]), "the second is a later program")
    pair.offer(spend([other, replace(coins[7], script_sig=b"\x50")]), "the second is malformed")
    pair.send(spend([coins[5]]), "an anchor")
    pair.send(spend([replace(coins[6], witness=(b"a",))]), "an anchor with a witness")
    pair.send(spend([replace(coins[6], script_sig=b"\x51")]), "an anchor with a script_sig")
    pair.offer(spend([replace(coins[7], witness=(TRUE,), script_sig=push(TRUE))]), "odd witness")
    pair.offer(spend([coins[8]]), "an odd program")


def test_witnesses(pair: PoolPair) -> None:
    drops = b"\x75" * 100 + TRUE
    more = b"\x75" * 101 + TRUE
    dropped = b"\x75" + TRUE
    lengths = [b"\x61" * (size - 1) + TRUE for size in (3_599, 3_600, 3_601)]
    scripts = [drops, more, dropped, dropped, dropped]
    tree = b"\x51\x20" + KEY[1:]
    funded = pair.fund(*map(behind_hash, scripts), *map(behind_hash, lengths), *[tree] * 8)
    shown = [
        (*[b""] * 100, drops),
        (*[b""] * 101, more),
        (b"a" * 80, dropped),
        (b"a" * 81, dropped),
        (b"a" * 520, dropped),
    ]
    for coin, witness in zip(funded, shown, strict=False):
        sizes = f"{len(witness)} items, {len(witness[0])} bytes"
        pair.send(spend([replace(coin, witness=witness)]), sizes)
    for coin, script in zip(funded[5:], lengths, strict=False):
        pair.send(spend([replace(coin, witness=(script,))]), f"script of {len(script)}")
    leaf = b"\xc0" + KEY[1:]
    for note, witness in {
        "no signature": (bytes(64),),
        "annex": (bytes(64), b"\x50"),
        "an empty control block": (TRUE, b""),
        "80": (b"a" * 80, TRUE, leaf),
        "81": (b"a" * 81, TRUE, leaf),
        "81 of another leaf": (b"a" * 81, TRUE, b"\xc2" + KEY[1:]),
        "a short control block": (TRUE, b"\xc0"),
    }.items():
        pair.offer(spend([replace(funded[8], witness=witness)]), f"taproot: {note}")
    nested = behind_old_hash(ANYONE)
    coin = pair.fund(nested)[0]
    pair.offer(spend([replace(coin, script_sig=push(ANYONE), witness=())]), "stripped")
    pair.offer(spend([replace(coin, script_sig=b"\x51" + push(ANYONE))]), "malleated")
    pair.send(spend([replace(coin, script_sig=push(ANYONE))]), "nested")
    bare = pair.coins(1)[0]
    pair.offer(spend([replace(bare, witness=())]), "stripped, native")
    pair.offer(spend([replace(bare, witness=(b"\x52",))]), "another script")
    pair.offer(spend([replace(bare, script_sig=b"\x51")]), "not empty")


def test_scripts_that_fail(pair: PoolPair) -> None:
    scripts = {
        "upgradable": b"\xb0\x51",
        "if": b"\x63\x51\x67\x51\x68",
        "not minimal": b"\x01\x05\x75\x51",
        "false": b"\x00",
        "verify": b"\x00\x69",
        "op_return": b"\x6a",
        "two left": b"\x51\x51",
        "none left": b"\x51\x75",
        "disabled": b"\x51\x7e",
        "unbalanced": b"\x51\x63",
        "bad": b"\xff",
        "separator": b"\xab\x51",
        "locked": push_number(500) + b"\xb1\x75\x51",
        "locked by age": push_number(500) + b"\xb2\x75\x51",
        "negative": b"\x4f\xb1",
        "202 operations": b"\x61" * 202 + TRUE,
        "numequal": b"\x51\x52\x9d\x51",
        "odd key": push(bytes(5)) + b"\xac\x91",
        "uncompressed": push(b"\x04" + bytes(64)) + b"\xac\x91",
        "number too long": push(bytes(5)) + b"\x8b",
        "multisig": b"\x00" + multisig(1, 1),
        "multisig of none": b"\x00\x00\x00\xae",
        "altstack": b"\x6c",
    }
    script_list = list(scripts.values())
    new = pair.fund(*map(behind_hash, script_list))
    old = pair.fund(*map(behind_old_hash, script_list))
    for (note, script), witness_coin, old_one in zip(scripts.items(), new, old, strict=True):
        for given in ((), (b"\x02",), (b"",), (b"\x01",)):
            shown = replace(witness_coin, witness=(*given, script))
            pair.offer(spend([shown]), f"{note} with {given}")
            pair.offer(spend([old_coin(old_one, script, *given)]), f"old {note} with {given}")


def test_signatures(pair: PoolPair) -> None:
    coin = pair.fund(ALICE_P2WPKH)[0]
    signed = signed_p2wpkh([coin.point], coin.amount_sat)
    signature, key = signed.inputs[0].witness
    for note, witness in {
        "high S": (high_s(signature), key),
        "no signature": (b"", key),
        "no hash type": (signature[:-1], key),
        "another hash type": (signature[:-1] + b"\x05", key),
        "for everything and anyone": (signature[:-1] + b"\x81", key),
        "not DER": (b"\x31" + signature[1:], key),
        "of another": (signature[:10] + b"\x01" + signature[11:], key),
        "another key": (signature, KEY),
        "a long key": (signature, b"\x04" + bytes(64)),
        "turned around": (key, signature),
        "one item": (signature,),
        "three items": (b"", signature, key),
    }.items():
        pair.offer(replace_witness(signed, witness), note)
    pair.send(signed, "right")


def test_amounts_and_inputs(pair: PoolPair) -> None:
    coins = iter(pair.coins(30))
    coin = next(coins)
    pair.offer(spend([coin], fee=-1), "one satoshi too much")
    pair.send(spend([next(coins)], fee=0), "no fee")
    for amount in (-1, MAX_MONEY_SAT, MAX_MONEY_SAT + 1):
        pair.offer(spend([coin], TxOut(amount, ANYONE), change=None), f"output of {amount}")
    half = TxOut(MAX_MONEY_SAT // 2 + 1, ANYONE)
    pair.offer(spend([coin], half, half, change=None), "too much together")
    pair.offer(spend([coin, coin]), "the same twice")
    nothing = replace(coin, point=NULL_OUTPOINT, witness=())
    pair.offer(spend([coin, nothing]), "with nothing")
    for size in (1, 2, 100, 101):
        coinbase = replace(nothing, script_sig=bytes(size))
        pair.offer(spend([coinbase], TxOut(1, ANYONE), change=None), f"coinbase of {size}")
    pair.offer(spend([coin], change=None), "no output")
    unknown = replace(coin, point=OutPoint(b"\x07" * 36))
    pair.send(spend([unknown]), "unknown")
    pair.send(spend([coin, unknown]), "the second unknown")
    later = replace(coin, point=OutPoint(coin.point[:32] + b"\x63\x00\x00\x00"))
    pair.send(spend([later]), "an output that was not made")
    for back in (98, 99, 100):
        young = pair.young_coinbase(back)
        pair.offer(spend([young]), f"a coinbase {back} back")


def test_locks(pair: PoolPair) -> None:
    coins = iter(pair.coins(40))
    height = pair.core.rpc("getblockcount")
    past = pair.core.rpc("getblockchaininfo")["mediantime"]
    for locktime in (height - 1, height, height + 1, height + 2, past - 1, past, past + 1):
        pair.send(spend([next(coins)], locktime=locktime), f"locktime {locktime - height}")
    final = replace(next(coins), sequence=0xFFFFFFFF)
    pair.send(spend([final], locktime=height + 100), "final whatever its locktime")
    depth = 2  # The block with the coins has one above it.
    for age in range(depth - 1, depth + 3):
        for version in (1, 2, 3):
            coin = replace(next(coins), sequence=age)
            pair.send(spend([coin], version=version), f"age {age} version {version}")
    for ticks in (0, 1, 2):
        coin = replace(next(coins), sequence=1 << 22 | ticks)
        pair.send(spend([coin]), f"age of {ticks} ticks")
    coin = next(coins)
    parent = spend([coin])
    pair.send(parent)
    for age in (0, 1, 2):
        child = replace(output_of(parent), sequence=age)
        pair.offer(spend([child]), f"age {age} of an unconfirmed")


def test_feerates(pair: PoolPair) -> None:
    coins = iter(pair.coins(60))
    for vsize in (200, 201, 209, 210, 1_000, 1_001):
        least = -(-vsize * 100 // 1_000)
        for fee in (least - 1, least):
            pair.send(spend([next(coins)], fee=fee, vsize=vsize), f"{fee} for {vsize}")
    pair.send(spend([next(coins)], fee=0), "nothing")
    coin = next(coins)
    poor = spend([coin], fee=5, vsize=200)
    pair.same("prioritisetransaction", poor.txid[::-1].hex(), 0, 14)
    pair.offer(poor, "a satoshi too little with priority")
    pair.same("prioritisetransaction", poor.txid[::-1].hex(), 0, 1)
    pair.send(poor, "just enough with priority")
    raw = spend([next(coins)], fee=20_000, vsize=200).raw.hex()
    for most in ("0.00099999", "0.001", "0.1", "0", "0.99999999", "1", "-1", 1, "x"):
        pair.same("testmempoolaccept", [raw], most)
    for most in ("0.00099999", "0.001"):
        pair.same("sendrawtransaction", raw, most)
    bad = spend([replace(next(coins), witness=(b"\x52",))], fee=500_000, vsize=200)
    pair.same("testmempoolaccept", [bad.raw.hex()])
    pair.same("sendrawtransaction", bad.raw.hex())
    burnt = spend([next(coins)], TxOut(1_000, b"\x6a\x01a")).raw.hex()
    for most in ("0.00000999", "0.00001", 0):
        pair.same("sendrawtransaction", burnt, 0, most)


def test_known_ones(pair: PoolPair) -> None:
    one, two = pair.coins(2)
    transaction = spend([one])
    pair.send(transaction)
    pair.send(transaction, "again")
    inputs = [replace(one, witness=(b"\x01" + b"x", TRUE)).shown()]
    twin = Transaction.build(2, inputs, transaction.outputs)
    pair.send(twin, "with another witness")
    pair.mine()
    pair.send(transaction, "confirmed")
    pair.send(spend([one], fee=5_000), "spent")
    gone = spend([output_of(transaction)])
    pair.send(gone)
    pair.mine()
    pair.send(transaction, "confirmed and spent")
    pair.send(spend([two]))


def test_bytes(pair: PoolPair) -> None:
    coin = pair.coins(1)[0]
    raw = spend([coin]).raw.hex()
    none = "01000000000100000000000000000000000000"
    for text in (raw + "00", raw[:-2], "", "zz", none, "01000000000000000000", raw.upper()):
        for name in ("sendrawtransaction", "decoderawtransaction"):
            pair.same(name, text)
        pair.same("testmempoolaccept", [text])
        pair.same("submitpackage", [text])
        for witness in (True, False, None):
            pair.same("decoderawtransaction", text, witness)
