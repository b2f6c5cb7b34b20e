"""Components ended, paused and let go on: real processes that stand for them, without a network."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from axon.swarm.lab.lifecycle import cont, kill, pause
from axon.swarm.lab.liverun import LiveRun
from axon.swarm.lab.manifest import DesiredState, Manifest
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.processidentity import identity_of, is_alive

pytestmark = pytest.mark.process

SLOW_TO_LEAVE = """
import signal, sys, time

def leave(*_):
    time.sleep(0.3)
    sys.exit(7)

signal.signal(signal.SIGTERM, leave)
print(flush=True)
time.sleep(60)
"""


@pytest.fixture(name="stand_in")
def stand_in_fixture() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leaves in order, a moment after it was asked to."""
    command = [sys.executable, "-c", SLOW_TO_LEAVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture(name="manifest")
def manifest_fixture(tmp_path: Path, stand_in: subprocess.Popen[bytes]) -> Manifest:
    """A run of two nodes; the first lives, the second never did."""
    manifest = plan_run(tmp_path, RunRequest(2), Random(7))
    manifest.change("n1", process=identity_of(stand_in.pid))
    return manifest


def desired(manifest: Manifest) -> list[DesiredState]:
    """As it is written down."""
    saved = Manifest.load(manifest.folder)
    assert saved is not None
    return [item.desired for item in saved.nodes]


def test_who_is_ended_in_order_is_waited_for(
    manifest: Manifest, stand_in: subprocess.Popen[bytes]
) -> None:
    assert kill(manifest, ["n1", "n2"], signal.SIGTERM) == ["n1"]
    assert not is_alive(manifest.components["n1"].process)
    assert stand_in.wait() == 7
    assert desired(manifest) == [DesiredState.END, DesiredState.END]


def test_what_is_asked_of_those_that_live_is_written_down(
    manifest: Manifest, stand_in: subprocess.Popen[bytes]
) -> None:
    assert pause(manifest, ["n1", "n2"]) == ["n1"]
    assert desired(manifest) == [DesiredState.PAUSE, DesiredState.RUN]
    assert cont(manifest, ["n1", "n2"]) == ["n1"]
    assert desired(manifest) == [DesiredState.RUN, DesiredState.RUN]
    assert kill(manifest, ["n1"]) == ["n1"]
    assert stand_in.wait() == -signal.SIGKILL


def test_who_was_killed_for_a_check_is_to_run_again(
    manifest: Manifest, stand_in: subprocess.Popen[bytes]
) -> None:
    LiveRun(manifest).kill(["n1"])
    assert stand_in.wait() == -signal.SIGKILL
    assert desired(manifest) == [DesiredState.RUN, DesiredState.RUN]
