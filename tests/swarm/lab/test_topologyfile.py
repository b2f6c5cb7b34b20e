"""Topologies from files: what people draw is raised; what no run can be is said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import ConfigError
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.topology import GivenTopology, splitters
from axon.swarm.lab.topologyfile import MAX_FILE_BYTES, read_topology_file

GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="node" attr.name="label" attr.type="string"/>
  <key id="d1" for="node" attr.name="version" attr.type="string"/>
  <key id="d2" for="edge" attr.name="latency" attr.type="int"/>
  <graph edgedefault="directed">
    <node id="0"><data key="d0">hub</data><data key="d1">27.0</data></node>
    <node id="1"/>
    <node id="2"><data key="d0">far-off</data></node>
    <edge source="1" target="0"><data key="d2">50</data></edge>
    <edge source="2" target="0"/>
    <edge source="2" target="0"/>
  </graph>
</graphml>
"""


def read(tmp_path: Path, text: str | bytes, name: str = "net.graphml") -> GivenTopology:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_topology_file(path)


def as_json(nodes: list[object], links: list[tuple[object, object]], **more: object) -> str:
    listed = [{"source": source, "target": target} for source, target in links]
    return json.dumps({"nodes": [{"id": each} for each in nodes], "links": listed, **more})


def test_graphml(tmp_path: Path) -> None:
    found = read(tmp_path, GRAPHML)
    assert found.name == "net.graphml"
    assert found.dials == {"hub": (), "n1": ("hub",), "far-off": ("hub",)}
    assert found.left_out == ("node version", "link latency")
    assert splitters(found.dials) == ["hub"]


@pytest.mark.parametrize("key", ["links", "edges"])
def test_node_link_json(tmp_path: Path, key: str) -> None:
    told = {
        "directed": True,
        "multigraph": False,
        "graph": {},
        "nodes": [{"id": 1, "weight": 3}, {"id": 2, "name": "b"}, "c"],
        key: [{"source": 1, "target": 2, "capacity": 1}, {"source": "c", "target": 1, "key": 0}],
    }
    found = read(tmp_path, json.dumps(told), "net.json")
    assert found.dials == {"n1": ("b",), "b": (), "c": ("n1",)}
    assert found.left_out == ("node weight", "link capacity")


def test_a_run_is_drawn_up_as_the_file_says(tmp_path: Path) -> None:
    found = read(tmp_path, GRAPHML)
    manifest = plan_run(tmp_path, RunRequest(3, topology=found, wallets=1, miners=1), Random(7))
    assert {item.name: item.dials for item in manifest.nodes} == found.dials
    assert manifest.topology == "net.graphml"
    assert manifest.components["w1"].knows == ("hub", "n1", "far-off")


def test_a_file_that_is_called_like_a_topology_is_not_mistaken_for_it(tmp_path: Path) -> None:
    text = as_json(["a", "b"], [("a", "b")])
    assert read(tmp_path, text, "star").name == "./star"
    assert read(tmp_path, text, "web").name == "./web"


def test_one_node_needs_no_link(tmp_path: Path) -> None:
    assert read(tmp_path, as_json(["a"], [])).dials == {"a": ()}


ELEVEN: list[object] = list(range(11))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (as_json([1, 2, 3], [(1, 2)]), "no link leads to or from n3"),
        (as_json([1, 2], [(1, 2), (2, 2)]), "n2 dials itself"),
        (as_json([1, 2, 3, 4], [(1, 2), (3, 4)]), "between n1, n2 and n3, n4"),
        (as_json([1, 2], [(1, 2), (1, 5)]), "there is no node '5'"),
        (as_json([1, 1], []), "two nodes '1'"),
        (as_json([1, "n1"], [(1, "n1")]), "two nodes would be called n1"),
        (as_json(list(range(501)), []), "more than 500 nodes"),
        (as_json(ELEVEN, [(0, each) for each in ELEVEN[1:]]), "n0 dials 10 nodes"),
        (as_json(["a b", 2], [("a b", 2)]), "'a b' is no name of a node"),
        (as_json(["../x", 2], [("../x", 2)]), "is no name of a node"),
        (as_json(["w1", 2], [("w1", 2)]), "cannot be called w1"),
        (as_json(["all", 2], [("all", 2)]), "cannot be called all"),
        (as_json([None], []), "None is no id"),
        (as_json([True], []), "True is no id"),
        (as_json([], []), "it has no nodes"),
        ("[1, 2]", "expected"),
        ('{"nodes": 3}', "expected"),
        ('{"nodes": [], "links": {}}', "no list"),
        ('{"nodes": [1], "links": [[1, 2]]}', "no object with source and target"),
        ("graph TD; a --> b", "neither GraphML nor JSON"),
        ("", "neither GraphML nor JSON"),
        ("[" * 100_000, "nested too deep"),
        ("<graphml><graph>", "its XML is damaged"),
        ("<svg/>", "no GraphML: <svg>"),
        ("<graphml>" + "<a>" * 100, "nested too deep"),
        ("<graphml><node/></graphml>", "a node has no id"),
        ("<graphml><edge source='a'/></graphml>", "no source or no target"),
        ("<graphml><hyperedge/></graphml>", "hyperedge"),
        ("<graphml><node id='a'><node id='b'/></node></graphml>", "within another"),
        (
            "<!DOCTYPE graphml [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>"
            "<graphml><node id='&b;'/></graphml>",
            "document type",
        ),
        ("<!DOCTYPE graphml SYSTEM 'file:///etc/passwd'><graphml/>", "document type"),
    ],
)
def test_what_no_run_can_be_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="is no topology of a run") as refused:
        read(tmp_path, text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_too_large_or_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than 4 MiB"):
        read(tmp_path, b" " * (MAX_FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="cannot read"):
        read_topology_file(tmp_path / "nowhere.json")
    with pytest.raises(ConfigError, match="cannot read"):
        read_topology_file(tmp_path)


@given(st.binary(max_size=200) | st.builds(lambda data: b"<graphml>" + data, st.binary()))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    try:
        read(tmp_path_factory.mktemp("any"), data)
    except ConfigError:
        return
    pytest.fail("nobody writes a topology by chance")
