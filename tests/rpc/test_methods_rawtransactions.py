"""Transactions found, taken apart, drafted, tested and sent, on a real node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

import axon.rpc.shapes.transactions as shapes
from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.descriptor import descriptor_checksum
from axon.primitives.hashes import Txid, hash160, sha256, to_hex
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.rpc.amounts import Amount, Number, whole
from axon.rpc.shapes.transactions import decode_transaction, transaction_json
from tests.rpc.running import Rig, running
from tests.signing import Spendable
from tests.strategies import transactions

NO_GETTX = "Use gettransaction for wallet transactions."
NO_INPUT = "Make sure the tx has at least one input."


class Scene:
    """Alice has twenty coins to spend and has paid Bob in the last block."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.coins = [rig.coinbase(block) for block in rig.mine(121)]
        self.payment = self.pay()
        rig.send(self.payment)
        (self.block,) = rig.mine()
        self.hash = to_hex(self.block.hash)

    def pay(self, fee_sat: int = 1_000) -> Transaction:
        """Alice pays a whole coin to Bob."""
        coin = self.coins.pop(0)
        return self.rig.alice.pay([coin], [TxOut(coin.amount_sat - fee_sat, self.rig.bob.script)])

    def spend(self, parent: Transaction, fee_sat: int = 1_000) -> Transaction:
        """Bob spends what he was paid."""
        amount = parent.outputs[0].amount_sat
        coin = Spendable(outpoint(parent.txid, 0), amount)
        return self.rig.bob.pay([coin], [TxOut(amount - fee_sat, self.rig.alice.script)])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield Scene(rig)


# Found.


def test_a_transaction_of_a_block(scene: Scene) -> None:
    call, txid = scene.rig.call, to_hex(scene.payment.txid)
    assert call("getrawtransaction", txid, 0, scene.hash) == scene.payment.raw.hex()
    assert call("getrawtransaction", txid, False, scene.hash) == scene.payment.raw.hex()
    shown = call("getrawtransaction", txid=txid, verbose=True, blockhash=scene.hash)
    assert list(shown) == [
        "in_active_chain", "txid", "hash", "version", "size", "vsize", "weight", "locktime",
        "vin", "vout", "hex", "blockhash", "confirmations", "time", "blocktime",
    ]  # fmt: skip
    assert shown["in_active_chain"] is True
    assert shown["confirmations"] == 1
    assert shown["time"] == shown["blocktime"] == scene.block.header.time
    full = call("getrawtransaction", txid, 2, scene.hash)
    assert full["fee"] == Amount(1_000)
    assert full["vin"][0]["prevout"]["value"] == Amount(50 * COIN)
    coinbase = to_hex(scene.block.transactions[0].txid)
    assert "fee" not in call("getrawtransaction", coinbase, 2, scene.hash)


def test_a_transaction_of_the_pool(scene: Scene) -> None:
    call, waiting = scene.rig.call, scene.pay()
    txid = scene.rig.send(waiting)
    assert call("getrawtransaction", txid) == waiting.raw.hex()
    for level in (1, 2):
        shown = call("getrawtransaction", txid, level)
        assert shown["hex"] == waiting.raw.hex()
        assert "confirmations" not in shown
        assert "in_active_chain" not in shown
    assert scene.rig.refusal("getrawtransaction", txid, 1, scene.hash) == (
        -5,
        f"No such transaction found in the provided block. {NO_GETTX}",
    )


def test_transactions_not_found(scene: Scene) -> None:
    refusal, txid = scene.rig.refusal, to_hex(scene.payment.txid)
    assert refusal("getrawtransaction", txid) == (
        -5,
        "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain"
        f" transaction queries. {NO_GETTX}",
    )
    assert refusal("getrawtransaction", txid, 1, "00" * 32) == (-5, "Block hash not found")
    assert refusal("getrawtransaction", to_hex(REGTEST.genesis.header.merkle_root)) == (
        -5,
        "The genesis block coinbase is not considered an ordinary transaction and cannot be"
        " retrieved",
    )
    assert refusal("getrawtransaction", "zz")[0] == -8
    assert refusal("getrawtransaction", txid, "1")[0] == -3


# Taken apart.


