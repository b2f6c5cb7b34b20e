"""Which modules run as mypyc compiled them, and whether they are still what the source says.

`make compiled`, or a wheel that was built with `AXON_COMPILE=1`, puts libraries and a manifest into
`axon/_compiled`. They are taken all together or not at all, for compiled modules know each other's
classes: as soon as one source they were made from has changed, or was made for another Python, all
of axon runs from its sources. `AXON_PURE=1` in the environment says so as well.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

FOLDER: Final = "_compiled"
"""Of the libraries, in the package's own."""

MANIFEST: Final = "manifest.json"
LIBRARY: Final = "axon__mypyc"
"""The module that holds the code of all."""

_PURE: Final = "AXON_PURE"


@dataclass(frozen=True, slots=True)
class CompiledManifest:
    """What was compiled, from what.

    Args:
        suffix: of the libraries' names; tells Python's version and the system.
        modules: what was compiled, by full names.
        sources: all files that had a part in it, relative to the package's folder, with their
            SHA-256 in hex.
    """

    suffix: str
    modules: tuple[str, ...]
    sources: dict[str, str]

    def encode(self) -> str:
        """As it lies in the folder."""
        table = {"suffix": self.suffix, "modules": self.modules, "sources": self.sources}
        return json.dumps(table, indent=1)

    @classmethod
    def read(cls, folder: Path) -> CompiledManifest | None:
        """That of a folder of libraries; None if there is none that can be read."""
        try:
            table = json.loads((folder / MANIFEST).read_text())
            return cls(table["suffix"], tuple(table["modules"]), dict(table["sources"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_of(self, package: Path) -> bool:
        """Whether the libraries are those of a package as it is, for this Python."""
        return self.suffix in EXTENSION_SUFFIXES and all(
            digest(package / name) == known for name, known in self.sources.items()
        )


class CompiledFinder:
    """Finds compiled modules before Python looks for their sources.

    Args:
        folder: of the libraries.
        manifest: what is in it.
    """

    def __init__(self, folder: Path, manifest: CompiledManifest) -> None:
        self._files = {
            name: folder / (name.replace(".", "/") + manifest.suffix)
            for name in (LIBRARY, *manifest.modules)
        }

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Where a module lies; None of one that was not compiled."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def digest(path: Path) -> str:
    """The SHA-256 of a file in hex; empty if it cannot be read."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def install(package: Path) -> frozenset[str]:
    """Have compiled modules found, where they are those of the sources.

    Args:
        package: the folder of `axon`.

    Returns:
        Their full names; none where all runs from its sources.
    """
    if os.environ.get(_PURE, "") not in ("", "0"):
        return frozenset()
    manifest = CompiledManifest.read(package / FOLDER)
    if manifest is None or not manifest.is_of(package):
        return frozenset()
    sys.meta_path.insert(0, CompiledFinder(package / FOLDER, manifest))
    return frozenset(manifest.modules)


MODULES: Final = install(Path(__file__).parent)
"""What this process runs compiled, by full names."""

KIND: Final = "compiled" if MODULES else "pure Python"
"""What people are told of it."""
