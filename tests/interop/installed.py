"""Programs that others wrote, where `make interop` put them; a test is skipped, visibly, without.

Those in Python have environments of their own (`programs/*.txt`), those of npm have one
(`package.json`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def interop_folder() -> Path:
    """Where all of them are: `$AXON_INTEROP`, or `.cache/interop`."""
    cache = Path(__file__).parents[2] / ".cache" / "interop"
    return Path(os.environ.get("AXON_INTEROP", cache)).absolute()


def require(environment: str, program: str = "python") -> Path:
    """A program of an environment.

    Args:
        environment: the file's name in `programs`, without `.txt`.
        program: which of its programs.
    """
    folder = interop_folder() / "programs" / environment
    found = folder / "bin" / program
    if not (folder / "ready").exists() or not found.exists():
        pytest.skip(f"no {program} of {environment} in {folder}; run make interop")
    return found


def require_npm(package: str) -> Path:
    """The folder in whose `node_modules` a package of npm is."""
    if shutil.which("node") is None:
        pytest.skip(f"node.js is not installed, and {package} needs it")
    folder = interop_folder()
    if not (folder / "node_modules" / package).exists():
        pytest.skip(f"no {package} in {folder}; run make interop, or set AXON_INTEROP")
    return folder
