"""`python -m mutation --sample 500 --seed 1 --rooms chain,p2p`: draws faults and tests for them.

Results are kept in `.cache/mutation`, a line each; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Final

from mutation.faults import Fault, drawn, with_fault
from mutation.rooms import ROOMS, ROOT, stages_of

CACHE: Final = ROOT / ".cache" / "mutation"
FIRST_LIMIT_S: Final = 600.0
"""For tests that have not been timed yet."""

_PYTEST: Final = (
    *("-m", "pytest", "-q", "-x", "--no-header", "--tb=no", "-p", "no:cacheprovider"),
    *("--hypothesis-seed=0", "-m", "not slow and not process and not interop"),
)


class Workshop:
    """A copy of the tree in which faults are made, one at a time.

    Args:
        folder: where to put it; what is there goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changes = 0
        self._usual_s: dict[tuple[str, ...], float] = {}
        shutil.rmtree(folder, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)

    def write(self, path: str, text: str) -> None:
        """Change a file; its time moves on, so that no stale bytecode is used."""
        target = self._folder / path
        target.write_text(text, "utf-8")
        self._changes += 1
        moment = time.time() + 2 * self._changes
        os.utime(target, (moment, moment))

    def fails(self, tests: list[str]) -> str:
        """Why these tests do not pass, in not much more than their usual time; empty if they do.

        Args:
            tests: they have been timed by `learn`.
        """
        return self._run(tests, 4 * self._usual_s[tuple(tests)] + 10)

    def learn(self, tests: list[str]) -> None:
        """Time the tests on the tree as it is.

        Raises:
            RuntimeError: they fail.
        """
        if tuple(tests) in self._usual_s:
            return
        began = time.monotonic()
        why = self._run(tests, FIRST_LIMIT_S)
        if why:
            raise RuntimeError(f"without any fault: {why}: {' '.join(tests)}")
        self._usual_s[tuple(tests)] = time.monotonic() - began

    def _run(self, tests: list[str], limit_s: float) -> str:
        environment = os.environ | {"PYTHONPATH": f"{self._folder}/src:{self._folder}"}
        try:
            done = subprocess.run(
                [sys.executable, *_PYTEST, *tests],
                cwd=self._folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"more than {limit_s:.0f} s"
        if done.returncode in (0, 5):  # 5: none of these tests was chosen.
            return ""
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return (failed or [f"pytest ended with {done.returncode}"])[0][:200]


def outcome_of(workshop: Workshop, room: str, fault: Fault) -> dict[str, object]:
    """Make one fault, run the tests, take it back: the line of the result."""
    path = Path(fault.path)
    stages = stages_of(ROOMS[room], path)
    source, changed = (ROOT / path).read_text("utf-8"), with_fault(fault)
    began, why = time.monotonic(), ""
    for tests in stages:
        workshop.learn(tests)
        workshop.write(fault.path, changed)
        try:
            why = workshop.fails(tests)
        finally:
            workshop.write(fault.path, source)
        if why:
            break
    diff = difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm="")
    lines = [line for line in list(diff)[2:] if not line.startswith("@@")]
    seconds = round(time.monotonic() - began, 1)
    return {"room": room, **asdict(fault), "killed_by": why, "change": lines, "seconds": seconds}


def main() -> None:
    """Run a sample and say what survived."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rooms", default=",".join(ROOMS), help="some of: %(default)s")
    asked = parser.parse_args()
    rooms = {name: ROOMS[name] for name in asked.rooms.split(",")}
    sample = drawn(rooms, asked.sample, asked.seed)
    CACHE.mkdir(parents=True, exist_ok=True)
    record = CACHE / f"{asked.rooms}-{asked.sample}-{asked.seed}.jsonl"
    done = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    workshop = Workshop(CACHE / f"tree-{asked.rooms}")
    for room, fault in sample[len(done) :]:
        result = outcome_of(workshop, room, fault)
        done.append(result)
        with record.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print("." if result["killed_by"] else "S", end="", flush=True)
    print()
    counted = Counter((each["room"], bool(each["killed_by"])) for each in done)
    for each in done:
        if not each["killed_by"]:
            print(f"\n{each['path']}:{each['line']}: {each['operator']}")
            print("\n".join(each["change"]))
    for room in rooms:
        killed, survived = counted[room, True], counted[room, False]
        print(f"{room}: {killed + survived} faults, {killed} noticed, {survived} not")


if __name__ == "__main__":
    main()
