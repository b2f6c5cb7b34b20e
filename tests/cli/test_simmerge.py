"""`axon sim --shard` and `axon sim merge`: equal to one process, or refused; ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axon.cli.sim import main
from axon.cli.simplan import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_PASS, EXIT_VIOLATION
from axon.swarm.sim.faultruns import FaultRunReport


@pytest.mark.process
@pytest.mark.parametrize("kind", [["--nodes", "3"], ["--wallet", "--nodes", "2"]])
def test_merged_shards_say_what_one_process_says(
    kind: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ["--seeds", "3..4", *kind]
    assert main([*whole, "-v"]) == EXIT_PASS
    alone = capsys.readouterr().out.splitlines()
    for number in (1, 2):
        place = ["--shard", f"{number}/2", "--into", str(tmp_path)]
        assert main([*whole, *place]) == EXIT_PASS
    capsys.readouterr()
    files = sorted(map(str, tmp_path.iterdir()))
    assert main(["merge", "-v", *files]) == EXIT_PASS
    together = capsys.readouterr().out.splitlines()
    timed = [line for line in alone if " passed in " in line]
    assert [line for line in alone if line not in timed] == [
        line for line in together if " passed in " not in line
    ]
    assert any(line.startswith("trace of all 2 seeds: ") for line in together)
    assert main(["merge", files[0]]) == EXIT_FAULT
    assert "no file holds seeds 4 (shard 2/2)" in capsys.readouterr().err


def test_a_failed_seed_fails_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.swarm.sim.faultruns.CONVERGENCE", 0)
    place = ["--shard", "1/1", "--into", str(tmp_path)]
    assert main(["--seeds", "2", "--nodes", "3", *place]) == EXIT_VIOLATION
    capsys.readouterr()
    assert main(["merge", *map(str, tmp_path.iterdir())]) == EXIT_VIOLATION
    assert "FAILED seed 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shard", "0/2"], "'0/2' is no shard"),
        (["--shard", "3/2"], "'3/2' is no shard"),
        (["--shard", "1"], "'1' is no shard"),
        (["--shard", "1/2"], "1 seed cannot be cut into 2 shards"),
        (["--shard", "1/1", "--plan", "p.json"], "--shard is for seeds of random faults"),
        (["--into", "."], "--into is where the file of a --shard goes"),
        (["--shard", "1/1", "--into", "nowhere"], "nowhere is no folder"),
        (["merge"], "the following arguments are required: FILE"),
        (["merge", "nowhere"], "nowhere: cannot be read"),
    ],
)
def test_nonsense_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_FAULT
    assert said in capsys.readouterr().err


@pytest.mark.process
def test_ctrl_c_says_what_was_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "axon", "sim", "--seeds", "0..999", "--nodes", "3", "-v"]
    more = ["-j", "2", "--shard", "1/2", "--into", str(tmp_path)]
    with subprocess.Popen(
        [*command, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None, "it is a pipe"
        first = running.stdout.readline()
        os.killpg(running.pid, signal.SIGINT)  # As a terminal does.
        out, err = running.communicate(timeout=30)
    assert first.startswith("seed 0 ")
    assert running.returncode == EXIT_INTERRUPTED
    assert "seeds passed in" in out
    assert err.startswith("stopped: ")
    assert "of 500 seeds are not done" in err
    assert "no file is written of shard 1/2" in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def killed_after_one(seed: int, nodes: int) -> FaultRunReport:
    """From the second seed on, its process is killed; once the first seed has been told."""
    if seed:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return FaultRunReport(seed, nodes, ())


@pytest.mark.process
def test_seeds_that_kill_their_processes_are_given_up_and_what_was_done_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.cli.sim.run_faults", killed_after_one)
    place = ["--shard", "1/1", "--into", str(tmp_path)]
    assert main(["--seeds", "0..2", "--nodes", "2", "-j", "2", *place]) == EXIT_FAULT
    printed = capsys.readouterr()
    assert "1 of 1 seeds passed" in printed.out
    assert "stopped: 2 of 3 seeds are not done: 1..2" in printed.err
    assert "workers were lost 4 times while seed 1 was due" in printed.err
    assert not list(tmp_path.iterdir())
