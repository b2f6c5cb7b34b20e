"""What is said where Ray, or its head, is not there; no test here needs Ray."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future

import pytest

from axon.cli.sim import main
from axon.cli.simplan import EXIT_FAULT
from axon.swarm.engine.rayexecutor import (
    ADDRESS_VARIABLE,
    CLIENT_PORT,
    _checked,
    _settle,
    check_head,
)
from axon.swarm.engine.seeds import EngineFailed
from axon.swarm.engine.source import source_fingerprint


@pytest.mark.parametrize("head", [":1", "host:", "host:0", "host:65536", "host:x", "[::1]:-1"])
def test_what_names_no_machine_is_refused(head: str) -> None:
    with pytest.raises(EngineFailed, match="names no machine"):
        check_head(head)


def test_a_head_that_does_not_answer_is_named() -> None:
    with pytest.raises(EngineFailed, match=f"no head of a Ray cluster answers at 127.0.0.1:{1}: "):
        check_head("127.0.0.1:1")
    assert CLIENT_PORT == 10_001


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "slurm"], "'slurm' is no engine"),
        (["--engine", "ray", "--jobs", "2"], "--jobs are processes of this machine"),
        (["--engine", "ray://127.0.0.1:1"], "no head of a Ray cluster answers"),
        (["--engine", "ray"], "pip install 'axon-node[ray]'"),
        (["attack", "censor", "--engine", "ray"], "pip install 'axon-node[ray]'"),
    ],
)
def test_the_command_says_so_in_a_sentence(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(arguments) == EXIT_FAULT
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_cluster_that_the_environment_names_must_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, "127.0.0.1:1")  # Ray itself would try for minutes.
    assert main(["--engine", "ray"]) == EXIT_FAULT
    assert "no head of a Ray cluster answers at 127.0.0.1:1" in capsys.readouterr().err


def test_other_code_on_a_worker_is_refused() -> None:
    assert _checked(source_fingerprint(), divmod, (7, 2), {}) == (3, 1)
    with pytest.raises(EngineFailed, match="has other code than this machine"):
        _checked("0" * 16, divmod, (7, 2), {})


def test_a_result_is_handed_on_and_a_dropped_call_stays_dropped() -> None:
    ours: Future[int] = Future()
    theirs: Future[int] = Future()
    theirs.set_result(7)
    _settle(ours, theirs)
    assert ours.result() == 7
    dropped: Future[int] = Future()
    dropped.cancel()
    _settle(dropped, theirs)
    assert dropped.cancelled()


def test_ray_is_not_imported_unless_it_is_asked_for() -> None:
    code = "import sys, axon.cli.sim, axon.cli.swarm; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
