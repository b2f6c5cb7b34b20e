"""What people see of a wallet on a terminal: tables, payments, progress, a QR code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from typing import Any, Final, TextIO

from axon.errors import StorageError
from axon.rpc.amounts import Number, encode_json
from axon.rpc.deliverytext import nodes_text

STEP_S: Final = 0.2
"""From one look of a progress line to the next on a terminal."""

PLAIN_STEP_S: Final = 1.0
"""The same where lines cannot be overwritten: a pipe, a file."""

CLOCK_TOLERANCE_S: Final = 600
"""A clock further off than that is worth a word; Bitcoin Core's own limit."""

_WHITE_ON_BLACK, _PLAIN = "\x1b[97;40m", "\x1b[0m"


def write(line: str = "") -> None:
    """One line of a result.

    Raises:
        BrokenPipeError: nobody reads any more.
        StorageError: the disk refuses, where it goes to a file.
    """
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"cannot write the result: {error.strerror}") from error


def write_json(result: object) -> None:
    """A result as JSON, its money exact."""
    write(encode_json(result, indent=2))


def write_json_line(result: object) -> None:
    """One of several results as JSON, each in a line of its own, for programs that read lines."""
    write(encode_json(result))


def say(line: str) -> None:
    """One sentence beside the result."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def agrees(question: str) -> bool:
    """Whether a person at the terminal types yes."""
    sys.stderr.write(f"{question} Type yes to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def aligned(
    rows: Sequence[Sequence[str]], right: Collection[int] = (), indent: int = 0
) -> list[str]:
    """Rows as lines, with their columns under each other.

    Args:
        rows: as many texts in each.
        right: columns that end at the same place instead of beginning there.
        indent: spaces before each line.
    """
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(cells)).rstrip())
    return lines


def btc(amount: object, *, signed: bool = False) -> str:
    """A sum of money with its unit, as it stands in the JSON of a result."""
    text = amount.text if isinstance(amount, Number) else str(amount)
    plus = "+" if signed and not text.startswith("-") else ""
    return f"{plus}{text} BTC"


def time_text(time_s: int) -> str:
    """A time of day, to the minute, where the reader is; empty for 0."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(time_s)) if time_s else ""


def age_text(age_s: int) -> str:
    """How long ago something was, in the unit that says most: `12 minutes`, `3 hours`."""
    for size_s, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = age_s // size_s
        if count:
            return f"{count:,} {name}{'s' * (count != 1)}"
    return "less than a minute"


def as_of_line(asof: Mapping[str, Any]) -> str:
    """How sure an answer is: as of which block, how old that is, and which nodes say so."""
    where = "as of no block yet" if asof["height"] < 0 else f"as of block {asof['height']:,}"
    age_s = asof["age"]
    if age_s is not None and age_s < -CLOCK_TOLERANCE_S:
        where += f", whose time is {age_text(-age_s)} ahead of the clock of this machine"
    elif age_s is not None:
        where += f", {age_text(max(0, age_s))} old"
    if not asof["nodes_asked"]:
        return f"{where}; no node reached"
    state = "" if asof["synced"] else "not in sync; "
    return f"{where}; {state}{asof['nodes_agree']} of {asof['nodes_asked']} nodes agree"


def clock_line(info: Mapping[str, Any]) -> str | None:
    """What is wrong with the clock of this machine, by what nodes say; None if nothing is.

    Args:
        info: what `getsyncinfo` says.
    """
    offset_s = info["clock_offset"]
    if abs(offset_s) > CLOCK_TOLERANCE_S:
        where = "behind" if offset_s > 0 else "ahead of"
        return (
            f"the clock of this machine is wrong: it is {age_text(abs(offset_s))} {where} the"
            " clocks of its nodes; set it right"
        )
    if info["clock_behind"]:
        return (
            "the clock of this machine is wrong, or its nodes are: they have blocks that are more"
            " than two hours ahead of it; set it right"
        )
    return None


