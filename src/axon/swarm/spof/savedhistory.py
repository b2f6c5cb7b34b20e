"""The history of a trial, and what it took of the machine, from a file that was saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from axon.errors import ConfigError
from axon.machine import SECOND
from axon.swarm.spof.savedfields import count_of, list_of, number_of, text_of, whole_of
from axon.swarm.trialhistory import (
    MAX_DELAYS,
    MAX_LINES,
    MAX_LINKS,
    MAX_TIPS,
    HistoryLine,
    LineType,
    Link,
    TipSeen,
    TrialHistory,
    TrialPhase,
)
from axon.swarm.trialreport import Resources

_MAX_PROGRAMS: Final = 2_000


def history_of(data: Mapping[str, Any]) -> TrialHistory:
    """What `TrialHistory.to_json` wrote.

    Raises:
        ConfigError: it is none; the text says what was expected.
    """
    heals_at = data["heals_at"]
    return TrialHistory(
        [_line(each) for each in _bounded(data["lines"], MAX_LINES)],
        [_tip(each) for each in _bounded(data["tips"], MAX_TIPS)],
        {TrialPhase(phase): _links(links) for phase, links in data["links"].items()},
        [_us(each) for each in _bounded(data["block_delays"], MAX_DELAYS)],
        [_us(each) for each in _bounded(data["transaction_delays"], MAX_DELAYS)],
        None if heals_at is None else _us(heals_at),
        _us(data["ends_at"]),
        count_of(data["left_out"]),
    )


def resources_of(data: Mapping[str, Any]) -> Resources:
    """What `Resources.to_json` wrote.

    Raises:
        ConfigError: it is none; the text says what was expected.
    """
    programs = {}
    for name, (cpu_s, memory_kb) in data["programs"].items():
        programs[text_of(name)] = _positive(cpu_s), count_of(memory_kb)
        if len(programs) > _MAX_PROGRAMS:
            raise ConfigError(f"this is no verdict: more than {_MAX_PROGRAMS:,} programs")
    memory_kb = count_of(data["memory_kb"])
    return Resources(_positive(data["wall"]), _positive(data["cpu"]), memory_kb, programs)


def _line(data: Any) -> HistoryLine:
    at, client, what, kind, said = list_of(data)
    return HistoryLine(_us(at), text_of(client), text_of(what), LineType(kind), text_of(said))


def _tip(data: Any) -> TipSeen:
    at, node, height, tip = list_of(data)
    return TipSeen(_us(at), text_of(node), whole_of(height), text_of(tip))


def _links(data: Any) -> list[Link]:
    found = []
    for each in _bounded(data, MAX_LINKS):
        one, other = list_of(each)
        found.append((text_of(one), text_of(other)))
    return found


def _bounded(data: Any, most: int) -> list[Any]:
    items = list_of(data)
    if len(items) > most:
        raise ConfigError(f"this is no verdict: {len(items):,} where there are at most {most:,}")
    return list(items)


def _us(value: Any) -> int:
    return round(_positive(value) * SECOND)


def _positive(value: Any) -> float:
    number = number_of(value)
    if number is None or number < 0:
        raise ConfigError(f"this is no verdict: expected a time, not {value!r:.80}")
    return number
