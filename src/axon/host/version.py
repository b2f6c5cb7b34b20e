"""The version of axon, as it is shown to people and to peers."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
"""The same as in `pyproject.toml`; a test compares them."""
