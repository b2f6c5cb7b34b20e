"""Calls about the chain and the pool, answered by axon and by Bitcoin Core on the same blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.keys import public_key
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer, Spendable
from tests.interop.answers import Both
from tests.interop.foreign import BitcoindProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
FEE = 2_000
HASH = bytes(range(20))
SECRET = b"\x07" * 32
SCRIPTS = (
    BOB.script,
    b"\x76\xa9\x14" + HASH + b"\x88\xac",
    b"\xa9\x14" + HASH + b"\x87",
    b"\x21" + public_key(SECRET) + b"\xac",
    b"\x51\x20" + HASH + HASH[:12],
)
BOBS = f"raw({BOB.script.hex()})"
UNKNOWN = "11" * 32


class FilteringCore(BitcoindProcess):
    """Keeps filters, too, and says nothing of fees."""

    def _command(self) -> list[str]:
        return [*super()._command(), "-blockfilterindex=1"]


class Pair(Both):
    """Both, with the same blocks and the same pool."""

    def __init__(self, axon: NodeProcess, core: BitcoindProcess, folder: Path) -> None:
        super().__init__(axon, core)
        self.folder = folder
        self.rng = Random(1)

    def mine(self, count: int) -> list[Spendable]:
        """Axon mines for Alice, and Core is given the blocks; her coins."""
        coins: list[Spendable] = []
        for block_hash in self.axon.rpc("generatetoaddress", count, ALICE.address()):
            raw = self.axon.rpc("getblock", block_hash, 0)
            self.core.rpc("submitblock", raw)
            first = Block.decode(bytes.fromhex(raw)).transactions[0]
            coins.append(Spendable(outpoint(first.txid, 0), first.outputs[0].amount_sat))
        return coins

    def pay(self, coin: Spendable, scripts: list[bytes]) -> Transaction:
        """Alice pays; both have it."""
        each = (coin.amount_sat - FEE - self.rng.randint(0, 999)) // len(scripts)
        paid = ALICE.pay([coin], [TxOut(each, script) for script in scripts])
        for rpc in (self.axon.rpc, self.core.rpc):
            rpc("sendrawtransaction", paid.raw.hex(), 0)
        return paid


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    BitcoindProcess.require()
    folder = tmp_path_factory.mktemp("calls")
    with (
        FilteringCore(folder / "core") as core,
        NodeProcess("axon", folder / "axon", options=("-connect=0",)).start() as axon,
    ):
        pair = Pair(axon, core, folder)
        coins = pair.mine(112)
        pair.pay(coins[0], [*SCRIPTS] * 60)
        pair.mine(1)
        pair.pay(coins[1], [BOB.script, ALICE.script])
        pair.mine(1)
        paid = pair.pay(coins[2], [BOB.script, ALICE.script])
        change = Spendable(outpoint(paid.txid, 1), paid.outputs[1].amount_sat)
        pair.pay(change, [BOB.script] * 9)
        pair.pay(coins[3], [BOB.script] * 30)
        yield pair


def test_chains_are_verified_alike(pair: Pair) -> None:
    for level in range(-1, 6):
        assert pair.same("verifychain", level, 0) is True
    pair.same("verifychain")
    pair.same("verifychain", "x")


def test_blocks_are_scanned_alike(pair: Pair) -> None:
    found = pair.same("scanblocks", "start", [BOBS])["relevant_blocks"]
    assert len(found) == 2
    pair.same(
        "scanblocks", "start", [{"desc": BOBS}], 0, 114, "basic", {"filter_false_positives": True}
    )
    bounds: list[list[object]] = [[121], [0, 5], [5, 3], [-1], [0, -1], [0, None, "x"]]
    for each in bounds:
        pair.same("scanblocks", "start", [BOBS], *each)
    for action in (["status"], ["abort"], ["start"], ["x"], ["start", [5]], ["start", ["addr(x)"]]):
        pair.same("scanblocks", *action)
    assert pair.same("getdescriptoractivity", found[::-1] * 2, [BOBS])["activity"]
    pair.same("getdescriptoractivity", found, [BOBS], False)
    for hashes in ([UNKNOWN], ["11"], [5]):
        pair.same("getdescriptoractivity", hashes, [BOBS])
    pair.same("getdescriptoractivity", [], [])
    pair.same("getdescriptoractivity", found, ["x"])


def test_pools_are_told_alike(pair: Pair) -> None:
    for txid in (*pair.axon.rpc("getrawmempool"), UNKNOWN, "1"):
        pair.same("getmempoolcluster", txid)
    assert len(pair.same("getmempoolfeeratediagram")) > 2
    file = pair.core.rpc("savemempool")["filename"]
    for args in ([file], ["/missing"], [""], [5], [file, {"use_current_time": False}]):
        pair.same("importmempool", *args)


@pytest.mark.parametrize(
    "named",
    [
        ["latest"],
        ["rollback", {"rollback": 60}],
        ["", {"rollback": 113, "in_memory": True}],
        ["rollback", {"rollback": 0}],
    ],
)
def test_files_of_coins_are_byte_for_byte_the_same(pair: Pair, named: list[object]) -> None:
    files = [pair.folder / name for name in ("axon.coins", "core.coins")]
    told: list[dict[str, Any]] = []
    for rpc, file in zip((pair.axon.rpc, pair.core.rpc), files, strict=True):
        file.unlink(missing_ok=True)
        told.append(rpc("dumptxoutset", str(file), *named))
        assert told[-1].pop("path") == str(file)
    assert told[0] == told[1]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_files_of_coins_are_refused_alike(pair: Pair) -> None:
    file = str(pair.folder / "refused")
    for args in (
        ["x"],
        [],
        ["latest", {"rollback": 5}],
        ["rollback"],
        ["rollback", {"rollback": 500}],
        ["rollback", {"rollback": -1}],
        ["rollback", {"rollback": UNKNOWN}],
        ["rollback", {"rollback": "zz"}],
        ["rollback", {"rollback": True}],
    ):
        pair.same("dumptxoutset", file, *args)
    pair.same("dumptxoutset", "/missing/x", "latest")
    good = str(pair.folder / "good")
    pair.core.rpc("dumptxoutset", good, "latest")
    pair.same("dumptxoutset", good, "latest")
    data = Path(good).read_bytes()
    for place, changed in enumerate(
        (data[:20], b"x" + data, data[:5] + b"\x09" + data[6:], data[:7] + b"abcd" + data[11:])
    ):
        bad = pair.folder / f"bad{place}"
        bad.write_bytes(changed)
        pair.same("loadtxoutset", str(bad))
    pair.same("loadtxoutset", "/missing")


def test_stored_blocks_are_asked_for_alike(pair: Pair) -> None:
    for name in (UNKNOWN, pair.axon.rpc("getbestblockhash"), "11"):
        pair.same("getblockfrompeer", name, 0)
    for height in (5, -1, "x"):
        pair.same("pruneblockchain", height)
