"""What the doctor tries: what the lab needs, what it uses, and what it could use one day."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from axon.swarm.lab import doctor, linktrial, netnamespace
from axon.swarm.lab.doctor import Ability, backends, examine
from axon.swarm.lab.manifest import BackendName, Manifest


@pytest.fixture(name="found", scope="module")
def found_fixture() -> list[Ability]:
    return examine()


def ability(found: Sequence[Ability], name: str) -> Ability:
    return next(item for item in found if item.name == name)


def test_what_is_needed_is_used_and_works_here(found: Sequence[Ability]) -> None:
    assert all(item.used for item in found if item.needed)
    assert all(item.works for item in found if item.needed)
    assert [item.name for item in found if item.used and not item.needed] == [
        "memory",
        "pausing processes",
        "network namespaces (--backend netns)",
        "shaped links (--backend netns)",
        "Bitcoin Core (--mix bitcoind:K)",
    ]
    assert backends(found)[0] is BackendName.PROC


def test_what_is_missing_is_left_out_of_the_backends(found: Sequence[Ability]) -> None:
    spaces = next(item for item in found if "netns" in item.name)
    assert backends([replace(spaces, works=False)]) == [BackendName.PROC]
    assert backends([replace(spaces, works=True)]) == [BackendName.PROC, BackendName.NETNS]
    assert backends([replace(found[0], works=False), replace(spaces, works=True)]) == []


def test_links_are_shaped_where_there_are_namespaces(found: Sequence[Ability]) -> None:
    spaces = ability(found, "network namespaces (--backend netns)")
    if not spaces.works:
        pytest.skip(spaces.said)
    links = ability(found, "shaped links (--backend netns)")
    took = re.fullmatch(r"a packet that was to take 50 ms took (\d+)", links.said)
    assert links.works
    assert took is not None
    assert int(took[1]) >= linktrial.LATENCY_MS


def test_a_link_that_holds_nothing_up_is_no_shaped_one(
    found: Sequence[Ability], monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = ability(found, "network namespaces (--backend netns)")
    if not spaces.works:
        pytest.skip(spaces.said)
    runs: list[Manifest] = []
    monkeypatch.setattr(linktrial, "LATENCY_MS", 5_000)
    monkeypatch.setattr(linktrial, "shape", lambda run, *_, **__: runs.append(run))
    links = doctor._tried("", doctor._links)
    assert not links.works
    assert links.said.startswith("a packet that was to take 5000 ms took ")
    assert not list(netnamespace.FOLDER.glob(f"axon-{runs[0].run}-*")), "and nothing stays"


def test_who_is_not_root_hears_where_links_are_shaped_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    links = doctor._tried("", doctor._links)
    assert not links.works
    assert "in virtual time alone (axon sim --plan FILE" in links.said
