"""Questions about single blocks, asked of a real node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from axon.chain.coins import Coin
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, TxOut
from axon.rpc.amounts import Amount
from axon.rpc.shapes.blockstats import PERCENTILES, block_stats
from tests.rpc.running import Rig, running

GENESIS = to_hex(REGTEST.genesis.hash)


class Scene:
    """101 blocks, and one more in which Alice pays Bob."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.first = rig.mine(101)[0]
        self.payment = rig.alice.pay(
            [rig.coinbase(self.first)],
            [TxOut(30 * COIN, rig.bob.script), TxOut(20 * COIN - 1_000, rig.alice.script)],
        )
        rig.send(self.payment)
        (self.block,) = rig.mine()
        self.hash = to_hex(self.block.hash)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield Scene(rig)


def test_header(scene: Scene) -> None:
    header = scene.rig.call("getblockheader", to_hex(scene.first.hash))
    raw = scene.first.header
    assert header == {
        "hash": to_hex(raw.hash),
        "confirmations": 102,
        "height": 1,
        "version": 0x20000000,
        "versionHex": "20000000",
        "merkleroot": to_hex(raw.merkle_root),
        "time": raw.time,
        "mediantime": header["mediantime"],
        "nonce": raw.nonce,
        "bits": "207fffff",
        "target": "7fffff" + "0" * 58,
        "difficulty": header["difficulty"],
        "chainwork": f"{4:064x}",
        "nTx": 1,
        "previousblockhash": GENESIS,
        "nextblockhash": scene.rig.call("getblockhash", 2),
    }
    genesis = scene.rig.call("getblockheader", GENESIS, True)
    assert "previousblockhash" not in genesis
    assert genesis["nTx"] == 1
    assert "nextblockhash" not in scene.rig.call("getblockheader", scene.hash)
    assert scene.rig.call("getblockheader", scene.hash, False) == scene.block.header.raw.hex()
    assert scene.rig.refusal("getblockheader", "00" * 32) == (-5, "Block not found")
    assert scene.rig.refusal("getblockheader", "00") == (
        -8,
        "hash must be of length 64 (not 2, for '00')",
    )


def test_block_as_hex_and_with_txids(scene: Scene) -> None:
    call = scene.rig.call
    assert call("getblock", scene.hash, 0) == scene.block.raw.hex()
    assert call("getblock", scene.hash, False) == scene.block.raw.hex()
    shown = call("getblock", scene.hash)
    assert shown == call("getblock", scene.hash, 1) == call("getblock", scene.hash, True)
    header = call("getblockheader", scene.hash)
    assert {name: shown[name] for name in header} == header
    first = scene.block.transactions[0]
    assert {name: shown[name] for name in shown if name not in header} == {
        "strippedsize": len(scene.block.stripped()),
        "size": len(scene.block.raw),
        "weight": 3 * len(scene.block.stripped()) + len(scene.block.raw),
        "coinbase_tx": {
            "version": 2,
            "locktime": 101,
            "sequence": 0xFFFFFFFE,
            "coinbase": first.inputs[0].script_sig.hex(),
            "witness": "00" * 32,
        },
        "tx": [to_hex(first.txid), to_hex(scene.payment.txid)],
    }
    assert scene.rig.refusal("getblock", "00" * 32) == (-5, "Block not found")


def test_block_with_transactions_and_prevouts(scene: Scene) -> None:
    call = scene.rig.call
    for name in ("verbosity", "verbose"):
        shown = call("getblock", **{"blockhash": scene.hash, name: 2})
        coinbase, payment = shown["tx"]
        assert "fee" not in coinbase
        assert payment["fee"] == Amount(1_000)
        assert "prevout" not in payment["vin"][0]
        assert payment["hex"] == scene.payment.raw.hex()
    full = call("getblock", scene.hash, 3)["tx"]
    assert "prevout" not in full[0]["vin"][0]
    prevout = full[1]["vin"][0]["prevout"]
    assert prevout["generated"] is True
    assert prevout["height"] == 1
    assert prevout["value"] == Amount(50 * COIN)
    script = prevout["scriptPubKey"]
    assert list(script) == ["asm", "desc", "hex", "address", "type"]
    assert script["address"] == scene.rig.alice.address()
    assert script["desc"].startswith(f"addr({scene.rig.alice.address()})#")
    assert script["type"] == "witness_v0_keyhash"
    genesis = call("getblock", GENESIS, 3)
    assert "fee" not in genesis["tx"][0]
    assert genesis["coinbase_tx"]["coinbase"].startswith("04ffff001d")
    assert "witness" not in genesis["coinbase_tx"]


