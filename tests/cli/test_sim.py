"""`axon sim`: arguments, what is printed, exit codes."""

from __future__ import annotations

import pytest

from axon.cli.sim import main
from axon.cli.simplan import EXIT_FAULT, EXIT_PASS, EXIT_VIOLATION


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
    assert ", trace " in printed, "or its replay could not be compared"
    assert "axon sim --seeds 2 --nodes 3" in printed
    assert "failed seeds: 2" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "x"], "'x' is neither a seed nor A..B"),
        (["--seeds", "5..4"], "'5..4' holds no seed"),
        (["--nodes", "1"], "2 to 1000 nodes, not 1"),
        (["--nodes", "5000"], "2 to 1000 nodes, not 5000"),
        (["-j", "0"], "'0' is no number above 0"),
        (["--network", "n.json"], "--network is the network to which a --plan is done"),
        (["--plan", "p.json", "--wallet"], "--plan has a network of its own"),
        (["attack", "flatter"], "there is no NAME 'flatter': one of censor, crash"),
        (["shrink", "1", "--plan", "p.json", "--nodes", "-1"], "'-1' is no number above 0"),
        (["shrink", "1", "--plan", "p.json", "--nodes", "5000"], "2 to 1000 nodes"),
        (["shrink", "1"], "--plan is needed"),
        (["shrink", "1", "--plan", "p.json", "--into", "nowhere"], "nowhere is no folder"),
        (["replay", "x"], "'x' is no seed"),
    ],
)
def test_nonsense_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_FAULT
    assert said in capsys.readouterr().err


def test_a_fault_of_the_program_is_not_taken_for_a_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("n1")

    monkeypatch.setattr("axon.cli.sim.run_faults", fail)
    assert main(["--seeds", "1"]) == EXIT_FAULT
    assert "LookupError: n1" in capsys.readouterr().err
