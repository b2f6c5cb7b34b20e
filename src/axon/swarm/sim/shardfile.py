"""A part of many seeds, run by itself: what is written down of it, and how parts become the whole.

A cluster that runs jobs by number (an array of SLURM, an indexed Job of Kubernetes) gives each one
its part of the seeds; each leaves a file. The whole is what one process would have found, or it is
refused: parts of other code, other settings or another whole do not fit, a seed that is in two
files or in none is named.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from axon.errors import ConfigError
from axon.host.version import VERSION
from axon.swarm.audit.jsonfields import JsonObject, ReadingError
from axon.swarm.engine.source import source_fingerprint
from axon.swarm.invariants import counted
from axon.swarm.sightings import SIGHTS
from axon.swarm.sim.faultruns import KINDS, FaultRunReport
from axon.swarm.sim.lightplan import LightReport, plan_light
from axon.swarm.spof.savedfields import read_bounded

SCHEMA: Final = "axon-sim-shard-1"

MAX_SHARD_BYTES: Final = 1 << 30
"""Of a file: a run takes about a kilobyte of it."""

MAX_RUNS: Final = 1_000_000
"""Of a file."""

MAX_SHARDS: Final = 100_000
MAX_SEEDS: Final = 10_000_000
"""Of a whole."""

_MOST: Final = 2**63
_TEXT: Final = 100
_VIOLATION: Final = 100_000
_NAMED: Final = 5
"""So many ranges of seeds are named in one sentence."""

SeedReport = FaultRunReport | LightReport


class SimKind(StrEnum):
    """What a seed is drawn for."""

    FAULTS = "faults"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class SimWork:
    """All that is to be run.

    Args:
        kind: of run.
        nodes: of each.
        seeds: one run for each.
    """

    kind: SimKind
    nodes: int
    seeds: range

    def __str__(self) -> str:
        wallet = "--wallet " * (self.kind is SimKind.WALLET)
        return f"{wallet}--nodes {self.nodes} --seeds {told_seeds(self.seeds)}"


@dataclass(frozen=True, slots=True)
class SeedShard:
    """One part of the seeds.

    Args:
        number: from 1.
        of: how many there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def file_name(self) -> str:
        """By which all parts of a whole sort in their order."""
        width = len(str(self.of))
        return f"sim-{self.number:0{width}}-of-{self.of}.json"

    def part(self, seeds: range) -> range:
        """Its seeds: as many as another part has, or one more.

        Raises:
            ConfigError: there are more parts than seeds, or too many seeds.
        """
        if len(seeds) > MAX_SEEDS:
            raise ConfigError(f"a whole has at most {MAX_SEEDS:,} seeds, not {len(seeds):,}")
        if self.of > len(seeds):
            raise ConfigError(f"{counted(len(seeds), 'seed')} cannot be cut into {self.of} shards")
        first, last = (len(seeds) * place // self.of for place in (self.number - 1, self.number))
        return seeds[first:last]


@dataclass(frozen=True, slots=True)
class ShardRun:
    """What became of one part.

    Args:
        work: the whole.
        shard: which part it is.
        seconds: that it took.
        reports: of its seeds, in their order.
        version: of the program that ran it.
        source: the fingerprint of that program's code.
    """

    work: SimWork
    shard: SeedShard
    seconds: float
    reports: tuple[SeedReport, ...]
    version: str = VERSION
    source: str = ""

    def write(self, folder: Path) -> Path:
        """Write it down, whole or not at all; the file.

        Raises:
            ConfigError: the disk refuses.
        """
        path = folder / self.shard.file_name
        fresh = path.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(self.to_json()) + "\n")
            fresh.replace(path)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error}") from None
        return path

    def to_json(self) -> dict[str, object]:
        """As it stands in the file."""
        seeds = self.work.seeds
        return {
            "schema": SCHEMA,
            "version": self.version,
            "source": self.source or source_fingerprint(),
            "kind": self.work.kind.value,
            "nodes": self.work.nodes,
            "first": seeds[0],
            "last": seeds[-1],
            "shard": self.shard.number,
            "of": self.shard.of,
            "milliseconds": round(self.seconds * 1000),
            "runs": [_run_to_json(each) for each in self.reports],
        }


def read_shard(path: Path) -> ShardRun:
    """What a file says.

    Raises:
        ConfigError: it cannot be read or is none, or its seeds are not those of its part; the text
            names it.
    """
    return read_bounded(path, MAX_SHARD_BYTES, _shard)


def merged(shards: Sequence[tuple[str, ShardRun]]) -> tuple[SeedReport, ...]:
    """The reports of the whole, in the order of its seeds.

    Args:
        shards: each with the name of its file; at least one.

    Raises:
        ConfigError: they are not the parts of one whole; the text says all that is amiss.
    """
    (first_name, first), *others = shards
    faults = [fault for name, each in others if (fault := _differs(first_name, first, name, each))]
    if faults:
        raise ConfigError("these are not the shards of one whole: " + "; ".join(faults))
    holders: dict[int, str] = {}
    by_seed: dict[int, SeedReport] = {}
    twice: dict[tuple[str, str], list[int]] = {}
    for name, each in shards:
        for report in each.reports:
            if report.seed in holders:
                twice.setdefault((holders[report.seed], name), []).append(report.seed)
            holders[report.seed] = name
            by_seed[report.seed] = report
    faults = [
        f"{one} and {other} both hold seeds {told_seeds(seeds)}"
        for (one, other), seeds in twice.items()
    ]
    missing = [seed for seed in first.work.seeds if seed not in by_seed]
    if missing:
        faults.append(f"no file holds seeds {told_seeds(missing)}{_parts_of(missing, first)}")
    if faults:
        raise ConfigError("these are not the shards of one whole: " + "; ".join(faults))
    return tuple(by_seed[seed] for seed in first.work.seeds)


