"""What `axon swarm` says when nothing is up, or when it is called wrongly."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

from axon.cli.swarm import FAMILIES, main
from axon.cli.swarmoptions import DEFAULT_FOLDER, REGISTRY
from axon.swarm.lab.manifest import MANIFEST
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.runregistry import RunRegistry


def error(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> str:
    """Run a command that fails; its one line."""
    assert main(words, home) == 3
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("Error: ")
    return line


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["watch", "--once"],
        ["dash"],
        ["kill", "n1"],
        ["stop", "n1"],
        ["cont", "n1"],
        ["restart", "n1"],
        ["partition", "1|2"],
        ["heal"],
        ["mine"],
        ["pay", "w1", "w2", "0.1"],
        ["rpc", "n1", "getblockcount"],
        ["logs", "n1"],
        ["open", "w1"],
        ["export", "run.zip"],
        ["check"],
        ["down"],
    ],
)
def test_without_a_run_all_say_so(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no run is up" in error(capsys, tmp_path, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["raise"], "'raise'"),
        (["up"], "N"),
        (["dash", "--port", "70000"], "'70000' is no port, 0 to 65535"),
        (["up", "many"], "'many'"),
        (["up", "0"], "1 to 500 nodes"),
        (["up", "2", "--miners", "3"], "0 to 2 miners"),
        (["up", "2", "--wallets", "51"], "0 to 50 wallets"),
        (["up", "2", "--topology", "mesh"], "organic, ring, star"),
        (["up", "2", "--interval", "-1"], "number of seconds"),
        (["check", "S11"], "S11 (determinism) is judged in virtual time"),
        (["check", "L9"], "L9 (not eclipsed) is judged in virtual time"),
        (["check", "Q1"], "there are S1, S2"),
        (["check", "--settle", "long"], "number of seconds"),
        (["kill"], "TARGET"),
        (["up", "--wallets", "2"], "how many nodes"),
        (["up", "2", "--run", "../x"], "is no name"),
        (["status", "--run", "a", "--dir", "b"], "one of both"),
        (["import", "nowhere.zip"], "No such file"),
        (["mine", "0"], "1 to 10000 blocks"),
        (["mine", "n1", "many"], "1 to 10000 blocks"),
        (["mine", "n1", "n2", "3"], "mine n2 5"),
        (["pay", "w1", "w2"], "AMOUNT"),
        (["pay", "w1", "w2", "a", "lot"], "'a lot'"),
        (["logs", "n1", "-n", "-1"], "0 to 100000 lines"),
        (["kill", "n1", "--sig", "HUP"], "HUP"),
    ],
)
def test_a_wrong_call_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in error(capsys, tmp_path, *words)
    assert not (tmp_path / DEFAULT_FOLDER).exists()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(28, "No space left on device"), "Error: the system says no: [Errno 28] No space"),
        (LookupError("n1"), "LookupError: n1"),
    ],
)
def test_a_fault_of_the_program_is_not_taken_for_a_finding(
    fault: Exception,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> int:
        raise fault

    monkeypatch.setattr("axon.cli.swarmcommands.looking._runs", fail)
    assert main(["runs"], tmp_path) == 3
    assert said in capsys.readouterr().err


def test_a_run_without_a_name_is_listed_with_what_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    manifest = plan_run(folder, RunRequest(1), Random(7), lambda _, usual: usual)
    manifest.save()
    RunRegistry(tmp_path / REGISTRY).keep(manifest)
    assert main(["runs"], tmp_path) == 0
    assert capsys.readouterr().out.endswith(f"axon swarm down --dir '{folder}'\n")


def test_no_runs_are_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"], tmp_path) == 0
    assert capsys.readouterr().out == "No run is up; axon swarm up N raises one.\n"
    assert main(["runs", "--json"], tmp_path) == 0
    assert capsys.readouterr().out == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_a_named_run_is_looked_for_where_it_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(tmp_path / ".axon" / "swarms" / "a") in error(
        capsys, tmp_path, "status", "--run", "a"
    )
    usual = error(capsys, tmp_path, "status")
    assert error(capsys, tmp_path, "status", "--run", "default") == usual


def test_a_folder_with_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    line = error(capsys, tmp_path, "up", "2", "--dir", str(tmp_path))
    assert "holds thesis.txt and no run" in line
    error(capsys, tmp_path, "down", "--dir", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_manifest_is_said_and_nothing_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / MANIFEST).write_text("{")
    for command in (["up", "2"], ["status"], ["down"]):
        line = error(capsys, tmp_path, *command, "--dir", str(tmp_path))
        assert "is not the manifest of a run" in line
    assert (tmp_path / MANIFEST).read_text() == "{"


@pytest.mark.parametrize("command", ["", "up", "check", "kill", "partition"])
def test_help_starts_nothing(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"], tmp_path)
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: axon swarm {command}".rstrip())
    assert list(tmp_path.iterdir()) == []


def test_every_command_and_its_json_are_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"], tmp_path)
    named = re.findall(r"^    ([a-z]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
    assert len(named) >= 17
    text = (Path(__file__).parents[2] / "docs" / "swarm.md").read_text()
    shapes = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert {word for line in shapes for word in line.split(", ")} >= set(named)
    for name in named:
        assert f"`{name}" in text


def test_the_doctor_tries_what_the_lab_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"], tmp_path) == 0
    told = capsys.readouterr().out
    assert "Backend: proc" in told
    assert "netem" in told


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_adds_the_commands_that_it_is_loaded_for(family: str) -> None:
    added: list[str] = []

    def add(name: str, *_: object) -> ArgumentParser:
        added.append(name)
        return ArgumentParser()

    import_module(f"axon.cli.swarmcommands.{family}").add_commands(add)
    assert sorted(added) == sorted(FAMILIES[family].split())


def test_a_command_that_looks_loads_neither_simulator_nor_wallet_libraries() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from axon.cli.swarm import main; main(['runs', '--json']); "
            "print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "axon.swarm.lab.lifecycle" in told
    assert not {"bdkpython", "pbk", "axon.swarm.sim"} & set(told)
