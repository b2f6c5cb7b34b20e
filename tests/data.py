"""Where the real mainnet data lies, for tests that must not rest on made-up input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parent.parent.parent / "shared" / "data"


def mainnet_data() -> Path:
    """The folder with real mainnet data; the test is skipped, visibly, where it is missing.

    It is looked for in `$AXON_DATA/mainnet` and in `../shared/data/mainnet` beside the project.
    """
    folder = Path(os.environ.get("AXON_DATA", _BESIDE)) / "mainnet"
    if not folder.is_dir():
        pytest.skip(f"no mainnet data at {folder}; set AXON_DATA to the folder above it")
    return folder
