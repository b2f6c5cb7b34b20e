"""Parts of many seeds: how they are cut, written, read, and what is refused as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.swarm.sightings import SIGHTS
from axon.swarm.sim.faultruns import FaultRunReport
from axon.swarm.sim.lightplan import LightReport, plan_light
from axon.swarm.sim.shardfile import (
    MAX_SEEDS,
    SeedReport,
    SeedShard,
    ShardRun,
    SimKind,
    SimWork,
    merged,
    read_shard,
    told_seeds,
)

NOTHING_SEEN = dict.fromkeys(SIGHTS, 0)
FAULTS = SimWork(SimKind.FAULTS, 5, range(10, 20))
WALLET = SimWork(SimKind.WALLET, 4, range(10, 20))


def report(work: SimWork, seed: int) -> SeedReport:
    """As a run would make it; one that failed among them."""
    violation = "S2 one ledger: n1 and n2 differ" if seed == 13 else None
    if work.kind is SimKind.WALLET:
        served = None if violation else seed
        plan = plan_light(seed, work.nodes)
        return LightReport(plan, violation, served, 3, 1, 77, f"{seed:032x}", dict(NOTHING_SEEN))
    return FaultRunReport(
        seed,
        work.nodes,
        ("loss", "crash"),
        violation,
        None if violation else 0,
        120,
        2,
        40,
        5_000,
        f"{seed:032x}",
        sometimes=NOTHING_SEEN | {"tie": 2},
    )


def shard(work: SimWork, number: int, of: int) -> ShardRun:
    place = SeedShard(number, of)
    made = tuple(report(work, seed) for seed in place.part(work.seeds))
    return ShardRun(work, place, 1.5, made, source="0123456789abcdef")


def test_parts_are_the_whole_and_hardly_differ_in_size() -> None:
    seeds = range(3, 1003)
    parts = [SeedShard(number, 7).part(seeds) for number in range(1, 8)]
    assert [seed for part in parts for seed in part] == list(seeds)
    assert {len(part) for part in parts} == {142, 143}
    with pytest.raises(ConfigError, match="3 seeds cannot be cut into 4 shards"):
        SeedShard(1, 4).part(range(3))
    with pytest.raises(ConfigError, match="at most 10,000,000 seeds"):
        SeedShard(1, 4).part(range(MAX_SEEDS + 1))


@pytest.mark.parametrize("work", [FAULTS, WALLET])
def test_files_of_all_parts_give_back_all_reports(work: SimWork, tmp_path: Path) -> None:
    files = [shard(work, number, 3).write(tmp_path) for number in (3, 1, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in files)
    read = [(path.name, read_shard(path)) for path in files]
    assert merged(read) == tuple(report(work, seed) for seed in work.seeds)
    assert read[0][1] == shard(work, 3, 3)


def others(change: Callable[[ShardRun], ShardRun]) -> list[tuple[str, ShardRun]]:
    """Two parts, of which the second is changed."""
    return [("a", shard(FAULTS, 1, 2)), ("b", change(shard(FAULTS, 2, 2)))]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (others(lambda it: replace(it, version="9")), "b has version 9 and not 0.1.0 as a"),
        (others(lambda it: replace(it, source="ff")), "b has code ff and not 0123456789abcdef"),
        (
            others(lambda _: shard(replace(FAULTS, nodes=6), 2, 2)),
            "work --nodes 6 --seeds 10..19 and not --nodes 5 --seeds 10..19 as a",
        ),
        (others(lambda _: shard(WALLET, 2, 2)), "work --wallet --nodes 4"),
        (
            others(lambda _: shard(replace(FAULTS, seeds=range(10, 21)), 2, 2)),
            "seeds 10..20 and not",
        ),
        (others(lambda _: shard(FAULTS, 3, 3)), "number of shards 3 and not 2"),
        (others(lambda _: shard(FAULTS, 1, 2)), "a and b both hold seeds 10..14; no file"),
        ([("a", shard(FAULTS, 1, 5)), ("c", shard(FAULTS, 3, 5))], "(shards 2/5 4/5 5/5)"),
        ([("a", shard(FAULTS, 1, 5))], "no file holds seeds 12..19"),
    ],
)
def test_what_is_no_whole_is_refused_by_name(parts: list[tuple[str, ShardRun]], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        merged(parts)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "other"}, "expected an object with the schema"),
        ({"shard": 3}, "there is no shard 3/2 of seeds 10..19"),
        ({"shard": 1}, "shard 1/2 has seeds 10..14, and this file holds 15..19"),
        ({"runs": []}, "shard 2/2 has seeds 15..19, and this file holds none"),
        ({"kind": "luck"}, "'luck' is not a valid SimKind"),
        ({"last": 2**62}, "at most 10,000,000 seeds"),
        ({"last": 9}, "there is no shard 2/2 of seeds 10..9"),
        ({"nodes": "5"}, "nodes: expected a whole number"),
        ({"runs": [{"seed": 15}]}, "runs[0]"),
        ({"runs": "none"}, "expected a list"),
    ],
)
def test_a_file_that_is_no_shard_is_refused(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "it.json"
    path.write_text(json.dumps(shard(FAULTS, 2, 2).to_json() | change))
    with pytest.raises(ConfigError) as refused:
        read_shard(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_bytes_that_are_no_json_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    for data in (b"", b"\xff", b"[", b"[" * 100_000, b"[]"):
        path.write_bytes(data)
        with pytest.raises(ConfigError):
            read_shard(path)
    with pytest.raises(ConfigError):
        read_shard(tmp_path / "none")


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "sim-1-of-2.json").mkdir()
    with pytest.raises(ConfigError, match="cannot write"):
        shard(FAULTS, 1, 2).write(tmp_path)


def test_seeds_are_told_in_short() -> None:
    assert told_seeds([1, 2, 3, 7, 9, 10]) == "1..3 7 9..10"
    assert told_seeds(range(0, 20, 2)) == "0 2 4 6 8 and 5 more ranges"