def test_a_transaction_in_full(scene: Scene) -> None:
    transaction = scene.payment
    shown = scene.rig.call("decoderawtransaction", transaction.raw.hex())
    spent, signature = transaction.inputs[0], transaction.inputs[0].witness
    bob = scene.rig.bob.address()
    assert shown == {
        "txid": to_hex(transaction.txid),
        "hash": to_hex(transaction.wtxid),
        "version": 2,
        "size": len(transaction.raw),
        "vsize": transaction.vsize,
        "weight": transaction.weight_wu,
        "locktime": 0,
        "vin": [
            {
                "txid": to_hex(spent.prevout[:32]),
                "vout": 0,
                "scriptSig": {"asm": "", "hex": ""},
                "txinwitness": [item.hex() for item in signature],
                "sequence": 0xFFFFFFFD,
            }
        ],
        "vout": [
            {
                "value": Amount(50 * COIN - 1_000),
                "n": 0,
                "scriptPubKey": {
                    "asm": f"0 {scene.rig.bob.script[2:].hex()}",
                    "desc": f"addr({bob})#{descriptor_checksum(f'addr({bob})')}",
                    "hex": scene.rig.bob.script.hex(),
                    "address": bob,
                    "type": "witness_v0_keyhash",
                },
            }
        ],
    }


def test_the_genesis_coinbase_of_mainnet() -> None:
    transaction = MAINNET.genesis.transactions[0]
    shown = whole(transaction_json(transaction, MAINNET))
    assert shown["txid"] == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert shown["vin"][0] == {
        "coinbase": transaction.inputs[0].script_sig.hex(),
        "sequence": 0xFFFFFFFF,
    }
    script = shown["vout"][0]["scriptPubKey"]
    key = transaction.outputs[0].script_pubkey[1:-1].hex()
    assert script["asm"] == f"{key} OP_CHECKSIG"
    assert script["desc"].startswith(f"pk({key})#")
    assert script["type"] == "pubkey"
    assert "address" not in script


def test_forms_with_and_without_witness(scene: Scene) -> None:
    call, refusal = scene.rig.call, scene.rig.refusal
    signed, bare = scene.payment.raw.hex(), scene.payment.stripped.hex()
    assert call("decoderawtransaction", signed, True)["txid"] == to_hex(scene.payment.txid)
    assert call("decoderawtransaction", bare, False)["txid"] == to_hex(scene.payment.txid)
    failed = (-22, "TX decode failed")
    assert refusal("decoderawtransaction", signed, False) == failed
    assert refusal("decoderawtransaction", signed + "00") == failed
    assert refusal("decoderawtransaction", "zz") == failed
    assert refusal("decoderawtransaction", "") == failed
    # No inputs, one output: looks like the mark of a witness.
    draft = Transaction.build(2, (), [TxOut(COIN, scene.rig.bob.script)])
    shown = call("decoderawtransaction", draft.raw.hex())
    assert shown["vin"] == []
    assert shown["vout"][0]["value"] == Amount(COIN)


PLAIN = Transaction.build(2, [TxIn(outpoint(Txid(bytes(32)), 0))], [TxOut(1, b"\x51")])
NO_OUTPUTS = Transaction.build(2, [TxIn(outpoint(Txid(bytes(32)), 0))], [])
NOTHING = Transaction.build(2, (), ())


@pytest.mark.parametrize("transaction", [PLAIN, NO_OUTPUTS, NOTHING])
def test_the_extended_form_also_reads_a_plain_transaction(
    scene: Scene, transaction: Transaction
) -> None:
    call, text = scene.rig.call, transaction.raw.hex()
    assert call("decoderawtransaction", text, True) == call("decoderawtransaction", text)
    assert call("decoderawtransaction", text, False) == call("decoderawtransaction", text)


def test_of_two_readings_the_one_whose_scripts_could_run_is_meant() -> None:
    # Without inputs, and with one output that pushes beyond its end: or one input and a witness.
    script = b"\x01" + bytes(36) + b"\x00" + bytes(4) + b"\x00" + b"\x01\x00"
    both = b"\x02\x00\x00\x00\x00\x01" + script
    extended = decode_transaction(both + bytes(4), plain=False)
    assert extended.has_witness
    assert decode_transaction(both + bytes(4)) == extended
    draft = Transaction.build(2, (), [TxOut(COIN, b"\x51")])
    assert decode_transaction(draft.raw) == draft
    with pytest.raises(DecodeError):
        decode_transaction(draft.raw, plain=False)


