"""A search for single points of failure as the page shows it: rows that fill."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.swarm.dash.livesearch import LiveSearch
from axon.swarm.dash.verdictrows import MAX_ROWS, SearchTable
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.topology import RunTopology
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.verdict import Level


def cells(told: Any) -> dict[str, list[str]]:
    return {row["name"]: row["cells"] for row in told["rows"]}


def test_rows_fill_and_what_fails_comes_first() -> None:
    kills = [Candidate((name,), Mode.KILL) for name in ("n1", "n2")]
    table = SearchTable("a network", [*kills, Candidate(("n2",), Mode.STOP)])
    told = table.to_json()
    assert told["running"]
    assert told["modes"] == ["kill", "stop"]
    assert cells(told) == {"n1": ["", None], "n2": ["", ""]}
    table.found(kills[1], "fails")
    told = table.to_json()
    assert list(cells(told)) == ["n2", "n1"]
    assert told["said"] == "1 of 3 tried"
    assert told["sentence"] == "", "no word before the end"
    table.end(Level.FOUND, "SPOF FOUND: n2.")
    told = table.to_json()
    assert (told["running"], told["good"]) == (False, False)


def test_a_long_table_says_what_it_leaves_out() -> None:
    table = SearchTable(
        "", [Candidate((f"n{number}",), Mode.KILL) for number in range(MAX_ROWS + 1)]
    )
    told = table.to_json()
    assert len(cells(told)) == MAX_ROWS
    assert told["about"] == " 1 row left out."


def test_a_search_that_is_stopped_says_no_word(tmp_path: Path) -> None:
    plan_run(tmp_path, RunRequest(3, miners=1, wallets=1), Random(1)).save()
    heard: list[Any] = []

    def tell(told: dict[str, object]) -> None:
        heard.append(told)
        if len(heard) == 1:  # It is about to begin.
            threading.Timer(0.5, search.stop).start()

    search = LiveSearch(tmp_path, tell)
    with pytest.raises(ConfigError, match="was stopped"):
        search.run()
    assert (heard[-1]["running"], heard[-1]["good"]) == (False, None)


@pytest.mark.slow
def test_the_node_that_all_wallets_hang_on_is_found(tmp_path: Path) -> None:
    wanted = RunRequest(4, miners=2, wallets=2, topology=RunTopology.ONE_SERVER)
    plan_run(tmp_path, wanted, Random(1)).save()
    heard: list[Any] = []
    assert LiveSearch(tmp_path, heard.append).run().startswith("SPOF FOUND: n1")
    assert cells(heard[-1])["n1"] == ["fails"]
    assert cells(heard[-1])["m1"] == ["holds"]
    assert not heard[-1]["good"]
