"""Which components a command means: `n3`, `3-5`, `all-but:3`, `random:2`, `miner:*`, `group:7`.

Several may be joined by commas. What means nothing is refused with a sentence that lists what there
is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from axon.errors import ConfigError
from axon.swarm.lab.manifest import Component, ComponentKind


class Targets:
    """Reads targets in one run.

    Args:
        components: of the run, by name.
        rng: draws `random:K`.
    """

    def __init__(self, components: Mapping[str, Component], rng: Random) -> None:
        self._components = components
        self._rng = rng

    def read(self, text: str) -> list[str]:
        """The names of all components that a text means, each once, in the order of the run.

        Raises:
            ConfigError: a part of it means nothing here.
        """
        found: set[str] = set()
        for part in text.split(","):
            found.update(self._part(part.strip()))
        return [name for name in self._components if name in found]

    def nodes(self, text: str) -> list[str]:
        """The same where only nodes can be meant.

        Raises:
            ConfigError: it means nothing, or something else than a node.
        """
        names = self.read(text)
        for name in names:
            if not self._components[name].is_node:
                raise ConfigError(f"{name} is a {self._components[name].kind}, not a node")
        return names

    def _part(self, text: str) -> Sequence[str]:
        word, colon, rest = text.partition(":")
        if not colon:
            return self._span(text)
        match word:
            case "all-but":
                without = self.nodes(rest)
                return [name for name in self._nodes() if name not in without]
            case "random":
                return self._drawn(rest)
            case "group":
                return self._group(rest)
            case "node" | "miner" | "wallet":
                return self._of_kind(ComponentKind(word), rest)
        raise self._unknown(text)

    def _nodes(self) -> list[str]:
        return [item.name for item in self._components.values() if item.is_node]

    def _span(self, text: str) -> Sequence[str]:
        if text == "all":
            return list(self._components)
        if text in self._components:  # A name may have a dash.
            return [text]
        first, dash, last = text.partition("-")
        if not dash:
            return [self._named(text)]
        names = list(self._components)
        begin, end = self._named(first), self._named(last)
        places = names.index(begin), names.index(end)
        kinds = {self._components[name].kind for name in (begin, end)}
        if places[0] > places[1] or len(kinds) > 1:
            raise ConfigError(f"{text!r} leads from {begin} to {end}, which is no range")
        return names[places[0] : places[1] + 1]

    def _named(self, text: str) -> str:
        name = f"n{int(text)}" if text.isascii() and text.isdecimal() else text.strip()
        if name not in self._components:
            raise self._unknown(text)
        return name

    def _drawn(self, text: str) -> Sequence[str]:
        names = self._nodes()
        count = int(text) if text.isascii() and text.isdecimal() else 0
        if not 0 < count <= len(names):
            raise ConfigError(
                f"random:K draws 1 to {len(names)} of the nodes of this run, not {text!r}"
            )
        return sorted(names, key=lambda _: self._rng.random())[:count]

    def _group(self, text: str) -> Sequence[str]:
        names = [
            item.name
            for item in self._components.values()
            if item.is_node and str(item.group) == text
        ]
        if not names:
            groups = sorted({item.group for item in self._components.values() if item.is_node})
            shown = f"groups {groups[0]} to {groups[-1]}" if groups else "none"
            raise ConfigError(f"there is no group {text!r} in this run; there are {shown}")
        return names

    def _of_kind(self, kind: ComponentKind, text: str) -> Sequence[str]:
        names = [item.name for item in self._components.values() if item.kind is kind]
        if text == "*" and names:
            return names
        wanted = f"{kind[0]}{text}" if text.isascii() and text.isdecimal() else text
        if wanted not in names:
            raise self._unknown(f"{kind}:{text}")
        return [wanted]

    def _unknown(self, text: str) -> ConfigError:
        return ConfigError(
            f"there is no {text!r} in this run; there are {listed(self._components)}"
        )


def listed(components: Mapping[str, Component]) -> str:
    """What there is, in a few words: `n1 to n5, m1`."""
    shown = []
    for kind in ComponentKind:
        names = [item.name for item in components.values() if item.kind is kind]
        if names:
            shown.append(names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}")
    return ", ".join(shown) or "none"
