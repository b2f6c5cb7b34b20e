"""Coins in files: `dumptxoutset` and `loadtxoutset`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.chain.coins import Coin, encode_coin
from axon.chain.utxosnapshot import METADATA_BYTES
from axon.drivers.aio.stores import RocksStore
from axon.node.jobs import CountTransactions
from axon.primitives.transaction import TxOut
from tests.rpc.running import Rig, running

HEIGHT = 103


@pytest.fixture(scope="module", name="rig")
def rig_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Blocks 102 and 103 spend a coinbase each."""
    folder = tmp_path_factory.mktemp("node")
    with running(folder) as rig:
        early = rig.mine(101)
        for block in early[:2]:
            coin = rig.coinbase(block)
            rig.send(rig.alice.pay([coin], [TxOut(coin.amount_sat // 3, rig.bob.script)] * 2))
            rig.mine()
        yield rig


def test_the_newest_coins_are_written(rig: Rig, tmp_path: Path) -> None:
    told = rig.call("dumptxoutset", str(tmp_path / "coins"), "latest")
    stats = rig.call("gettxoutsetinfo")
    assert told == {
        "coins_written": stats["txouts"],
        "base_hash": stats["bestblock"],
        "base_height": HEIGHT,
        "path": str(tmp_path / "coins"),
        "txoutset_hash": stats["hash_serialized_3"],
        "nchaintx": 1 + HEIGHT + 2,
    }
    data = (tmp_path / "coins").read_bytes()
    assert int.from_bytes(data[METADATA_BYTES - 8 : METADATA_BYTES], "little") == stats["txouts"]
    assert [path.name for path in tmp_path.iterdir()] == ["coins"]
    assert (tmp_path / "coins").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("in_memory", [False, True])
def test_coins_of_an_earlier_block_are_those_it_had(
    rig: Rig, tmp_path: Path, in_memory: bool
) -> None:
    block_hash = rig.call("getblockhash", 101)
    options = {"rollback": block_hash, "in_memory": in_memory}
    told = rig.call("dumptxoutset", str(tmp_path / "old"), "rollback", options)
    by_height = rig.call("dumptxoutset", path=str(tmp_path / "other"), rollback=101)
    rig.call("invalidateblock", rig.call("getblockhash", 102))
    now = rig.call("dumptxoutset", str(tmp_path / "now"), "latest")
    rig.call("reconsiderblock", block_hash)
    files = [(tmp_path / name).read_bytes() for name in ("old", "other", "now")]
    assert files == [files[0]] * 3
    assert told["txoutset_hash"] == by_height["txoutset_hash"] == now["txoutset_hash"]
    assert told["nchaintx"] == 102
    assert len(list(tmp_path.iterdir())) == 3, "nothing else is left"


def test_what_a_killed_run_left_is_no_part_of_the_next_file(rig: Rig, tmp_path: Path) -> None:
    left = RocksStore(tmp_path / "temp_utxo_102")
    left.write({b"u\xff" + bytes(35): encode_coin(Coin(1, False, 5_000, b"\x51"))})
    left.close()
    clean = rig.call("dumptxoutset", str(tmp_path / "a"), "", {"rollback": 102, "in_memory": True})
    told = rig.call("dumptxoutset", str(tmp_path / "b"), "", {"rollback": 102})
    assert told["coins_written"] == clean["coins_written"]
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]


def test_a_relative_path_is_in_the_nodes_folder(rig: Rig) -> None:
    told = rig.call("dumptxoutset", "coins.dat", "latest")
    assert told["path"] == str(rig.daemon.folder / "coins.dat")
    refused = rig.refusal("dumptxoutset", "coins.dat", "latest")
    assert refused[0] == -8
    assert refused[1].startswith(f"{told['path']} already exists.")


def test_one_file_at_a_time(rig: Rig, tmp_path: Path) -> None:
    real = rig.daemon.perform
    reached, go_on = threading.Event(), threading.Event()

    def perform(job: object) -> Any:
        if isinstance(job, CountTransactions):
            reached.set()
            go_on.wait(10)
        return real(job)

    rig.daemon.perform = perform
    first = rig.begin("dumptxoutset", str(tmp_path / "one"), "latest")
    assert reached.wait(10)
    refused = rig.refusal("dumptxoutset", str(tmp_path / "two"), "latest")
    go_on.set()
    first.result(10)
    rig.daemon.perform = real
    assert refused == (-8, "Another snapshot is being written")


@pytest.mark.parametrize(
    ("args", "refusal"),
    [
        ([], 'Invalid snapshot type "" specified. Please specify "rollback" or "latest"'),
        (["x"], 'Invalid snapshot type "x" specified. Please specify "rollback" or "latest"'),
        (
            ["latest", {"rollback": 5}],
            'Invalid snapshot type "latest" specified with rollback option',
        ),
        (["rollback"], "Target block height 299 after current tip 103"),
        (["", {"rollback": -1}], "Target block height -1 is negative"),
    ],
)
def test_dumps_are_refused(rig: Rig, tmp_path: Path, args: list[object], refusal: str) -> None:
    assert rig.refusal("dumptxoutset", str(tmp_path / "x"), *args) == (-8, refusal)
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_is_said(rig: Rig, tmp_path: Path) -> None:
    place = tmp_path / "missing" / "x"
    text = f"Couldn't open file {place}.incomplete for writing."
    assert rig.refusal("dumptxoutset", str(place), "latest") == (-8, text)


def test_blocks_off_the_chain_have_no_coins(rig: Rig, tmp_path: Path) -> None:
    newest = rig.call("getblockhash", HEIGHT)
    rig.call("invalidateblock", newest)
    refused = rig.refusal("dumptxoutset", str(tmp_path / "x"), "", {"rollback": newest})
    rig.call("reconsiderblock", newest)
    assert refused == (-8, "Block is not in main chain")


def test_a_file_of_coins_is_looked_at_and_refused(rig: Rig, tmp_path: Path) -> None:
    rig.call("dumptxoutset", str(tmp_path / "good"), "latest")
    good = (tmp_path / "good").read_bytes()
    files = {
        "good": (good, -32603, "libbitcoinkernel offers no way to start from one"),
        "short": (good[:20], -22, "end of file"),
        "other": (b"x" + good, -22, "Invalid UTXO set snapshot magic bytes"),
        "version": (good[:5] + b"\x09" + good[6:], -22, "Version of snapshot 9"),
        "main": (good[:7] + b"\xf9\xbe\xb4\xd9" + good[11:], -22, "snapshot (main)"),
        "nobody": (good[:7] + b"abcd" + good[11:], -22, "unrecognized network"),
    }
    for name, (data, code, text) in files.items():
        (tmp_path / name).write_bytes(data)
        refused = rig.refusal("loadtxoutset", str(tmp_path / name))
        assert refused[0] == code
        assert text in refused[1]
    assert rig.refusal("loadtxoutset", "missing")[0] == -8
