"""The Bitcoin Core whose interface a node has."""

from __future__ import annotations

from typing import Final

COMPATIBLE_VERSION: Final = 310_000
"""As `getnetworkinfo` counts versions: 31.0."""