def test_filter(scene: Scene) -> None:
    call = scene.rig.call
    shown = call("getblockfilter", scene.hash)
    filters = scene.rig.node.filters
    assert filters is not None
    assert filters.filters([scene.block.hash]) == [bytes.fromhex(shown["filter"])]
    assert to_hex(filters.headers([scene.block.hash])[0] or b"") == shown["header"]
    assert scene.rig.refusal("getblockfilter", scene.hash, "x") == (-5, "Unknown filtertype")
    assert scene.rig.refusal("getblockfilter", "00" * 32) == (-5, "Block not found")


def test_stats_of_a_block(scene: Scene) -> None:
    payment = scene.payment
    shown = scene.rig.call("getblockstats", 102)
    feerate = 1_000 * 4 // payment.weight_wu
    size = payment.size_bytes
    assert shown == scene.rig.call("getblockstats", scene.hash)
    assert shown == {
        "avgfee": 1_000,
        "avgfeerate": feerate,
        "avgtxsize": size,
        "blockhash": scene.hash,
        "feerate_percentiles": [feerate] * 5,
        "height": 102,
        "ins": 1,
        "maxfee": 1_000,
        "maxfeerate": feerate,
        "maxtxsize": size,
        "medianfee": 1_000,
        "mediantime": shown["mediantime"],
        "mediantxsize": size,
        "minfee": 1_000,
        "minfeerate": feerate,
        "mintxsize": size,
        "outs": 4,
        "subsidy": 50 * COIN,
        "swtotal_size": size,
        "swtotal_weight": payment.weight_wu,
        "swtxs": 1,
        "time": scene.block.header.time,
        "total_out": 50 * COIN - 1_000,
        "total_size": size,
        "total_weight": payment.weight_wu,
        "totalfee": 1_000,
        "txs": 2,
        "utxo_increase": 3,
        # Three outputs of 22 bytes of script and one of 38; one like the three is spent.
        "utxo_size_inc": 3 * 71 + 87 - 71,
        "utxo_increase_actual": 2,
        "utxo_size_inc_actual": 2 * 71,
    }
    assert scene.rig.call("getblockstats", 102, ["txs", "ins", "txs"]) == {"ins": 1, "txs": 2}
    assert scene.rig.refusal("getblockstats", 102, ["aaa"]) == (
        -8,
        "Invalid selected statistic 'aaa'",
    )
    assert scene.rig.refusal("getblockstats", 103)[1] == (
        "Target block height 103 after current tip 102"
    )
    assert scene.rig.refusal("getblockstats", -1) == (-8, "Target block height -1 is negative")
    genesis = scene.rig.call("getblockstats", 0)
    assert genesis["utxo_increase"] == 1
    assert genesis["utxo_increase_actual"] == 0


def test_percentiles_by_weight_and_truncated_medians(scene: Scene) -> None:
    """Nine transactions of one weight, fees from 100 to 900 satoshi."""
    rig = scene.rig
    source = rig.coinbase(scene.first)
    spending = [
        rig.alice.pay([source], [TxOut(source.amount_sat - fee, rig.bob.script)])
        for fee in range(100, 1_000, 100)
    ]
    spending = [each for each in spending if each.weight_wu == spending[0].weight_wu]
    coin = Coin(1, False, source.amount_sat, rig.alice.script)
    block = Block.build(scene.block.header, [scene.block.transactions[0], *spending])
    shown = block_stats(block, [[], *[[coin]] * len(spending)], genesis=False)
    fees = sorted(source.amount_sat - each.outputs[0].amount_sat for each in spending)
    rates = [fee * 4 // spending[0].weight_wu for fee in fees]
    count = len(fees)
    middle = count // 2
    median = fees[middle] if count % 2 else (fees[middle - 1] + fees[middle]) // 2
    assert shown["medianfee"] == median
    assert shown["feerate_percentiles"] == [
        rates[-(-count * part // whole) - 1] for part, whole in PERCENTILES
    ]
