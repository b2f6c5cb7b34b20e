"""With a umask that opens everything, nothing that axon makes can be read by anybody else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.swarm.lab.processes import wait_until
from tests.process.conftest import ALICE, MakeNode
from tests.process.market import Market
from tests.process.walletprocess import WalletProcess

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def umask_fixture() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """What below a folder others may read, write or enter."""
    paths = [path for path in folder.rglob("*") if not path.is_symlink()]
    assert paths
    return [
        f"{stat.S_IMODE(path.stat().st_mode):o} {path.relative_to(folder)}"
        for path in paths
        if path.stat().st_mode & 0o077
    ]


def test_of_a_node_and_its_wallet(tmp_path: Path, make_node: MakeNode) -> None:
    node = make_node(trusted_door=True).start()
    Market(ALICE).mine(node, 3)
    node.rpc("setban", "192.0.2.0/24", "add", 3600)
    node.rpc("savemempool")
    with WalletProcess(tmp_path / "alice", "alice", [node.door]) as alice:
        alice.secret.chmod(0o600)
        alice.json("create", "--no-confirm", alice.signing())
        alice.serve().sync()
        alice.errors.unlink()  # Made here, like the folder.
        assert open_to_others(alice.folder) == []
        alice.kill()
        labels = tmp_path / "labels.jsonl"
        code, _, _ = alice.run("labels", "export", str(labels), "--offline")
        assert code == 0
        assert stat.S_IMODE(labels.stat().st_mode) == 0o600
    assert open_to_others(node.folder) == []
    assert node.stop() == 0
    wait_until((node.network_folder / "mempool.dat").exists, 1, "all is written down")
    assert open_to_others(node.folder) == []
    assert stat.S_IMODE(node.folder.stat().st_mode) == 0o700
