"""`axon sim --engine ray` beside real Ray nodes: equal results, a machine that dies, ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from axon.cli.simplan import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_PASS

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("ray")]

SEEDS = "0..7"
SIM = ["sim", "--nodes", "3", "-v"]
LIMIT_S = 120.0


@dataclass(frozen=True)
class RayCluster:
    """Several nodes of Ray in a network of their own.

    Args:
        process: that holds them.
        head: where clients from elsewhere come.
        address: what their own programs join.
    """

    process: subprocess.Popen[str]
    head: str
    address: str

    def axon(self, *arguments: str, engine: str = "ray") -> subprocess.Popen[str]:
        """A program beside them."""
        inside = ["nsenter", "-t", str(self.process.pid), "-n", sys.executable, "-m", "axon"]
        return subprocess.Popen(
            [*inside, *arguments, "--engine", engine],
            env={**os.environ, "RAY_ADDRESS": self.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def remove(self, what: str) -> None:
        """Have a node, or the head, die with all that runs there."""
        assert self.process.stdin is not None, "it is a pipe"
        assert self.process.stdout is not None, "it is a pipe"
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "removed\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed; run make interop, or pip install 'axon-node[ray]'")
    if os.geteuid() or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("a network that has only loopback needs root, unshare and nsenter")
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    log = tmp_path_factory.mktemp("ray") / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [*alone, sys.executable, "-m", "tests.interop.raycluster"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=Path(__file__).parents[2],
            env={
                **os.environ,
                "RAY_worker_niceness": "0",  # Its workers would yield to all else on this machine.
                "RAY_USAGE_STATS_ENABLED": "0",
                # gRPC's care for forks crashes a server for a client now and then.
                "GRPC_ENABLE_FORK_SUPPORT": "0",
            },
        ) as process,
    ):
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        head, _, address = process.stdout.readline().strip().partition(" ")
        assert head.startswith("ray://"), log.read_text()[-2_000:]
        yield RayCluster(process, head, address)
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def alone() -> list[str]:
    """What one process says."""
    command = [sys.executable, "-m", "axon", *SIM, "--seeds", SEEDS]
    return untimed(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def untimed(text: str) -> list[str]:
    """All but the line that says how long it took."""
    return [line for line in text.splitlines() if " seeds passed in " not in line]


def test_seeds_of_a_machine_that_dies_run_again(cluster: RayCluster, alone: list[str]) -> None:
    with cluster.axon(*SIM, "--seeds", SEEDS) as running:
        assert running.stdout is not None, "it is a pipe"
        first = running.stdout.readline()
        cluster.remove("node")
        out, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == EXIT_PASS, err
    assert untimed(first + out) == alone


def test_ctrl_c_says_what_was_done(cluster: RayCluster) -> None:
    with cluster.axon(*SIM, "--seeds", "0..499") as running:
        assert running.stdout is not None, "it is a pipe"
        assert running.stdout.readline().startswith("seed 0 ")
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == EXIT_INTERRUPTED, err
    assert "seeds passed in" in out
    assert "of 500 seeds are not done" in err
    assert "Traceback" not in err


def test_results_are_those_of_one_process_from_elsewhere_too(
    cluster: RayCluster, alone: list[str]
) -> None:
    with cluster.axon(*SIM, "--seeds", SEEDS, engine=cluster.head) as running:
        out, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == EXIT_PASS, err
    assert untimed(out) == alone


def test_a_head_that_dies_is_told(cluster: RayCluster) -> None:
    with cluster.axon(*SIM, "--seeds", "0..499") as running:
        assert running.stdout is not None, "it is a pipe"
        assert running.stdout.readline().startswith("seed 0 ")
        cluster.remove("head")
        out, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == EXIT_FAULT, err
    assert "seeds passed in" in out
    assert "Error: the Ray head at " in err
