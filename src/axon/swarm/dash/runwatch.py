"""Looks at a run as long as a page may be open, in threads of its own.

Once a second everybody is asked for all that the picture shows. Between, every node has a call open
that is answered when it has a new block, so that the order in which they get it is seen; with each
answer comes what waits in its pool.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, Self

from axon.drivers.aio.clock import Clock
from axon.errors import ConfigError
from axon.machine import Instant
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.swarm.dash.runframe import Look
from axon.swarm.dash.travel import Sighting
from axon.swarm.lab import lifecycle
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.members import node_of, state_of, views, wallet_views
from axon.swarm.lab.nodeprocess import ProcessState

LOOK_EVERY_S: Final = 1.0

CLOSE_NODES: Final = 64
"""So many nodes are watched closely, the first ones; each takes a thread, and asks some processor
time of its node."""

BLOCK_WAIT_MS: Final = 400
"""How long a node's call stays open if no block comes; as often its pool is looked at."""

_ANSWER_LIMIT_S: Final = 3.0
_AGAIN_S: Final = 0.3
_LEAVE_LIMIT_S: Final = 1.0


class Observer(Protocol):
    """Who is told, in whatever thread it was seen."""

    def looked(self, look: Look, close: tuple[str, ...]) -> None:
        """Everybody was asked; some are watched closely."""

    def gone(self, said: str, at: Instant) -> None:
        """There is no run."""

    def saw(self, sighting: Sighting) -> None:
        """A node that is watched closely has something new."""


class RunWatch:
    """Looks while it is entered.

    Args:
        folder: of the run.
        observer: told what is seen.
    """

    def __init__(self, folder: Path, observer: Observer) -> None:
        self._folder = folder
        self._observer = observer
        self._clock = Clock()
        self._ended, self._due = threading.Event(), threading.Event()
        self._manifest: Manifest | None = None
        self._watched: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._look_on, name="run watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._due.set()
        for thread in (self._thread, *self._watched.values()):
            thread.join(_LEAVE_LIMIT_S)  # One that waits for a mute node ends with the program.

    def look_now(self) -> None:
        """Something was done: look at once."""
        self._due.set()

    def _look_on(self) -> None:
        while not self._ended.is_set():
            self._look()
            self._due.wait(LOOK_EVERY_S)
            self._due.clear()

    def _look(self) -> None:
        at = self._clock.now()
        try:
            manifest = lifecycle.load(self._folder)
        except ConfigError as error:
            self._manifest = None
            self._observer.gone(str(error), at)
            return
        self._manifest = manifest
        close = tuple(item.name for item in manifest.nodes[:CLOSE_NODES])
        for name in close:
            if name not in self._watched:
                self._watch(name)
        seen = {view.name: view for view in (*views(manifest), *wallet_views(manifest))}
        miners = {item.name: state_of(item) for item in manifest.of_kind(ComponentKind.MINER)}
        self._observer.looked(Look(at, manifest, seen, miners, lifecycle.dead(manifest)), close)

    def _watch(self, name: str) -> None:
        thread = threading.Thread(
            target=self._watch_on, args=(name,), name=f"watch {name}", daemon=True
        )
        self._watched[name] = thread
        thread.start()

    def _watch_on(self, name: str) -> None:
        """Watch one node for as long as anything is watched, whatever becomes of it meanwhile."""
        while not self._ended.wait(_AGAIN_S):
            manifest = self._manifest
            item = manifest.components.get(name) if manifest is not None else None
            if manifest is None or item is None or state_of(item) is not ProcessState.RUNNING:
                continue
            with suppress(Unreachable, Unauthorized):  # It has ended, or was paused, just now.
                node = node_of(manifest, name)
                with node.dial(BLOCK_WAIT_MS / 1_000 + _ANSWER_LIMIT_S) as client:
                    self._follow(client, item)

    def _follow(self, client: RpcClient, item: Component) -> None:
        """Tell what a node has, whenever it has something new, until it is another process."""
        last: Sighting | None = None
        while not self._ended.is_set():
            manifest = self._manifest
            if manifest is None or item.name not in manifest.components:
                return
            if manifest.components[item.name].process != item.process:
                return
            height = 0 if last is None else last.height + 1
            answers = client.batch(
                [("waitforblockheight", [height, BLOCK_WAIT_MS]), ("getrawmempool", [])]
            )
            found = _sighting(item.name, answers, self._clock.now())
            if found is None:  # It warms up.
                return
            if last is None or (found.tip, found.pool) != (last.tip, last.pool):
                self._observer.saw(found)
            last = found


def _sighting(name: str, answers: list[Any], at: Instant) -> Sighting | None:
    match answers:
        case [{"hash": str(tip), "height": int(height)}, list(pool)]:
            return Sighting(name, at, tip, height, frozenset(map(str, pool)))
    return None