def told_seeds(seeds: Sequence[int]) -> str:
    """Ascending seeds in short: `0..9 12 40..44`."""
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    told = [str(a) if a == b else f"{a}..{b}" for a, b in ranges[:_NAMED]]
    return " ".join(told) + f" and {len(ranges) - _NAMED} more ranges" * (len(ranges) > _NAMED)


def _differs(first_name: str, first: ShardRun, name: str, other: ShardRun) -> str:
    """In what a file differs from the first one; empty if in nothing."""
    pairs = (
        ("version", first.version, other.version),
        ("code", first.source, other.source),
        ("work", str(first.work), str(other.work)),
        ("number of shards", str(first.shard.of), str(other.shard.of)),
    )
    said = [f"{what} {theirs} and not {ours}" for what, ours, theirs in pairs if ours != theirs]
    return f"{name} has {', '.join(said)} as {first_name}" if said else ""


def _parts_of(missing: Sequence[int], first: ShardRun) -> str:
    """Which whole parts are missing."""
    lacking, parts = set(missing), []
    for number in range(1, first.shard.of + 1):
        part = SeedShard(number, first.shard.of)
        if lacking.issuperset(part.part(first.work.seeds)):
            parts.append(str(part))
    if not parts:
        return ""
    more = f" and {len(parts) - _NAMED} more" * (len(parts) > _NAMED)
    return f" (shard{'s' * (len(parts) > 1)} {' '.join(parts[:_NAMED])}{more})"


def _run_to_json(report: SeedReport) -> dict[str, object]:
    if isinstance(report, FaultRunReport):
        shown = asdict(report)
        del shown["seen"]  # Of no use to a summary, and half of the bytes.
        return shown
    return {  # The plan follows from the seed.
        "seed": report.seed,
        "violation": report.violation,
        "served_us": report.served_us,
        "found": report.found,
        "refuted": report.refuted,
        "events": report.events,
        "digest": report.digest,
        "sometimes": report.sometimes,
    }


def _shard(text: str) -> ShardRun:
    if len(text) > MAX_SHARD_BYTES:
        raise ConfigError(f"a shard has at most {MAX_SHARD_BYTES >> 20} MiB")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"a shard is JSON, and this is not: {error!s:.200}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ConfigError(
            f"expected an object with the schema {SCHEMA!r}, as axon sim --shard writes it"
        )
    try:
        found = _read(JsonObject(data, "this is no shard"))
    except (ReadingError, ValueError) as error:
        raise ConfigError(str(error)) from None
    held = [report.seed for report in found.reports]
    if held != list(part := found.shard.part(found.work.seeds)):
        raise ConfigError(
            f"shard {found.shard} has seeds {told_seeds(part)}, and this file holds "
            f"{told_seeds(sorted(held)) or 'none'}"
        )
    return found


def _read(data: JsonObject) -> ShardRun:
    kind, nodes = SimKind(data.text("kind", _TEXT)), data.number("nodes", _MOST)
    first, last = data.number("first", _MOST), data.number("last", _MOST)
    number, of = data.number("shard", MAX_SHARDS), data.number("of", MAX_SHARDS)
    if not (first <= last < _MOST and 1 <= number <= of):
        raise ConfigError(f"there is no shard {number}/{of} of seeds {first}..{last}")
    work = SimWork(kind, nodes, range(first, last + 1))
    runs = data.objects("runs", MAX_RUNS)
    return ShardRun(
        work,
        SeedShard(number, of),
        data.number("milliseconds", _MOST) / 1000,
        tuple(_run(kind, nodes, run) for run in runs),
        data.text("version", _TEXT),
        data.text("source", _TEXT),
    )


def _run(kind: SimKind, nodes: int, run: JsonObject) -> SeedReport:
    seed = run.number("seed", _MOST)
    violation = run.text("violation", _VIOLATION) if "violation" in run else None
    events, digest, sometimes = run.number("events", _MOST), run.text("digest", _TEXT), _seen(run)
    if kind is SimKind.WALLET:
        served_us = run.number("served_us", _MOST) if "served_us" in run else None
        found, refuted = run.number("found", _MOST), run.number("refuted", _MOST)
        plan = plan_light(seed, nodes)
        return LightReport(plan, violation, served_us, found, refuted, events, digest, sometimes)
    return FaultRunReport(
        seed,
        run.number("nodes", _MOST),
        tuple(_fault_kind(each) for each, _ in run.items("kinds", len(KINDS))),
        violation,
        run.number("converged_us", _MOST) if "converged_us" in run else None,
        run.number("height", _MOST),
        run.number("deepest_reorg", _MOST),
        run.number("payments", _MOST),
        events,
        digest,
        sometimes=sometimes,
    )


def _fault_kind(value: object) -> str:
    if value not in KINDS:
        raise ConfigError(f"there is no kind of fault {value!r:.80}")
    return str(value)


def _seen(run: JsonObject) -> dict[str, int]:
    sights = run.inner("sometimes")
    return {sight: sights.number(sight, _MOST, 0) for sight in SIGHTS}
