"""Where the real mainnet data lies; what needs it is skipped, visibly, where it is missing."""

from __future__ import annotations

import os
from pathlib import Path

from bench.table import Skipped

_BESIDE = Path(__file__).parent.parent.parent / "shared" / "data"


def mainnet_data() -> Path:
    """The folder with real mainnet data: `$AXON_DATA/mainnet`, or `../shared/data/mainnet`.

    Raises:
        Skipped: it is missing.
    """
    folder = Path(os.environ.get("AXON_DATA", _BESIDE)) / "mainnet"
    if not folder.is_dir():
        raise Skipped(f"no mainnet data at {folder}; set AXON_DATA to the folder above it")
    return folder
