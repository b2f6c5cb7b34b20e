"""A chain that is mined once and copied for each test that wants it."""

from __future__ import annotations

import shutil
from pathlib import Path

from axon.testing.nodes import node


class Snapshots:
    """Folders of nodes that have stopped, by program and height; each grown when first asked for.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._grown: dict[tuple[str, int], Path] = {}

    def copy(self, program: str, blocks: int, target: Path) -> None:
        """Put a copy of a node's data directory at `target`, which must not exist.

        Args:
            program: as of `node`.
            blocks: the length of its chain.
        """
        key = (program, blocks)
        if key not in self._grown:
            name = Path(program).name
            folder = self._folder / f"{name}-{blocks}"
            with node(program, blocks=blocks, name=name, folder=folder) as growing:
                growing.stop()
            self._grown[key] = folder / name
        shutil.copytree(self._grown[key], target, ignore=shutil.ignore_patterns("debug.log"))
