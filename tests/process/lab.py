"""`axon swarm` on a folder, as tests run it: each command a process of its own.

Only `status`, which changes nothing and is asked for often, is called in this one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from axon.cli.swarm import main

LIMIT_S = 60.0

_printing = Lock()  # What is printed goes to one place at a time, and labs may be side by side.


class Lab:
    """`axon swarm` on one folder.

    Args:
        folder: of the run.
        home: of its user; those who are at work at the same time have one in common, so that two
            runs of one seed do not take each other's addresses. Without one: beside the run.
    """

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(home or folder.parent)}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "axon", "swarm", *words, "--dir", str(self.folder)]

    def run(self, *words: str, code: int = 0, limit_s: float = LIMIT_S) -> str:
        """Run a command that leaves with this code; what it wrote to standard output."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
            env=self.environment,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        if code == 3:
            (line,) = done.stderr.splitlines()
            assert line.startswith("Error: ")
            return line
        return done.stdout

    def status(self) -> dict[str, dict[str, Any]]:
        """Every component by name, as `status --json` tells it."""
        told = io.StringIO()
        with _printing, contextlib.redirect_stdout(told):
            assert main(["status", "--json", "--dir", str(self.folder)]) == 0
        listed = json.loads(told.getvalue())["components"]
        return {item["name"]: item for item in listed}

    def states(self) -> str:
        return " ".join(item["state"] for item in self.status().values())

    def tips(self) -> list[str]:
        return [item["tip"] for item in self.status().values() if "tip" in item]

    def identities(self) -> list[str]:
        """Components that have written down their identity."""
        return [path.parent.name for path in self.folder.glob("*/process.json")]

    def json(self, *words: str, code: int = 0, limit_s: float = LIMIT_S) -> Any:
        """What a command tells programs."""
        return json.loads(self.run(*words, "--json", code=code, limit_s=limit_s))
