"""File descriptors: the limit is raised, or the start refused with what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from axon.host.descriptors import RESERVED, max_accepted

CHILD = """
import resource, sys
from axon.host.descriptors import ensure
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
try:
    ensure(connections)
except Exception as error:
    print(type(error).__name__, error)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def run(soft: int, hard: int, connections: int) -> list[str]:
    child = [sys.executable, "-c", CHILD, *map(str, (soft, hard, connections))]
    return subprocess.run(child, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_usual_limit_is_enough_for_the_usual_number_of_peers() -> None:
    assert run(1024, 1024, 125) == ["1024"]


def test_the_limit_is_raised_as_far_as_is_needed() -> None:
    (limit,) = run(256, 1024, 125)
    assert RESERVED + max_accepted(125) < int(limit) < 1024


@pytest.mark.parametrize("connections", [125, 1000])
def test_too_low_a_limit_is_refused_with_what_to_do(connections: int) -> None:
    told, limit = run(800, 800, connections)
    assert limit == "800"
    assert told.startswith(f"ConfigError -maxconnections={connections} needs ")
    assert "allows 800: raise the limit (ulimit -n " in told
    fitting = int(told.partition("start with -maxconnections=")[2].partition(" ")[0])
    assert run(800, 800, fitting) == ["800"]
    assert run(800, 800, fitting + 1) != ["800"]


def test_far_too_low_a_limit_promises_nothing() -> None:
    told, _ = run(100, 100, 125)
    assert "raise the limit" in told
    assert "start with" not in told
