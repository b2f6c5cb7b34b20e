"""The runs that a user has on this machine, so that no two of them take the same addresses.

All loopback addresses of a run share their third byte, its corner: `127.GROUP.CORNER.PLACE`. Which
run has which is written down in one file, under a lock, together with the manifest of a new run; so
two that are raised at the same moment from one seed get different ones, and a run whose nodes are
all down keeps its own. An entry counts for as long as its folder has the manifest of that run.

Other users of the machine have files of their own. Who raises a run claims its corner by a socket
until its nodes listen; from then on their ports are seen to be taken.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Final

from axon.drivers.aio.privatefiles import make_folder, open_file, write_file
from axon.errors import ConfigError, disk_refusal
from axon.primitives.network import REGTEST
from axon.swarm.lab.manifest import MANIFEST, Manifest

CORNERS: Final = 250
"""Third bytes that a run's addresses may have, from 1 on."""

Draw = Callable[[frozenset[int]], Manifest]
"""Draws up a run, told which corners are taken."""

MAX_REGISTRY_BYTES: Final = 1 << 20
"""Far more than `CORNERS` entries need."""


@dataclass(frozen=True, slots=True)
class RegisteredRun:
    """One run.

    Args:
        folder: where it lies, absolute.
        run: its own name.
        corner: the third byte of its addresses.
    """

    folder: str
    run: str
    corner: int


def draw_corner(seed: int, taken: Collection[int]) -> int:
    """A corner for a run: always the same for a seed, or the next one that is free.

    Raises:
        ConfigError: all are taken.
    """
    first = Random(f"{seed}|corner").getrandbits(32)
    for step in range(CORNERS):
        corner = 1 + (first + step) % CORNERS
        if corner not in taken:
            return corner
    raise ConfigError(f"there are {CORNERS} runs already; axon swarm runs lists them")


def claiming(draw: Draw, ends: ExitStack) -> Draw:
    """Draw up a run whose corner nobody on this machine is raising another run in.

    Args:
        draw: the run; asked again, with one more corner taken, where that is so.
        ends: gives the corner back when it is left.

    Raises:
        ConfigError: of what is returned: this machine has no such loopback address.
    """

    def claimed(taken: frozenset[int]) -> Manifest:
        manifest = draw(taken)
        while not _claim(manifest.corner, ends):
            taken |= {manifest.corner}
            manifest = draw(taken)
        return manifest

    return claimed


def _claim(corner: int, ends: ExitStack) -> bool:
    claim = socket.socket()
    try:
        claim.bind((f"127.254.{corner}.1", REGTEST.port))  # No run has a node in this group.
        claim.listen()
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            return False
        raise ConfigError(f"cannot listen on 127.254.{corner}.1: {error.strerror}") from error
    ends.enter_context(claim)
    return True


class RunRegistry:
    """A file that lists runs.

    Args:
        path: of the file; made, with its folder, when a run is entered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def runs(self) -> list[RegisteredRun]:
        """The runs that are still there, in the order of their making."""
        return [item for item in self._read() if _is_there(item)]

    def enter(self, draw: Draw) -> Manifest:
        """Draw up a new run while nobody else does, and write it down.

        Args:
            draw: makes its manifest, told which corners are taken.

        Raises:
            ConfigError: all are, or the disk said no.
        """
        with self._locked():
            others = self.runs()
            manifest = draw(frozenset(item.corner for item in others))
            manifest.save()
            self._write([*others, _entry(manifest)])
        return manifest

    def keep(self, manifest: Manifest) -> None:
        """Write down a run that is there, unless it is already.

        Raises:
            ConfigError: another run has its addresses, or the disk said no.
        """
        own = _entry(manifest)
        if own in self._read():
            return
        with self._locked():
            others = self.runs()
            for other in others:
                if other.corner == own.corner:
                    raise ConfigError(
                        f"the run in {other.folder} has the addresses of this one; one of them has "
                        "to go (axon swarm down)"
                    )
            self._write([*others, own])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            make_folder(self._path.parent)
            descriptor = open_file(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise disk_refusal(f"cannot write {self._path}", error, ConfigError) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # Held for a moment only.
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> list[RegisteredRun]:
        """All entries; none where the file is missing or damaged, for runs can be entered anew."""
        try:
            with self._path.open("rb") as file:
                listed = json.loads(file.read(MAX_REGISTRY_BYTES))
            return [
                RegisteredRun(str(item["folder"]), str(item["run"]), int(item["corner"]))
                for item in listed
            ]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []

    def _write(self, entries: list[RegisteredRun]) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            write_file(fresh, json.dumps([asdict(item) for item in entries], indent=1).encode())
            fresh.replace(self._path)
        except OSError as error:
            raise disk_refusal(f"cannot write {self._path}", error, ConfigError) from error


def _entry(manifest: Manifest) -> RegisteredRun:
    return RegisteredRun(str(manifest.folder), manifest.run, manifest.corner)


def _is_there(item: RegisteredRun) -> bool:
    folder = Path(item.folder)
    try:
        manifest = Manifest.load(folder)
    except ConfigError:  # Damaged, or unreadable now; its processes may live.
        return (folder / MANIFEST).exists()
    return manifest is not None and manifest.run == item.run
