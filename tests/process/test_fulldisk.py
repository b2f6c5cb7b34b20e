"""A disk with no room left is called that, at the start and later; nothing on it is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from axon.errors import DiskFullError
from axon.host.newwallet import create_wallet
from axon.host.settings import LightSettings
from axon.primitives.network import REGTEST
from axon.rpc.client import Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import STOP_LIMIT_S, NodeFailed, wait_until
from tests.process.conftest import ALICE, Grown, MakeNode, ledger_of
from tests.process.walletprocess import PASSPHRASE, WalletProcess
from tests.smalldisk import SmallDisk, small_disk

pytestmark = pytest.mark.process

MIB: Final = 1 << 20


@pytest.fixture(name="disk")
def disk_fixture(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 160 * MIB) as disk:
        yield disk


@pytest.fixture(name="node")
def node_fixture(make_node: MakeNode, disk: SmallDisk) -> Iterator[NodeProcess]:
    """A node whose folder is on the small disk, and its errors on another."""
    node = make_node()
    node.folder.mkdir()
    (node.folder / "regtest").symlink_to(disk.folder / "regtest")
    yield node
    node.kill()  # Before the disk goes.


def assert_told(node: NodeProcess) -> None:
    """It has ended, and said why, in one line."""
    wait_until(lambda: not node.is_running, STOP_LIMIT_S, "it has ended")
    (line,) = node.errors().splitlines()
    assert line.startswith("Error: Disk space is too low! ")
    for word in ("damaged", "reindex", "corrupt"):
        assert word not in line
    assert node.left() == 1


@pytest.mark.parametrize("free_mib", [0, 1, 10, 40])
def test_a_first_start_without_room(node: NodeProcess, disk: SmallDisk, free_mib: int) -> None:
    (disk.folder / "regtest").mkdir()
    disk.leave(free_mib * MIB)
    with pytest.raises(NodeFailed):
        node.start()
    assert_told(node)
    disk.empty()
    node.start()
    assert node.height() == 0
    assert node.stop() == 0


@pytest.mark.parametrize("free_mib", [0, 20])
def test_a_start_without_room_for_what_comes(
    node: NodeProcess, disk: SmallDisk, grown: Grown, free_mib: int
) -> None:
    shutil.copytree(grown.folder / "regtest", disk.folder / "regtest")
    disk.leave(free_mib * MIB)
    with pytest.raises(NodeFailed):
        node.start()
    assert_told(node)
    disk.empty()
    node.start()
    assert ledger_of(node) == grown.ledger
    assert node.stop() == 0


def test_a_disk_that_fills_up_while_a_node_runs(
    node: NodeProcess, disk: SmallDisk, grown: Grown
) -> None:
    shutil.copytree(grown.folder / "regtest", disk.folder / "regtest")
    node.start()
    disk.leave(0)
    with pytest.raises((RpcError, Unreachable)):
        node.rpc("generatetoaddress", 500, ALICE.address())
    assert_told(node)
    disk.empty()
    node.start()
    assert node.height() >= grown.ledger.coins["height"]
    assert node.rpc("getblockhash", grown.ledger.coins["height"]) == grown.ledger.tip
    assert node.stop() == 0


def test_a_wallet_on_a_full_disk(tmp_path: Path, disk: SmallDisk) -> None:
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "regtest").symlink_to(disk.folder)
    settings = LightSettings(REGTEST, disk.folder)
    disk.leave(0)
    with pytest.raises(DiskFullError, match="Cannot open the wallet"):
        create_wallet(settings, "alice", PASSPHRASE)
    disk.empty()
    create_wallet(settings, "alice", PASSPHRASE)
    with WalletProcess(tmp_path / "alice", "alice", []) as wallet:
        disk.leave(0)
        code, _, errors = wallet.run("receive", "--offline")
        assert code == 1
        assert errors.startswith("Error: Disk space is too low! ")
        assert "damaged" not in errors
        disk.empty()
        code, _, errors = wallet.run("receive", "--offline")
        assert (code, errors) == (0, "")