@given(transactions())
def test_any_transaction_has_a_form_in_json(transaction: Transaction) -> None:
    assert decode_transaction(transaction.raw) == transaction
    shown = whole(transaction_json(transaction, REGTEST))
    assert len(shown["vin"]) == len(transaction.inputs)
    assert [each["value"].sat for each in shown["vout"]] == [
        output.amount_sat for output in transaction.outputs
    ]


def test_scripts_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[str, bytes], str] = {}
    monkeypatch.setattr(shapes, "_kept", kept)
    monkeypatch.setattr(shapes, "SCRIPTS_KEPT", 3)
    short = [b"\x00\x14" + bytes((number,)) * 20 for number in range(5)]
    long = b"\x6a\x2a" + bytes(42)
    draft = Transaction.build(2, (), [TxOut(COIN, script) for script in (*short, *short, long)])
    for network in (REGTEST, MAINNET):
        for output, script in zip(
            whole(transaction_json(draft, network))["vout"], (*short, *short, long), strict=True
        ):
            assert output["scriptPubKey"] == shapes.script_json(script, network)
            assert len(kept) <= 3
    assert all(len(script) < len(long) for _, script in kept)


def test_bytes_that_are_no_transaction() -> None:
    for raw in (b"", b"\x02\x00\x00\x00\x00", b"\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"):
        with pytest.raises(DecodeError):
            decode_transaction(raw)


KEY = bytes.fromhex("03b0da749730dc9b4b1f4a14d6902877a92541f5368778853d9c4a0cb7802dcfb2")


def _p2sh(script: bytes) -> bytes:
    return b"\xa9\x14" + hash160(script) + b"\x87"


@pytest.mark.parametrize(
    ("script", "kind", "p2sh", "segwit"),
    [
        (b"\x21" + KEY + b"\xac", "pubkey", True, b"\x00\x14" + hash160(KEY)),
        (
            b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac",
            "pubkeyhash",
            True,
            b"\x00\x14" + hash160(KEY),
        ),
        (b"\x51\x21" + KEY + b"\x51\xae", "multisig", True, None),
        (b"\x51", "nonstandard", True, None),
        (_p2sh(b""), "scripthash", False, b""),
        (b"\x6a\x01\x01", "nulldata", False, b""),
        (b"\x00\x14" + hash160(KEY), "witness_v0_keyhash", True, b""),
        (b"\x51\x20" + KEY[1:], "witness_v1_taproot", False, b""),
        (b"\x51\x02\x4e\x73", "anchor", False, b""),
        (b"\x50", "nonstandard", False, b""),
        (b"\xba", "nonstandard", False, b""),
        (b"\x4c\xff", "nonstandard", False, b""),
        (b"\x4d\x09\x02" + bytes(521), "nonstandard", False, b""),
    ],
)
def test_scripts(scene: Scene, script: bytes, kind: str, p2sh: bool, segwit: bytes | None) -> None:
    shown = scene.rig.call("decodescript", script.hex())
    assert "hex" not in shown
    assert shown["type"] == kind
    assert ("p2sh" in shown) == p2sh
    if p2sh:
        assert decode_address(shown["p2sh"], REGTEST) == _p2sh(script)
    if segwit == b"":
        assert "segwit" not in shown
        return
    wrapped = segwit or b"\x00\x20" + sha256(script)
    assert shown["segwit"]["hex"] == wrapped.hex()
    assert decode_address(shown["segwit"]["p2sh-segwit"], REGTEST) == _p2sh(wrapped)
    if kind == "multisig":
        assert shown["segwit"]["desc"].startswith(f"wsh(multi(1,{KEY.hex()}))#")


def test_a_script_with_an_uncompressed_key_has_no_witness_form(scene: Scene) -> None:
    key = b"\x04" + bytes(64)
    shown = scene.rig.call("decodescript", (b"\x41" + key + b"\xac").hex())
    assert "p2sh" in shown
    assert "segwit" not in shown
    assert scene.rig.refusal("decodescript", "0")[0] == -8
    assert scene.rig.call("decodescript", "")["type"] == "nonstandard"


