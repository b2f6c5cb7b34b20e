"""Which commit of axon's source runs, where it runs from a working copy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import axon

_LIMIT_S: Final = 5.0


def source_commit() -> str:
    """The commit, with a word where files differ from it; empty where there is none.

    An installed package may lie in somebody else's working copy, so git must know its files.
    """
    folder = Path(next(iter(axon.__path__))).resolve()
    if not _git(folder, "ls-files", "--error-unmatch", "machine.py"):
        return ""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    return f"{commit} with changes" if commit and changed else commit


def _git(folder: Path, *arguments: str) -> str:
    """What git says; empty if it is missing, refuses, or takes too long."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
