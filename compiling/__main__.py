"""`make compiled`: compile axon in place; with `--if-possible` as `make demo` does it.

Then it may take 90 s, is tried once in a clone, and says nothing of a failure: axon runs as well
from its sources.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from axon.compiled import FOLDER
from compiling.building import ROOT, CompileError, build, is_current
from compiling.modules import MODULES

PACKAGE: Final = ROOT / "src" / "axon"
"""What is compiled in place."""

_TRIED: Final = ROOT / ".cache" / "compiled" / "tried"
_PATIENCE_S: Final = 90.0
_LIMIT_S: Final = 1_800.0


def main(arguments: list[str]) -> int:
    """Compile; the exit code."""
    if arguments not in ([], ["--if-possible"]):
        sys.stderr.write("Usage: python -m compiling [--if-possible]\n")
        return 2
    if is_current(PACKAGE, MODULES):
        if not arguments:
            print("axon is compiled, and its sources have not changed since")
        return 0
    if not arguments:
        return _compile(_LIMIT_S)
    if not _TRIED.exists():
        _TRIED.parent.mkdir(parents=True, exist_ok=True)
        _TRIED.touch()
        print(f"Compiling axon, which is done once and takes {_PATIENCE_S:.0f} s at most.")
        _compile(_PATIENCE_S, told=False)
    return 0


def _compile(limit_s: float, *, told: bool = True) -> int:
    try:
        with tempfile.TemporaryDirectory(prefix="axon-compiling-") as work:
            build(PACKAGE, MODULES, Path(work), PACKAGE / FOLDER, limit_s)
    except (CompileError, OSError) as error:
        if told:
            sys.stderr.write(f"{error}\nError: axon was not compiled; it runs from its sources\n")
        return 1
    if told:
        print(f"compiled {len(MODULES)} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
