"""Topologies from files: GraphML, or the node-link JSON of networkx.

A node of the graph is a node of the run; an edge says that its source dials its target. A node is
called by its `name` or `label`, or by its id; a number N becomes nN. What a file says beyond that
is not used, and told.

Files are read from strangers: their size, depth and number of nodes are bounded, and XML with a
document type is refused, since that is where entities are declared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError, XMLParser

from axon.errors import ConfigError
from axon.p2p.connectionsconfig import MAX_ADDED
from axon.swarm.lab.plan import MAX_NODES
from axon.swarm.lab.topology import GivenTopology, current_name, is_named, pieces

MAX_FILE_BYTES: Final = 4 << 20
MAX_DEPTH: Final = 64
MAX_DIALLED: Final = MAX_ADDED
"""So many of the nodes that it is told to dial a node is connected to at a time."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}", re.ASCII)
_TAKEN: Final = re.compile(r"[cmpw][0-9]+|all|passphrase|wallet", re.ASCII)
"""What other components, files and targets of a run are called."""

_NAMED_BY: Final = ("name", "label")
_SHOWN: Final = 5


@dataclass(slots=True)
class _Graph:
    """What a file says, as it stands there.

    Args:
        nodes: by id, the fields of each.
        edges: source, target and fields of each.
        left_out: what is not used.
    """

    nodes: dict[str, dict[str, object]] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    left_out: dict[str, None] = field(default_factory=dict)

    def add_node(self, name: str, fields: Mapping[str, object]) -> None:
        """One node.

        Raises:
            ValueError: there is one of this id already, or there are too many.
        """
        if name in self.nodes:
            raise ValueError(f"there are two nodes {name!r}")
        if len(self.nodes) == MAX_NODES:
            raise ValueError(f"it has more than {MAX_NODES} nodes")
        self.nodes[name] = dict(fields)
        self.leave_out("node", (key for key in fields if key not in _NAMED_BY))

    def leave_out(self, what: str, keys: Iterable[str]) -> None:
        """Note fields that are not used."""
        self.left_out.update(dict.fromkeys(f"{what} {key[:40]}" for key in keys))


