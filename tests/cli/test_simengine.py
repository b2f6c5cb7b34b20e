"""`axon sim --engine`: what is refused, each in a sentence; no test here needs Ray. Progress."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from axon.cli.sim import main
from axon.cli.simengine import PLAIN_STEP_S, SeedProgress
from axon.cli.simplan import EXIT_FAULT
from axon.swarm.engine.rayexecutor import ADDRESS_VARIABLE


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


def test_ray_is_not_imported_unless_it_is_asked_for() -> None:
    code = "import sys, axon.cli.sim, axon.cli.swarm; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_progress_is_a_line_a_minute_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("axon.cli.simengine.time.monotonic", lambda: now)
    log = io.StringIO()
    progress = SeedProgress(5_000, log)
    progress.show(17)
    now += PLAIN_STEP_S
    progress.show(1_234)
    progress.show(1_235)
    progress.clear()
    assert log.getvalue() == "1,234 of 5,000 seeds are done after 60 s\n"
