"""Makes libraries of staged modules; a process of its own, for mypyc may crash or exit.

    python -m compiling.extension FOLDER MODULE.py...

In FOLDER are the staged sources; there the libraries come into `lib`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from mypyc.build import mypycify
from setuptools import setup

GROUP: Final = "axon"
"""The library of all code is called `axon__mypyc`."""

_CONFIG: Final = """[mypy]
python_version = 3.11
ignore_missing_imports = True
"""  # `make check` is stricter; where a wheel is built, the libraries that axon uses are missing.


def main(folder: str, *paths: str) -> None:
    """Compile the modules of some paths, relative to the folder."""
    os.chdir(folder)
    Path("mypy.ini").write_text(_CONFIG)
    extensions = mypycify(
        ["--config-file=mypy.ini", *paths],
        opt_level="3",
        debug_level="0",
        group_name=GROUP,
        target_dir="c",
        experimental_features=True,  # Arrays of integers, in `chain/filterscan`.
    )
    setup(
        name=GROUP,
        packages=[],
        ext_modules=extensions,
        script_args=["-q", "build_ext", "--build-lib", "lib", "--build-temp", "objects"],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
