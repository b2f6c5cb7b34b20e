"""What is known of filter headers, for screens and reports."""

from __future__ import annotations

from dataclasses import dataclass

from axon.machine import PeerId


@dataclass(frozen=True, slots=True)
class FilterState:
    """How far filter headers are, and who says so, for screens.

    Args:
        headers_height: of the last filter header; -1 for none.
        usable_peers: how many offer filters.
        agreed_peers: who of them agrees with all filter headers that we have.
        disputed_height: of a block in dispute; None without one.
    """

    headers_height: int
    usable_peers: int
    agreed_peers: tuple[PeerId, ...]
    disputed_height: int | None
