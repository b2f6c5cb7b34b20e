"""A mesh from one address; where nobody tells of others there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.machine import MINUTE
from axon.p2p.addrgossip import AddrGossip
from bench import mesh
from bench.mesh import main, measure, run_mesh

NODES = 20


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "MEETING", 3 * MINUTE)
    monkeypatch.setattr(mesh, "LIMIT", 6 * MINUTE)
    monkeypatch.setattr(mesh, "CONNECTIVITY", 5)


def test_nodes_that_knew_one_address_hold_together_without_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "mesh.html"
    assert main(["--nodes", str(NODES), "--page", str(page)]) == 0
    assert "seed 0: holds" in capsys.readouterr().out
    assert "hoster by hoster, the largest first" in page.read_text()


def test_where_nobody_tells_of_others_there_is_no_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddrGossip, "_learn", lambda *_: None)
    found = run_mesh(0, NODES, draws=False)
    assert not found.holds
    assert found.met.connectivity <= 1
    assert found.before.parts > 1, "without the one that all knew"
    assert measure(range(1), NODES).holds is False
