"""Step 11: the same network in virtual time, each part killed in turn; and one that has a weak one.

The nodes and wallets of the story can be killed by hand, and were. Whether there is any one whose
death stops the others is a question for a machine, which asks it of each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from axon.errors import AxonError
from axon.swarm.invariants import counted
from axon.swarm.story.runner import StoryRunner

TITLE: Final = "The verdict"

LIMIT_S: Final = 300.0

FOUND: Final = 1
"""What the search leaves with where there is such a part."""


def run(runner: StoryRunner) -> None:
    """Search both networks; the first has no part that all need, the second has one."""
    nodes = len(runner.nodes)
    runner.say(
        f"A network like this one, {nodes} nodes, 3 wallets and 2 miners, is raised in virtual"
    )
    runner.say(
        "time. Each node and each miner is killed in turn, while clients read, pay and are paid."
    )
    _judge(runner, _search(nodes), "parts without which service stops", "none")
    runner.say("The same where all wallets ask one node, as behind a web server:")
    _judge(runner, _search(nodes, "--plant", "one-server"), "the same, on one server", "n1")


def _judge(runner: StoryRunner, verdict: dict[str, Any], claim: str, expected: str) -> None:
    found = dict.fromkeys(name for each in verdict["witnesses"] for name in each["targets"])
    if not all(each["passed"] for each in verdict["controls"]) or verdict["undecided"]:
        raise AxonError(verdict["sentence"])
    tried = sum(verdict["counts"].values())
    runner.check(f"{claim}, of {counted(tried, 'kill')}", expected, " ".join(found) or "none")


def _search(nodes: int, *more: str) -> dict[str, Any]:
    """What `axon swarm spof` says; in a process of its own, which parts itself for each trial."""
    quick = ("--k", "1", "--classes", "node,miner", "--modes", "kill")
    command = [sys.executable, "-m", "axon", "swarm", "spof", "--json", "--nodes", str(nodes)]
    ended = subprocess.run(
        [*command, *quick, *more], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if ended.returncode not in (0, FOUND):
        raise AxonError(f"the search failed: {ended.stderr.strip()[-400:] or ended.stdout[:400]}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
