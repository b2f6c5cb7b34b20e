"""The table of `axon peers`: who is connected, what they give us, and who keeps us waiting.

It is drawn as text that fits the terminal, in pages where there are more peers than lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from axon.rpc.peerrows import BLOCKS, PeerRow

_KINDS: Final = {
    "inbound": "in",
    "outbound-full-relay": "full",
    "block-relay-only": "block",
    "manual": "man",
    "feeler": "feel",
    "addr-fetch": "addr",
    "private-broadcast": "priv",
}
_NETWORKS: Final = {
    "ipv4": "ip4",
    "ipv6": "ip6",
    "onion": "tor",
    "cjdns": "cjd",
    "not_publicly_routable": "-",
}
_TRANSPORTS: Final = {"detecting": "?"}
_HEADS: Final = (
    "id", "address", "net", "kind", "tr", "asn", "ping", "recv", "sent", "mostly", "1st", "wait",
)  # fmt: skip
_RIGHT: Final = (0, 6, 7, 8, 10, 11)
_ADDRESS: Final = 1
_ASN: Final = 5
_MOSTLY: Final = 9
_GIVING_WAY: Final = ((_ADDRESS, 21), (_MOSTLY, 9), (_ADDRESS, 12), (_MOSTLY, 6))
"""Columns that become narrower where a terminal is narrow, and how narrow; in this order."""

_BOLD, _RED = 1, 31


SORTS: Final[Mapping[str, Callable[[PeerRow], Any]]] = {
    "id": lambda row: row.id,
    "address": lambda row: (row.network, row.address),
    "kind": lambda row: (row.connection_type, row.id),
    "ping": lambda row: (row.ping_ms is None, row.ping_ms or 0, row.id),
    "received": lambda row: (-row.bytes_received, row.id),
    "sent": lambda row: (-row.bytes_sent, row.id),
    "first": lambda row: (-row.announced_first, row.id),
    "wait": lambda row: (-(row.waiting_s or -1), -row.stalled, row.id),
}
"""By what a table is sorted; the most remarkable comes first."""


class PeerTable:
    """The table at one moment, drawn so that it fits a terminal.

    Args:
        rows: the peers.
        headline: above them.
        sort: one of `SORTS`.
        width: of the terminal, in characters.
        height: in lines; None for one page that is as high as need be.
        coloured: whether it shows colours.
    """

    def __init__(
        self,
        rows: Sequence[PeerRow],
        headline: str,
        *,
        sort: str = "id",
        width: int = 80,
        height: int | None = None,
        coloured: bool = False,
    ) -> None:
        self._rows = sorted(rows, key=SORTS[sort])
        self._headline = headline
        self._sort = sort
        self._width = width
        self._coloured = coloured
        # Above the rows are the headline and the heads, below them an empty line and the legend.
        self._rows_a_page = max(1, len(rows) if height is None else height - 4)

    @property
    def pages(self) -> int:
        """How many there are."""
        return max(1, -(-len(self._rows) // self._rows_a_page))

    def lines(self, page: int = 0) -> list[str]:
        """One page, no line wider than the terminal.

        Args:
            page: from 0 on.
        """
        shown = self._rows[page * self._rows_a_page :][: self._rows_a_page]
        drawn = _fitted([_HEADS, *map(_cells, shown)], self._width)
        late = [row.waiting_s is not None or row.stalled > 0 for row in shown]
        lines = [self._painted(self._headline[: self._width], _BOLD), drawn[0]]
        lines += [
            self._painted(line, _RED) if is_late else line
            for line, is_late in zip(drawn[1:], late, strict=True)
        ]
        return [*lines, "", self._legend(page)[: self._width]]

    def _legend(self, page: int) -> str:
        legend = f"1st of {BLOCKS} blocks; wait: seconds, !never given; sorted by {self._sort}"
        if self.pages > 1:
            legend = f"page {page + 1} of {self.pages}; {legend}"
        return legend

    def _painted(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text


def _cells(row: PeerRow) -> tuple[str, ...]:
    waited = "" if row.waiting_s is None else f"{row.waiting_s:.0f}"
    return (
        str(row.id),
        row.address,
        _NETWORKS.get(row.network, row.network[:3]),
        _KINDS.get(row.connection_type, row.connection_type[:5]),
        _TRANSPORTS.get(row.transport, row.transport),
        "" if row.asn is None else f"AS{row.asn}",
        "" if row.ping_ms is None else f"{row.ping_ms:.0f}",
        size_text(row.bytes_received),
        size_text(row.bytes_sent),
        f"{row.most_received}/{row.most_sent}",
        str(row.announced_first or ""),
        f"{waited}!{row.stalled}" if row.stalled else waited,
    )


def size_text(size_bytes: int) -> str:
    """A number of bytes in up to five characters: `999`, `1.2k`, `340M`."""
    size, units = float(size_bytes), " kMGTP"
    for unit in units:
        if size < 999.5 or unit == units[-1]:
            break
        size /= 1_000
    if unit == " ":
        return str(size_bytes)
    return f"{size:.1f}{unit}" if size < 99.95 else f"{size:.0f}{unit}"


def _fitted(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Rows as lines that fit; where room is short, columns that grow give way."""
    table = [list(row) for row in rows]
    dropped: set[int] = set() if any(row[_ASN] for row in table[1:]) else {_ASN}
    for column, narrowest in _GIVING_WAY:
        excess = _width_of(table, dropped) - width
        if excess > 0:
            widest = max(len(row[column]) for row in table)
            for row in table:
                row[column] = elided(row[column], max(narrowest, widest - excess))
    kept = [place for place in range(len(_HEADS)) if place not in dropped]
    widths = {column: max(len(row[column]) for row in table) for column in kept}
    lines = []
    for row in table:
        cells = [
            f"{row[column]:{'>' if column in _RIGHT else '<'}{widths[column]}}" for column in kept
        ]
        lines.append(" ".join(cells).rstrip()[:width])
    return lines


def _width_of(table: Sequence[Sequence[str]], dropped: set[int]) -> int:
    kept = [place for place in range(len(_HEADS)) if place not in dropped]
    return sum(max(len(row[place]) for row in table) for place in kept) + len(kept) - 1


def elided(text: str, room: int) -> str:
    """A text that is too long, without its middle: of an address both ends matter."""
    if len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}~{text[len(text) - end :]}"
