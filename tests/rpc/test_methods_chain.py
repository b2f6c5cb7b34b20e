"""Questions about the chain and waiting for it, asked of a real node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.deployments import Deployment
from axon.chain.headertree import HeaderTree
from axon.mining.miner import mine
from axon.mining.template import assemble
from axon.node.commands import Submitted
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import TxOut
from axon.rpc.amounts import encode_json
from axon.rpc.shapes.deployments import deployment_json, deployments_json, script_flags
from tests.rpc.running import running
from tests.rpc.test_methods_blocks import Scene

GENESIS = to_hex(REGTEST.genesis.hash)


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


def test_hashes_and_heights(scene: Scene) -> None:
    call = scene.rig.call
    assert call("getblockcount") == 102
    assert call("getbestblockhash") == scene.hash
    assert call("getblockhash", 0) == GENESIS
    assert call("getblockhash", height=102) == scene.hash
    assert scene.rig.refusal("getblockhash", 103) == (-8, "Block height out of range")
    assert scene.rig.refusal("getblockhash", -1) == (-8, "Block height out of range")
    assert encode_json(call("getdifficulty")) == "4.656542373906925e-10"


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
        "bip34", "bip66", "bip65", "csv", "segwit", "testdummy",
    ]  # fmt: skip
    assert shown["deployments"]["csv"] == {"type": "buried", "active": True, "height": 1}
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
        bip9 = deployment_json(deployment, entry)
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
    assert deployment_json(late, entry)["bip9"]["status"] == "failed"


def test_deployments_of_mainnet_at_its_start() -> None:
    genesis = HeaderTree(MAINNET).genesis
    shown = deployments_json(genesis, MAINNET)
    assert "testdummy" not in shown
    assert shown["segwit"] == {"type": "buried", "active": False, "height": 481_824}
    assert "taproot" not in shown, "as of 32"
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


def test_the_list_has_every_method(scene: Scene) -> None:
    lines = [line for line in scene.rig.call("help").splitlines() if line and line[0] != "="]
    assert sorted(line.split()[0] for line in lines) == sorted(scene.rig._registry.methods)
    assert 'generatetoaddress nblocks "address" ( maxtries )' in lines


def test_every_method_explains_itself(scene: Scene) -> None:
    for name in scene.rig._registry.methods:
        text = scene.rig.call("help", name)
        assert text.startswith(name)
        assert len(text.splitlines()) > 2
