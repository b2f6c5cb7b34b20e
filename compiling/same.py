"""Compiled or not, a seed leads to the same: simulations run both ways, line by line.

    python -m compiling.same 0..9999 [OPTION OF AXON SIM ...]

Prints how many runs were compared and what each way has taken. Exit code: 0 if each line is the
same, trace included, 1 from the first that is not, 2 if axon is not compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from compiling.__main__ import PACKAGE
from compiling.building import is_current
from compiling.modules import MODULES

_BLOCK: Final = 50
"""Seeds of one comparison: what slows the machine down for a while slows both ways down."""


def main(arguments: list[str]) -> int:
    """Compare; the exit code."""
    if not is_current(PACKAGE, MODULES):
        sys.stderr.write("Error: axon is not compiled, or sources have changed: make compiled\n")
        return 2
    first, _, last = arguments[0].partition("..")
    compared, pure_s, compiled_s = 0, 0.0, 0.0
    for seeds in _blocks(int(first), int(last or first)):
        pure, seconds = _traces(seeds, arguments[1:], "1")
        pure_s += seconds
        compiled, seconds = _traces(seeds, arguments[1:], "0")
        compiled_s += seconds
        for ours, theirs in zip(pure, compiled, strict=True):
            if ours != theirs:
                print(f"NOT THE SAME\npure:     {ours}\ncompiled: {theirs}")
                return 1
        compared += len(pure)
        print(
            f"{compared} runs are the same; pure {pure_s:.0f} s, compiled {compiled_s:.0f} s, "
            f"{pure_s / compiled_s:.2f} x",
            flush=True,
        )
    return 0


def _blocks(first: int, last: int) -> Iterator[str]:
    for begin in range(first, last + 1, _BLOCK):
        yield f"{begin}..{min(begin + _BLOCK - 1, last)}"


def _traces(seeds: str, options: list[str], pure: str) -> tuple[list[str], float]:
    """What each seed led to, and how long all took in seconds."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "axon", "sim", "--seeds", seeds, "-v", *options],
        env={**os.environ, "AXON_PURE": pure},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if ", trace " in line]
    assert lines, done.stderr
    return lines, time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
