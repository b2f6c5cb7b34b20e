"""Processes known by their identity: a stranger with a recycled number is never signalled."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.processidentity import (
    IDENTITY_FILE,
    ProcessIdentity,
    identity_of,
    is_alive,
    is_paused,
    memory_kb,
    processor_time_s,
    read_identity,
    send_signal,
    wait_gone,
    write_identity,
)

LIMIT_S = 10.0


@pytest.fixture(name="sleeper")
def sleeper_fixture() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing for a minute."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_process_is_known_until_it_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    assert identity is not None
    assert is_alive(identity)
    assert not is_paused(identity)
    assert not wait_gone(identity, 0)
    assert memory_kb(identity)[0] > 0
    assert send_signal(identity, signal.SIGKILL)
    assert wait_gone(identity, LIMIT_S)
    assert not is_alive(identity), "nobody has asked how it ended, but it has"
    sleeper.wait()
    assert not is_alive(identity)
    assert not send_signal(identity, signal.SIGKILL)
    assert wait_gone(identity, 0)
    assert identity_of(sleeper.pid) != identity


def test_pausing_is_seen(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    assert send_signal(identity, signal.SIGSTOP)
    wait_until(lambda: is_paused(identity), LIMIT_S, "it is paused")
    assert is_alive(identity)
    assert send_signal(identity, signal.SIGCONT)
    wait_until(lambda: not is_paused(identity), LIMIT_S, "it goes on")


def test_a_stranger_with_the_number_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper.pid)
    assert identity is not None
    for other in (
        replace(identity, started=identity.started - 1),
        replace(identity, boot="another boot"),
    ):
        assert not is_alive(other)
        assert not send_signal(other, signal.SIGKILL)
        assert wait_gone(other, 0)
    assert sleeper.poll() is None
    assert not send_signal(None, signal.SIGKILL)


def test_an_identity_is_written_and_read(tmp_path: Path) -> None:
    assert read_identity(tmp_path) is None
    written = write_identity(tmp_path)
    assert written.pid == os.getpid()
    assert read_identity(tmp_path) == written == identity_of(os.getpid())


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"pid": "x", "started": 1, "boot": ""}'])
def test_a_damaged_identity_file_is_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / IDENTITY_FILE).write_text(damage)
    assert read_identity(tmp_path) is None


def test_json() -> None:
    identity = ProcessIdentity(1, 2, "boot")
    assert ProcessIdentity.from_json(identity.to_json()) == identity


def test_the_processor_time_of_a_process_that_is_gone_is_nothing() -> None:
    own = identity_of(os.getpid())
    assert own is not None
    ran_s, waited_s = processor_time_s(own)
    assert ran_s > 0 or not Path("/proc/self/schedstat").exists()
    assert waited_s >= 0
    assert processor_time_s(replace(own, started=own.started + 1)) == (0.0, 0.0)
    assert processor_time_s(None) == (0.0, 0.0)
