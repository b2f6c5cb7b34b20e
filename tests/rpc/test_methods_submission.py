"""Transactions sent, tested and submitted as packages, to a real node with real scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from axon.primitives.hashes import sha256, to_hex
from axon.primitives.script import OP_RETURN
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.rpc.amounts import Amount, Number
from tests.rpc.running import running
from tests.rpc.test_methods_rawtransactions import NO_INPUT, Scene
from tests.signing import Spendable


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield Scene(rig)


def _unsigned(transaction: Transaction) -> Transaction:
    inputs = [TxIn(item.prevout, sequence=item.sequence) for item in transaction.inputs]
    return Transaction.build(transaction.version, inputs, transaction.outputs)


def _broken(transaction: Transaction) -> Transaction:
    """The same with a signature that fits something else."""
    first = transaction.inputs[0]
    other = Transaction.build(
        transaction.version,
        [TxIn(first.prevout, sequence=first.sequence, witness=first.witness)],
        [TxOut(transaction.outputs[0].amount_sat - 1, transaction.outputs[0].script_pubkey)],
    )
    assert other.txid != transaction.txid
    return other


def test_sending(scene: Scene) -> None:
    rig, transaction = scene.rig, scene.pay()
    txid = rig.call("sendrawtransaction", transaction.raw.hex())
    assert txid == to_hex(transaction.txid)
    assert transaction.txid in rig.node.pool
    assert rig.node.pool.is_unbroadcast(transaction.txid)
    # Sending it once more is no fault.
    assert rig.call("sendrawtransaction", hexstring=transaction.raw.hex()) == txid


def test_what_is_confirmed_is_not_sent_again(scene: Scene) -> None:
    assert scene.rig.refusal("sendrawtransaction", scene.payment.raw.hex()) == (
        -27,
        "Transaction outputs already in utxo set",
    )


def test_what_the_pool_refuses(scene: Scene) -> None:
    refusal = scene.rig.refusal
    transaction = scene.pay()
    missing = scene.spend(transaction)
    assert refusal("sendrawtransaction", missing.raw.hex()) == (
        -25,
        "bad-txns-inputs-missingorspent",
    )
    code, reason = refusal("sendrawtransaction", _broken(transaction).raw.hex())
    assert code == -26
    assert "script-verify-flag-failed" in reason
    assert refusal("sendrawtransaction", scene.pay(1).raw.hex()) == (
        -26,
        "min relay fee not met, 1 < 11",
    )
    failed = (-22, f"TX decode failed. {NO_INPUT}")
    for text in ("", "zz", "00", transaction.raw.hex() + "00"):
        assert refusal("sendrawtransaction", text) == failed


def test_scripts_that_only_policy_forbids(scene: Scene) -> None:
    script = b"\xb0\x51"  # An operation that later rules may give a meaning.
    coin = scene.coins.pop(0)
    paid = scene.rig.alice.pay([coin], [TxOut(COIN, b"\x00\x20" + sha256(script))])
    scene.rig.send(paid)
    inputs = [TxIn(outpoint(paid.txid, 0), witness=(script,))]
    odd = Transaction.build(2, inputs, [TxOut(COIN // 2, scene.rig.bob.script)]).raw.hex()
    reason = "mempool-script-verify-flag-failed (NOPx reserved for soft-fork upgrades)"
    (tested,) = scene.rig.call("testmempoolaccept", [odd], 0)
    assert tested["reject-reason"] == reason
    code, text = scene.rig.refusal("sendrawtransaction", odd, 0)
    assert (code, text.partition(", ")[0]) == (-26, reason)
    template = {"mode": "proposal", "rules": ["segwit"]}
    block = scene.rig.call("generateblock", scene.rig.alice.address(), [paid.raw.hex(), odd], False)
    assert scene.rig.call("getblocktemplate", {**template, "data": block["hex"]}) is None


def test_fees_too_high(scene: Scene) -> None:
    rig = scene.rig
    dear = scene.pay(COIN // 10)
    too_much = (-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
    assert rig.refusal("sendrawtransaction", dear.raw.hex()) == too_much
    vsize = dear.vsize
    highest = -(-COIN // 10 * 1_000 // vsize) + 10  # The feerate of the fee, rounded up.
    assert rig.refusal("sendrawtransaction", dear.raw.hex(), Number("0.5")) == too_much
    assert rig.refusal("sendrawtransaction", dear.raw.hex(), 1) == (
        -8,
        "Fee rates larger than or equal to 1BTC/kvB are not accepted",
    )
    code, reason = rig.refusal("sendrawtransaction", _broken(dear).raw.hex())
    assert (code, reason.partition(" ")[0]) == (-26, "mempool-script-verify-flag-failed")
    (tested,) = rig.call("testmempoolaccept", [dear.raw.hex()], Number("0.5"))
    assert tested["reject-reason"] == "max-fee-exceeded"
    assert highest < COIN
    text = Number(f"0.{highest:08d}")
    assert rig.call("sendrawtransaction", dear.raw.hex(), text) == to_hex(dear.txid)


def test_burnt_money(scene: Scene) -> None:
    rig = scene.rig
    coin = scene.coins.pop(0)
    data = bytes((OP_RETURN, 1, 1))
    burning = rig.alice.pay([coin], [TxOut(1_000, data), TxOut(40 * COIN, rig.bob.script)])
    args = [burning.raw.hex(), 0]
    fault = (-25, "Unspendable output exceeds maximum configured by user (maxburnamount)")
    assert rig.refusal("sendrawtransaction", *args) == fault
    assert rig.refusal("sendrawtransaction", *args, Number("0.00000999")) == fault
    assert rig.refusal("submitpackage", [args[0]], 0) == fault
    assert rig.call("sendrawtransaction", *args, Number("0.00001")) == to_hex(burning.txid)


def test_testing_one(scene: Scene) -> None:
    rig, transaction = scene.rig, scene.pay()
    (shown,) = rig.call("testmempoolaccept", [transaction.raw.hex()])
    names = {"txid": to_hex(transaction.txid), "wtxid": to_hex(transaction.wtxid)}
    assert shown == {
        **names,
        "allowed": True,
        "vsize": transaction.vsize,
        "fees": {
            "base": Amount(1_000),
            "effective-feerate": Amount(1_000 * 1_000 // transaction.vsize),
            "effective-includes": [names["wtxid"]],
        },
    }
    assert transaction.txid not in rig.node.pool
    assert rig.call("testmempoolaccept", rawtxs=[scene.spend(transaction).raw.hex()])[0] == {
        **rig.call("testmempoolaccept", [scene.spend(transaction).raw.hex()])[0],
        "allowed": False,
        "reject-reason": "missing-inputs",
    }
    (poor,) = rig.call("testmempoolaccept", [scene.pay(1).raw.hex()])
    assert poor["reject-reason"] == "min relay fee not met"
    assert poor["reject-details"] == "min relay fee not met, 1 < 11"
    (unsigned,) = rig.call("testmempoolaccept", [_unsigned(transaction).raw.hex()])
    assert unsigned["allowed"] is False
    rig.send(transaction)
    (known,) = rig.call("testmempoolaccept", [transaction.raw.hex()])
    assert known["reject-reason"] == "txn-already-in-mempool"


def test_testing_several(scene: Scene) -> None:
    rig, parent = scene.rig, scene.pay()
    child = scene.spend(parent)
    both = [parent.raw.hex(), child.raw.hex()]
    shown = rig.call("testmempoolaccept", both)
    assert [each["allowed"] for each in shown] == [True, True]
    # Upside down they are no package; nothing is said of either.
    upside = rig.call("testmempoolaccept", both[::-1])
    assert [each["package-error"] for each in upside] == ["package-not-sorted"] * 2
    assert all("allowed" not in each for each in upside)
    # The first that pays too much ends the test.
    capped = rig.call("testmempoolaccept", both, Number("0.00001"))
    assert capped[0]["reject-reason"] == "max-fee-exceeded"
    assert "allowed" not in capped[1]


def test_arrays_of_the_wrong_size(scene: Scene) -> None:
    fault = (-8, "Array must contain between 1 and 25 transactions.")
    raw = scene.payment.raw.hex()
    for name in ("testmempoolaccept", "submitpackage"):
        assert scene.rig.refusal(name, []) == fault
        assert scene.rig.refusal(name, [raw] * 26) == fault
        assert scene.rig.refusal(name, ["ff00baar"]) == (
            -22,
            f"TX decode failed: ff00baar {NO_INPUT}",
        )


def test_a_child_pays_for_its_parent(scene: Scene) -> None:
    rig, parent = scene.rig, scene.pay(0)
    child = scene.spend(parent, 5_000)
    shown = rig.call("submitpackage", [parent.raw.hex(), child.raw.hex()])
    together = 5_000 * 1_000 // (parent.vsize + child.vsize)
    fees = {
        "effective-feerate": Amount(together),
        "effective-includes": [to_hex(parent.wtxid), to_hex(child.wtxid)],
    }
    assert shown == {
        "package_msg": "success",
        "tx-results": {
            to_hex(parent.wtxid): {
                "txid": to_hex(parent.txid),
                "vsize": parent.vsize,
                "fees": {"base": Amount(0), **fees},
            },
            to_hex(child.wtxid): {
                "txid": to_hex(child.txid),
                "vsize": child.vsize,
                "fees": {"base": Amount(5_000), **fees},
            },
        },
        "replaced-transactions": [],
    }
    assert parent.txid in rig.node.pool
    assert child.txid in rig.node.pool
    again = rig.call("submitpackage", [parent.raw.hex(), child.raw.hex()])
    assert again["package_msg"] == "success"
    assert "effective-feerate" not in again["tx-results"][to_hex(child.wtxid)]["fees"]


def test_a_package_replaces(scene: Scene) -> None:
    rig = scene.rig
    coin = scene.coins.pop(0)
    old = rig.alice.pay([coin], [TxOut(coin.amount_sat - 300, rig.bob.script)])
    rig.send(old)
    parent = rig.alice.pay([coin], [TxOut(coin.amount_sat - 200, rig.bob.script)])
    child = scene.spend(parent, 20_000)
    shown = rig.call("submitpackage", [parent.raw.hex(), child.raw.hex()])
    assert shown["package_msg"] == "success"
    assert shown["replaced-transactions"] == [to_hex(old.txid)]


def test_refused_packages(scene: Scene) -> None:
    rig = scene.rig
    one, other = scene.pay(), scene.pay()
    assert rig.refusal("submitpackage", [one.raw.hex(), other.raw.hex()]) == (
        -25,
        "package topology disallowed. not child-with-parents or parents depend on each other.",
    )
    broken = _broken(one)
    shown = rig.call("submitpackage", [broken.raw.hex(), scene.spend(broken).raw.hex()])
    assert shown["package_msg"] == "transaction failed"
    results: dict[str, Any] = shown["tx-results"]
    assert "script-verify-flag-failed" in results[to_hex(broken.wtxid)]["error"]
    assert broken.txid not in rig.node.pool
    dear = rig.call("submitpackage", [scene.pay(COIN // 10).raw.hex()])
    (member,) = dear["tx-results"].values()
    assert member["error"] == "max feerate exceeded"


def test_another_witness_of_the_same(scene: Scene) -> None:
    rig, transaction = scene.rig, scene.pay()
    rig.send(transaction)
    coin = Spendable(transaction.inputs[0].prevout, 50 * COIN)
    first = transaction.inputs[0]
    bare = Transaction.build(
        2,
        [TxIn(first.prevout, sequence=first.sequence, witness=(*first.witness, b"\x01"))],
        transaction.outputs,
    )
    assert coin.outpoint == outpoint(coin.outpoint[:32], 0)  # type: ignore[arg-type]
    assert bare.txid == transaction.txid
    shown = rig.call("submitpackage", [bare.raw.hex()])
    assert shown["tx-results"][to_hex(bare.wtxid)] == {
        "txid": to_hex(bare.txid),
        "other-wtxid": to_hex(transaction.wtxid),
    }
