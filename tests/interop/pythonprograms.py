"""Programs in Python that others wrote, in environments of their own (`programs/*.txt`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def require(environment: str, program: str = "python") -> Path:
    """A program of an environment; the test is skipped, visibly, if it is not there.

    Args:
        environment: the file's name in `programs`, without `.txt`.
        program: which of its programs.
    """
    cache = Path(__file__).parents[2] / ".cache" / "interop"
    folder = Path(os.environ.get("AXON_INTEROP", cache)).absolute() / "programs" / environment
    found = folder / "bin" / program
    if not (folder / "ready").exists() or not found.exists():
        pytest.skip(f"no {program} of {environment} in {folder}; run make interop")
    return found
