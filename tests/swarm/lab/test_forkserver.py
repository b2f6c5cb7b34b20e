"""The process that spawns others: where they speak, and what is said when it has ended itself."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from axon.swarm.lab.forkserver import ERRORS, ForkServer, ForkServerFailed
from axon.swarm.lab.processes import wait_until

pytestmark = pytest.mark.process

SPEAKER = """
import sys
from axon.swarm.lab.forkserver import serve

def speak(arguments):
    print("said", *arguments, flush=True)
    print("warned", file=sys.stderr)
    return 0

serve({"speaker": lambda: speak}, int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
"""

LOADING = """
import os
from axon.swarm.lab.programs import LOADERS

for load in LOADERS.values():
    load()
files = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")[:-1]]
print(len(os.listdir("/proc/self/task")), [name for name in files if name.startswith("socket")])
"""


def test_no_program_has_a_thread_or_a_socket_before_the_fork() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, check=True, timeout=60.0
    )
    assert told.stdout == "1 []\n"


def test_a_fork_server_that_dies_over_a_request_is_no_riddle(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with ForkServer(lock) as server:
            with pytest.raises(ForkServerFailed, match="before it spawned a process"):
                server.spawn("no such program", tmp_path, [])
            with pytest.raises(ForkServerFailed, match="has ended"):
                server.spawn("no such program", tmp_path, [])
        assert server._process.returncode is not None, "nobody is left behind"
    finally:
        os.close(lock)


def test_what_a_component_prints_is_in_its_folder_and_in_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # It has to flush by itself.
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    folders = [tmp_path / "n1", tmp_path / "n2"]
    try:
        with ForkServer(lock, (sys.executable, "-c", SPEAKER)) as server:
            for folder in folders:
                folder.mkdir()
                assert server.spawn("speaker", folder, [folder.name]) > 0
                said = f"said {folder.name}\nwarned\n"
                wait_until(partial(_holds, folder / ERRORS, said), 10.0, "it has spoken")
    finally:
        os.close(lock)


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text
