"""`axon sim`: arguments, what is printed, exit codes."""

from __future__ import annotations

import pytest

from axon.cli.sim import main
from axon.cli.simplan import EXIT_PASS, EXIT_VIOLATION


def test_passing_seeds_print_a_summary_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3..4", "--nodes", "3"]) == EXIT_PASS
    printed = capsys.readouterr().out
    assert printed.startswith("2 of 2 seeds passed")
    assert "FAILED" not in printed


def test_a_failing_seed_is_named_with_its_replay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.swarm.sim.faultruns.CONVERGENCE", 0)
    assert main(["--seeds", "2", "--nodes", "3", "-v"]) == EXIT_VIOLATION
    printed = capsys.readouterr().out
    assert "FAILED seed 2" in printed
    assert "axon sim --seeds 2 --nodes 3" in printed
    assert "failed seeds: 2" in printed


@pytest.mark.parametrize(
    "arguments",
    [["--seeds", "x"], ["--seeds", "5..4"], ["--nodes", "1"], ["--nodes", "5000"], ["-j", "0"]],
)
def test_nonsense_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: axon sim" in capsys.readouterr().err