def read_topology_file(path: Path) -> GivenTopology:
    """The topology in a file.

    Raises:
        ConfigError: it cannot be read, is none, or no run can be like it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is no topology: it has more than {MAX_FILE_BYTES >> 20} MiB")
    read = _read_graphml if data.lstrip()[:1] == b"<" else _read_json
    name = path.name if not is_named(current_name(path.name)) else f"./{path.name}"
    try:
        return _checked(name, read(data))
    except ValueError as error:
        raise ConfigError(f"{path} is no topology of a run: {error}") from error


def _checked(name: str, graph: _Graph) -> GivenTopology:
    """See whether a run can be like this.

    Raises:
        ValueError: it cannot.
    """
    if not graph.nodes:
        raise ValueError("it has no nodes")
    names = {each: _node_name(each, fields) for each, fields in graph.nodes.items()}
    if len(set(names.values())) < len(names):
        twice = next(each for each in names.values() if list(names.values()).count(each) > 1)
        raise ValueError(f"two nodes would be called {twice}")
    dials: dict[str, dict[str, None]] = {each: {} for each in names.values()}
    for source, target in graph.edges:
        for end in (source, target):
            if end not in names:
                raise ValueError(f"a link from {source!r} to {target!r}: there is no node {end!r}")
        if source == target:
            raise ValueError(f"{names[source]} dials itself; a link leads to another node")
        dials[names[source]][names[target]] = None
    plan = {each: tuple(targets) for each, targets in dials.items()}
    _check_links(plan)
    return GivenTopology(name, plan, tuple(graph.left_out))


def _node_name(text: str, fields: Mapping[str, object]) -> str:
    chosen = next((str(fields[key]) for key in _NAMED_BY if fields.get(key)), text).strip()
    if chosen.isascii() and chosen.isdecimal() and len(chosen) <= 9:
        chosen = f"n{int(chosen)}"
    if _NAME.fullmatch(chosen) is None:
        raise ValueError(
            f"{chosen[:40]!r} is no name of a node: a letter, then letters, digits, - and _, 16 in "
            "all"
        )
    if _TAKEN.fullmatch(chosen):
        raise ValueError(f"a node cannot be called {chosen}, for something else of a run is")
    return chosen


def _check_links(plan: Mapping[str, tuple[str, ...]]) -> None:
    links = [(source, target) for source, targets in plan.items() for target in targets]
    linked = {end for link in links for end in link}
    alone = [name for name in plan if name not in linked]
    if alone and len(plan) > 1:
        raise ValueError(f"no link leads to or from {_listed(alone)}, so nobody would find it")
    for name, targets in plan.items():
        if len(targets) > MAX_DIALLED:
            raise ValueError(
                f"{name} dials {len(targets)} nodes; a node stays connected to {MAX_DIALLED} that "
                "it is told to dial, so let others dial it"
            )
    parts = pieces(list(plan), plan)
    if len(parts) > 1:
        first = [name for name in plan if name in parts[0]]
        others = [name for name in plan if name not in parts[0]]
        raise ValueError(
            f"no link leads between {_listed(first)} and {_listed(others)}; a run is one network"
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    return f"{', '.join(names[:_SHOWN])}{more}"


# JSON.


def _read_json(data: bytes) -> _Graph:
    try:
        told = json.loads(data)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"it is neither GraphML nor JSON ({error})") from error
    if not isinstance(told, dict) or not isinstance(told.get("nodes"), list):
        raise ValueError('expected {"nodes": [{"id": ...}], "links": [{"source", "target"}]}')
    edges = told.get("links", told.get("edges", []))
    if not isinstance(edges, list):
        raise ValueError("its links are no list")
    graph = _Graph()
    known = ("nodes", "links", "edges", "directed", "multigraph")
    graph.leave_out("graph", (key for key in told if key not in known and told[key]))
    for item in told["nodes"]:
        fields = item if isinstance(item, dict) else {"id": item}
        rest = {key: value for key, value in fields.items() if key != "id"}
        graph.add_node(_json_id(fields.get("id")), rest)
    for item in edges:
        if not isinstance(item, dict):
            raise ValueError("a link is no object with source and target")
        graph.edges.append((_json_id(item.get("source")), _json_id(item.get("target"))))
        graph.leave_out("link", (key for key in item if key not in ("source", "target", "key")))
    return graph


def _json_id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{value!r} is no id of a node: a text or a whole number")
    return str(value)


# GraphML.


def _read_graphml(data: bytes) -> _Graph:
    target = _GraphMl()
    parser = XMLParser(target=target)
    try:
        parser.feed(data)
        parser.close()
    except ParseError as error:
        raise ValueError(f"its XML is damaged ({error})") from error
    return target.graph


class _GraphMl:
    """Takes what the parser finds, element by element; no tree is built."""

    def __init__(self) -> None:
        self.graph = _Graph()
        self._path: list[str] = []
        self._keys: dict[str, str] = {}  # By id, what a field is called.
        self._node: tuple[str, dict[str, object]] | None = None
        self._key = ""
        self._text: list[str] = []
        self._begin: Mapping[str, Callable[[dict[str, str]], None]] = {
            "key": self._begin_key,
            "node": self._begin_node,
            "edge": self._begin_edge,
            "data": self._begin_data,
            "hyperedge": self._begin_hyperedge,
        }

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        """A document type; called before any of its entities is read."""
        raise ValueError("it has a document type (<!DOCTYPE>), which is not read")

    def start(self, tag: str, fields: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition("}")[2]
        if not self._path and name != "graphml":
            raise ValueError(f"it is XML, but no GraphML: <{name[:40]}>")
        if len(self._path) == MAX_DEPTH:
            raise ValueError("its XML is nested too deep")
        self._path.append(name)
        if name in self._begin:
            self._begin[name](fields)

    def end(self, tag: str) -> None:
        """An element ends."""
        name = tag.rpartition("}")[2]
        self._path.pop()
        if name == "data":
            self._end_data("".join(self._text).strip())
        elif name == "node" and self._node is not None:
            self.graph.add_node(*self._node)
            self._node = None

    def data(self, text: str) -> None:
        """Text within an element."""
        if self._key:
            self._text.append(text)

    def _begin_key(self, fields: dict[str, str]) -> None:
        self._keys[fields.get("id", "")] = fields.get("attr.name") or fields.get("id", "")

    def _begin_node(self, fields: dict[str, str]) -> None:
        if self._node is not None:
            raise ValueError("a node lies within another one")
        if "id" not in fields:
            raise ValueError("a node has no id")
        self._node = (fields["id"], {})

    def _begin_edge(self, fields: dict[str, str]) -> None:
        if "source" not in fields or "target" not in fields:
            raise ValueError("an edge has no source or no target")
        self.graph.edges.append((fields["source"], fields["target"]))

    def _begin_data(self, fields: dict[str, str]) -> None:
        key = fields.get("key", "")
        self._key = self._keys.get(key, key) or "?"
        self._text = []

    def _begin_hyperedge(self, _fields: dict[str, str]) -> None:
        raise ValueError("it has a hyperedge; a link has two ends")

    def _end_data(self, text: str) -> None:
        if self._node is not None:
            self._node[1][self._key] = text
        else:
            inside = "link" if "edge" in self._path else "graph"
            self.graph.leave_out(inside, [self._key])
        self._key = ""
