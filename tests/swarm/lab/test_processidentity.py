"""Processes known by their birth: a stranger with a recycled number is never signalled."""

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
    CERTIFICATE,
    Birth,
    birth_of,
    is_alive,
    is_paused,
    memory_kb,
    read_birth,
    send_signal,
    wait_gone,
    write_birth,
)

LIMIT_S = 10.0


@pytest.fixture(name="sleeper")
def sleeper_fixture() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing for a minute."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_process_is_known_until_it_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    birth = birth_of(sleeper.pid)
    assert birth is not None
    assert is_alive(birth)
    assert not is_paused(birth)
    assert not wait_gone(birth, 0)
    assert memory_kb(birth)[0] > 0
    assert send_signal(birth, signal.SIGKILL)
    assert wait_gone(birth, LIMIT_S)
    assert not is_alive(birth), "nobody has asked how it ended, but it has"
    sleeper.wait()
    assert not is_alive(birth)
    assert not send_signal(birth, signal.SIGKILL)
    assert wait_gone(birth, 0)
    assert birth_of(sleeper.pid) != birth


def test_pausing_is_seen(sleeper: subprocess.Popen[bytes]) -> None:
    birth = birth_of(sleeper.pid)
    assert send_signal(birth, signal.SIGSTOP)
    wait_until(lambda: is_paused(birth), LIMIT_S, "it is paused")
    assert is_alive(birth)
    assert send_signal(birth, signal.SIGCONT)
    wait_until(lambda: not is_paused(birth), LIMIT_S, "it goes on")


def test_a_stranger_with_the_number_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    birth = birth_of(sleeper.pid)
    assert birth is not None
    for other in (replace(birth, started=birth.started - 1), replace(birth, boot="another boot")):
        assert not is_alive(other)
        assert not send_signal(other, signal.SIGKILL)
        assert wait_gone(other, 0)
    assert sleeper.poll() is None
    assert not send_signal(None, signal.SIGKILL)


def test_a_certificate_is_written_and_read(tmp_path: Path) -> None:
    assert read_birth(tmp_path) is None
    written = write_birth(tmp_path)
    assert written.pid == os.getpid()
    assert read_birth(tmp_path) == written == birth_of(os.getpid())


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"pid": "x", "started": 1, "boot": ""}'])
def test_a_damaged_certificate_is_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / CERTIFICATE).write_text(damage)
    assert read_birth(tmp_path) is None


def test_json() -> None:
    birth = Birth(1, 2, "boot")
    assert Birth.from_json(birth.to_json()) == birth