# Drafted.

TXID = "1d1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000"


def test_drafts(scene: Scene) -> None:
    call, bob = scene.rig.call, scene.rig.bob
    raw = call(
        "createrawtransaction",
        [{"txid": TXID, "vout": 3}, {"txid": TXID, "vout": 4, "sequence": 7}],
        [{bob.address(): Number("0.5")}, {"data": "99"}],
        101,
    )
    assert Transaction.decode(bytes.fromhex(raw)) == Transaction.build(
        2,
        [
            TxIn(outpoint(_txid(TXID), 3), sequence=0xFFFFFFFD),
            TxIn(outpoint(_txid(TXID), 4), sequence=7),
        ],
        [TxOut(COIN // 2, bob.script), TxOut(0, b"\x6a\x01\x99")],
        101,
    )
    assert call("createrawtransaction", [], {}) == "02000000000000000000"
    named: Any = call(
        "createrawtransaction",
        inputs=[{"txid": TXID, "vout": 0}],
        outputs={bob.address(): 1, "data": "00"},
        replaceable=False,
        version=3,
    )
    made = Transaction.decode(bytes.fromhex(named))
    assert (made.version, made.inputs[0].sequence) == (3, 0xFFFFFFFF)
    assert [output.amount_sat for output in made.outputs] == [COIN, 0]


def _txid(text: str) -> Any:
    return bytes.fromhex(text)[::-1]


@pytest.mark.parametrize(
    ("inputs", "outputs", "rest", "fault"),
    [
        (["foo"], {}, [], (-3, "JSON value of type string is not of expected type object")),
        ([{}], {}, [], (-3, "JSON value of type null is not of expected type string")),
        ([{"txid": "foo"}], {}, [], (-8, "txid must be of length 64 (not 3, for 'foo')")),
        ([{"txid": TXID}], {}, [], (-8, "Invalid parameter, missing vout key")),
        (
            [{"txid": TXID, "vout": -1}],
            {},
            [],
            (-8, "Invalid parameter, vout cannot be negative"),
        ),
        (
            [{"txid": TXID, "vout": 0, "sequence": -1}],
            {},
            [],
            (-8, "Invalid parameter, sequence number is out of range"),
        ),
        ([], {}, [-1], (-8, "Invalid parameter, locktime out of range")),
        ([], {}, [1 << 32], (-8, "Invalid parameter, locktime out of range")),
        ([], {}, [0, None, 0], (-8, "Invalid parameter, version out of range(1~3)")),
        ([], {"foo": 0}, [], (-5, "Invalid Bitcoin address: foo")),
        ([], {"data": "foo"}, [], (-8, "Data must be hexadecimal string (not 'foo')")),
        ([], [{"data": "00"}, {"data": "00"}], [], (-8, "Invalid parameter, duplicate key: data")),
        (
            [],
            [{"a": 1, "b": 2}],
            [],
            (-8, "Invalid parameter, key-value pair must contain exactly one key"),
        ),
        ([], ["a"], [], (-8, "Invalid parameter, key-value pair not an object as expected")),
        (
            [{"txid": TXID, "vout": 0, "sequence": 0xFFFFFFFF}],
            {},
            [0, True],
            (
                -8,
                "Invalid parameter combination: Sequence number(s) contradict replaceable option",
            ),
        ),
    ],
)
def test_faulty_drafts(
    scene: Scene, inputs: list[Any], outputs: Any, rest: list[Any], fault: tuple[int, str]
) -> None:
    assert scene.rig.refusal("createrawtransaction", inputs, outputs, *rest) == fault


def test_amounts_of_drafts(scene: Scene) -> None:
    bob = scene.rig.bob.address()
    for amount, fault in ((-1, "Amount out of range"), ("foo", "Invalid amount")):
        assert scene.rig.refusal("createrawtransaction", [], {bob: amount}) == (-3, fault)
    assert scene.rig.refusal("createrawtransaction", [], [{bob: 1}, {bob: 1}]) == (
        -8,
        f"Invalid parameter, duplicated address: {bob}",
    )
    assert scene.rig.refusal("createrawtransaction", [], "foo")[0] == -3
