"""The folder, its lock and its process id."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from axon.errors import ConfigError, DiskFullError
from axon.host.datadir import MIN_FREE_BYTES, check_room, locked, pid_file, prepare

_OTHER = (
    "import sys, pathlib; from axon.host.datadir import locked; "
    "from axon.errors import ConfigError\n"
    "try:\n  with locked(pathlib.Path(sys.argv[1])): print('held')\n"
    "except ConfigError as error: print(error)"
)


def other_process(folder: Path) -> str:
    """What another process gets when it wants the lock."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", _OTHER, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout.strip()


def test_the_layout(tmp_path: Path) -> None:
    prepare(tmp_path / "new" / "regtest")
    prepare(tmp_path / "new" / "regtest")
    names = sorted(path.name for path in (tmp_path / "new" / "regtest").iterdir())
    assert names == ["blocks", "chainstate", "indexes", "wallets"]


def test_a_node_needs_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(tmp_path)
    usage = shutil.disk_usage(tmp_path)._replace(free=MIN_FREE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(
        DiskFullError, match=f"49 MiB are free at {tmp_path}, where a node needs 50"
    ):
        check_room(tmp_path)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert other_process(tmp_path) == (
            f"Cannot obtain a lock on directory {tmp_path}. axon is probably already running."
        )
    assert other_process(tmp_path) == "held"


def test_folders_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for use in (prepare, lambda folder: locked(folder).__enter__()):
        with pytest.raises(ConfigError, match="Cannot write to directory"):
            use(tmp_path / "file" / "x")


def test_the_process_id(tmp_path: Path) -> None:
    path = tmp_path / "axon.pid"
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()
    with pid_file(None):
        assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="Unable to create the PID file"), pid_file(path / "x"):
        pass
