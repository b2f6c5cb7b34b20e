"""Questions about headers, blocks and waiting, asked of a real node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.coins import Coin
from axon.chain.headertree import HeaderTree
from axon.mining.miner import mine
from axon.mining.template import assemble
from axon.node.commands import Submitted
from axon.primitives.block import Block
from axon.primitives.hashes import sha256d, to_hex
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import COIN, TxOut
from axon.rpc.amounts import Amount, encode_json
from axon.rpc.methods.blockchain import SIGNET_CHALLENGE
from axon.rpc.methods.shapes.blockstats import PERCENTILES, block_stats
from axon.rpc.methods.shapes.deployments import Deployment, deployments_json, script_flags
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


def test_chain_info(scene: Scene) -> None:
    info = scene.rig.call("getblockchaininfo")
    header = scene.block.header
    assert list(info) == [
        "chain", "blocks", "headers", "bestblockhash", "bits", "target", "difficulty", "time",
        "mediantime", "verificationprogress", "initialblockdownload", "chainwork", "size_on_disk",
        "pruned", "warnings",
    ]  # fmt: skip
    assert info["chain"] == "regtest"
    assert info["blocks"] == info["headers"] == 102
    assert info["bestblockhash"] == scene.hash
    assert info["bits"] == "207fffff"
    assert info["target"] == "7fffff" + "0" * 58
    assert info["time"] == header.time
    assert info["verificationprogress"] == 1.0
    assert info["initialblockdownload"] is False
    assert int(info["chainwork"], 16) == 103 * 2
    assert info["pruned"] is False
    assert info["warnings"] == []


def test_size_on_disk_counts_block_and_undo_files(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        assert rig.call("getblockchaininfo")["size_on_disk"] == 0
        (tmp_path / "blocks").mkdir()
        (tmp_path / "blocks" / "blk00000.dat").write_bytes(bytes(300))
        (tmp_path / "blocks" / "rev00000.dat").write_bytes(bytes(40))
        (tmp_path / "blocks" / "xor").write_bytes(bytes(5))
        info = rig.call("getblockchaininfo")
    assert info["size_on_disk"] == 340
    assert info["verificationprogress"] == 0.0, "the genesis block is old: many are missing"
    assert info["initialblockdownload"] is True


def test_signet_challenge_leads_to_the_magic_of_signet() -> None:
    challenge = bytes.fromhex(SIGNET_CHALLENGE)
    assert sha256d(bytes((len(challenge),)) + challenge)[:4].hex() == "0a03cf40"


def test_hashes_and_heights(scene: Scene) -> None:
    call = scene.rig.call
    assert call("getblockcount") == 102
    assert call("getbestblockhash") == scene.hash
    assert call("getblockhash", 0) == GENESIS
    assert call("getblockhash", height=102) == scene.hash
    assert scene.rig.refusal("getblockhash", 103) == (-8, "Block height out of range")
    assert scene.rig.refusal("getblockhash", -1) == (-8, "Block height out of range")
    assert encode_json(call("getdifficulty")) == "4.656542373906925e-10"


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
        "blockhash must be of length 64 (not 2, for '00')",
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
        "utxo_size_inc": 3 * 72 + 88 - 72,
        "utxo_increase_actual": 2,
        "utxo_size_inc_actual": 2 * 72,
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


def test_tips_and_stale_blocks(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        rig.mine(3)
        node = rig.node
        parent = node.active.at(1)
        assert parent is not None

        def side(time: int) -> Block:
            assert parent is not None
            output = TxOut(REGTEST.subsidy_sat(parent.height + 1), rig.bob.script)
            block = mine(
                assemble(parent, (), [output], version=4, time=time, bits=0x207FFFFF),
                100_000,
            )
            assert block is not None
            return block

        stale = side(parent.time + 1)
        assert rig.submit(stale) == Submitted("inconclusive")
        assert rig.call("getchaintips") == [
            {
                "height": 3,
                "hash": rig.call("getbestblockhash"),
                "branchlen": 0,
                "status": "active",
            },
            {
                "height": 2,
                "hash": to_hex(stale.hash),
                "branchlen": 1,
                "status": "valid-headers",
            },
        ]
        shown = rig.call("getblock", to_hex(stale.hash), 2)
        assert shown["confirmations"] == -1
        assert "nextblockhash" not in shown
        assert rig.refusal("getblockfilter", to_hex(stale.hash)) == (
            -5,
            "Filter not found. Block was not connected to active chain.",
        )
        assert rig.refusal("getchaintxstats", 1, to_hex(stale.hash)) == (
            -8,
            "Block is not in main chain",
        )
        only_header = side(parent.time + 3)
        now = rig.daemon.clock.now()

        async def add() -> None:
            node.headers.add(only_header.header, now)

        rig.wait(add())
        name = to_hex(only_header.hash)
        assert [tip["status"] for tip in rig.call("getchaintips") if tip["hash"] == name] == [
            "headers-only"
        ]
        assert rig.call("getblockheader", name)["nTx"] == 0
        assert rig.refusal("getblock", name) == (
            -1,
            "Block not available (not fully downloaded)",
        )


def test_transactions_in_a_window(scene: Scene) -> None:
    shown = scene.rig.call("getchaintxstats", 10)
    assert shown["txcount"] == 1 + 101 + 2
    assert shown["window_final_block_hash"] == scene.hash
    assert shown["window_final_block_height"] == 102
    assert shown["window_block_count"] == 10
    assert shown["window_tx_count"] == 11
    assert ("txrate" in shown) == (shown["window_interval"] > 0)
    assert scene.rig.call("getchaintxstats")["window_block_count"] == 101
    at_genesis = scene.rig.call("getchaintxstats", 0, GENESIS)
    assert at_genesis["txcount"] == 1
    assert "window_tx_count" not in at_genesis
    assert scene.rig.refusal("getchaintxstats", 102)[0] == -8
    assert scene.rig.refusal("getchaintxstats", -1)[0] == -8


def test_deployments_on_regtest(scene: Scene) -> None:
    shown = scene.rig.call("getdeploymentinfo")
    assert shown["hash"] == scene.hash
    assert shown["height"] == 102
    assert shown["script_flags"] == [
        "CHECKLOCKTIMEVERIFY",
        "CHECKSEQUENCEVERIFY",
        "DERSIG",
        "NULLDUMMY",
        "P2SH",
        "TAPROOT",
        "WITNESS",
    ]
    assert list(shown["deployments"]) == [
        "bip34", "bip66", "bip65", "csv", "segwit", "testdummy", "taproot",
    ]  # fmt: skip
    assert shown["deployments"]["csv"] == {"type": "buried", "active": True, "height": 1}
    assert shown["deployments"]["taproot"] == {
        "type": "bip9",
        "height": 0,
        "active": True,
        "bip9": {
            "start_time": -1,
            "timeout": (1 << 63) - 1,
            "min_activation_height": 0,
            "status": "active",
            "since": 0,
            "status_next": "active",
        },
    }
    dummy = shown["deployments"]["testdummy"]
    assert dummy["active"] is False
    assert dummy["bip9"]["status"] == dummy["bip9"]["status_next"] == "defined"
    assert "bit" not in dummy["bip9"]
    at_genesis = scene.rig.call("getdeploymentinfo", GENESIS)
    assert at_genesis["script_flags"] == ["NULLDUMMY", "P2SH", "TAPROOT", "WITNESS"]


def test_a_deployment_goes_through_all_states() -> None:
    """Four blocks a period, three signals of them lock it in, its rules wait for height 16."""
    deployment = Deployment(28, 0, 1 << 40, 16, 4, 3)
    tree = HeaderTree(REGTEST)
    entry, version = tree.genesis, 0x3000_0000
    seen: list[tuple[str, str]] = []
    shown = {}
    for height in range(1, 20):
        signals = height < 4 or height in (5, 6, 7) or height > 11
        block = mine(
            assemble(
                entry,
                (),
                [TxOut(0, b"")],
                version=version if signals else 0x2000_0000,
                time=entry.time + 1,
                bits=0x207FFFFF,
            ),
            100_000,
        )
        assert block is not None
        added = tree.add(block.header, (entry.time + 10_000) * 1_000_000)
        assert not hasattr(added, "reason")
        entry = added
        bip9 = deployment.to_json(entry)
        seen.append((bip9["bip9"]["status"], bip9["bip9"]["status_next"]))
        shown[height] = bip9
    # Signals before it started, in the first period, do not count.
    assert seen[:3] == [("defined", "defined")] * 2 + [("defined", "started")]
    assert seen[3:7] == [("started", "started")] * 3 + [("started", "locked_in")]
    assert seen[7:15] == [("locked_in", "locked_in")] * 7 + [("locked_in", "active")]
    assert seen[15:] == [("active", "active")] * 4
    assert shown[6]["bip9"] == {
        "bit": 28,
        "start_time": 0,
        "timeout": 1 << 40,
        "min_activation_height": 16,
        "status": "started",
        "since": 4,
        "status_next": "started",
        "statistics": {"period": 4, "elapsed": 3, "count": 2, "threshold": 3, "possible": True},
        "signalling": "-##",
    }
    assert "threshold" not in shown[9]["bip9"]["statistics"]
    assert "height" not in shown[14]
    assert (shown[15]["height"], shown[15]["active"]) == (16, True)
    assert (shown[19]["height"], shown[19]["bip9"]["since"]) == (16, 16)
    late = Deployment(28, 0, 1, 0, 4, 4)
    assert late.to_json(entry)["bip9"]["status"] == "failed"


def test_deployments_of_mainnet_at_its_start() -> None:
    genesis = HeaderTree(MAINNET).genesis
    shown = deployments_json(genesis, MAINNET)
    assert "testdummy" not in shown
    assert shown["segwit"] == {"type": "buried", "active": False, "height": 481_824}
    assert shown["taproot"]["bip9"]["status"] == "defined"
    assert script_flags(genesis, MAINNET) == ["P2SH", "TAPROOT", "WITNESS"]


# Waiting.


def test_waiting_for_a_block_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        new = rig.begin("waitfornewblock")
        third = rig.begin("waitforblockheight", 3)
        (first,) = rig.mine()
        assert new.result(10) == {"hash": to_hex(first.hash), "height": 1}
        assert not third.done()
        (_, last) = rig.mine(2)
        assert third.result(10) == {"hash": to_hex(last.hash), "height": 3}
        # What holds already is not waited for.
        assert rig.call("waitforblock", to_hex(last.hash))["height"] == 3
        assert rig.call("waitforblockheight", 2)["height"] == 3
        assert rig.call("waitfornewblock", 0, to_hex(first.hash))["height"] == 3
        assert rig.call("syncwithvalidationinterfacequeue") is None


def test_waiting_ends_with_its_time(scene: Scene) -> None:
    """Waits for a millisecond: that is what is tested."""
    tip = {"hash": scene.hash, "height": 102}
    assert scene.rig.call("waitfornewblock", 1) == tip
    assert scene.rig.call("waitforblock", "00" * 32, 1) == tip
    assert scene.rig.call("waitforblockheight", height=1_000, timeout=1) == tip
    assert scene.rig.refusal("waitfornewblock", -1) == (-1, "Negative timeout")


def test_every_method_explains_itself(scene: Scene) -> None:
    for name in scene.rig._registry.methods:
        text = scene.rig.call("help", name)
        assert text.startswith(name)
        assert len(text.splitlines()) > 2