def draft_lines(draft: Mapping[str, Any]) -> list[str]:
    """What a payment would do: whom it pays, what it costs, what returns."""
    rows = [
        (
            "pays",
            btc(each["amount"]),
            f"to {each['address'] or each['script']}" + " (ours)" * each["ours"],
        )
        for each in draft["recipients"]
    ]
    size = f"{draft['vsize']} vbytes"
    if "fee" in draft:
        rows.append(("fee", btc(draft["fee"]), f"{float(draft['feerate']):.1f} sat/vB, {size}"))
    else:
        rows.append(("fee", "not known", f"for {size}: it spends coins that are not known here"))
    rows.append(("change", btc(draft["change"]), "returns to this wallet"))
    lines = aligned(rows, right=(1,), indent=2)
    named = sum(each["named"] for each in draft.get("inputs", ()))
    if named:
        lines.append(
            f"  {named} of {len(draft['inputs'])} inputs name a key of this wallet to sign"
        )
    if "replaces" in draft:
        lines.append(f"  replaces {draft['replaces']}")
    if "reduced" in draft:
        lines.append(f"  pays {btc(draft['reduced'])} less than that one, for the fee")
    if "child_of" in draft:
        lines.append(f"  spends {draft['child_of']}, which its sender can still take back,")
        lines.append("  and pays for both")
    return lines


def qr_lines(text: str) -> list[str]:
    """A QR code for a terminal, dark on light whatever its colours are."""
    import segno  # Costs memory, and few commands show one.

    drawn = StringIO()
    segno.make(text, error="l", micro=False).terminal(drawn, border=2, compact=True)
    lines = drawn.getvalue().splitlines()
    if "NO_COLOR" in os.environ:
        return lines
    return [f"{_WHITE_ON_BLACK}{line}{_PLAIN}" for line in lines]


class SyncProgress:
    """How far a sync is, in one line that is written over; in a file now and then a line.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._shown_at = time.monotonic()
        self._is_open = False
        self._shown = ""
        self._told: dict[tuple[str, str], None] = {}

    @property
    def step_s(self) -> float:
        """After so long the next look is due."""
        return STEP_S if self._live else PLAIN_STEP_S

    def show(self, info: Mapping[str, Any]) -> None:
        """Show what `getsyncinfo` says, if something was not shown just now.

        Who was named and is not reached is told at once, and once for each reason.
        """
        self._tell_missed(info)
        self.say(sync_line(info))

    def say(self, text: str) -> None:
        """Show this line, if none was shown just now."""
        now = time.monotonic()
        if now - self._shown_at < self.step_s:
            return
        self._shown_at = now
        if text == self._shown and not self._live:
            return  # Nothing has changed: a line says it already.
        self._shown = text
        self._stream.write(f"\r{text}\x1b[K" if self._live else f"{text}\n")
        self._stream.flush()
        self._is_open = self._live

    def _tell_missed(self, info: Mapping[str, Any]) -> None:
        if info["peers"]:
            return
        by_reason: dict[str, list[str]] = {}
        for each in info["missed"]:
            if (each["addr"], each["reason"]) not in self._told:
                self._told[each["addr"], each["reason"]] = None
                by_reason.setdefault(each["reason"], []).append(each["addr"])
        for reason, addresses in by_reason.items():
            self.end()
            self._stream.write(f"{_some(addresses)}: {reason}\n")
            self._stream.flush()

    def end(self) -> None:
        """Leave the line free for others."""
        if self._is_open:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._is_open = False


def _some(addresses: Sequence[str]) -> str:
    """Two of them by name, the others by number."""
    more = len(addresses) - 2
    return ", ".join(addresses[:2]) + (f" and {more} more" if more > 0 else "")


def sync_line(info: Mapping[str, Any]) -> str:
    """How far a sync is."""
    nodes, target, scanned = info["peers"], info["target"], max(info["scanned"], 0)
    if not nodes:
        return "looking for nodes"
    if info["presynced_headers"] > target:
        return f"{nodes_text(nodes)}: weighing their chain, header {info['presynced_headers']:,}"
    if info["filter_headers"] < target:
        return (
            f"{nodes_text(nodes)}: filter header {max(info['filter_headers'], 0):,} of {target:,}"
        )
    part = scanned / target if target else 0.0
    return f"{nodes_text(nodes)}: block {scanned:,} of {target:,} ({part:.1%})"
