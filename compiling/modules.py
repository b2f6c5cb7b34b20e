"""What is compiled. A module that is not listed here runs from its source."""

from __future__ import annotations

from typing import Final

_ROOMS: Final = {
    "chain": "filterscan",
}
"""Of each room the modules, without `axon`."""

MODULES: Final = frozenset(
    f"axon.{room}.{name}" for room, names in _ROOMS.items() for name in names.split()
)
"""Full names of all."""
