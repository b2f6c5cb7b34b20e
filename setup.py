"""Everything about the package is in pyproject.toml; here is what `AXON_COMPILE=1` adds to a wheel:
the libraries that mypyc makes of its modules (docs/compiled.md)."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
COMPILES = os.environ.get("AXON_COMPILE", "") not in ("", "0")
LIMIT_S = 1_800.0


class BuildPy(build_py):
    """Copies the sources, and puts compiled modules beside them."""

    def run(self) -> None:
        """Build; a compiler that fails, fails the wheel, since it was asked for."""
        super().run()
        if self.editable_mode:
            return  # There `make compiled` does it.
        sys.path[:0] = [str(ROOT), str(ROOT / "src")]
        from axon.compiled import FOLDER
        from compiling.building import build
        from compiling.modules import MODULES

        package = Path(self.build_lib) / "axon"
        with tempfile.TemporaryDirectory(prefix="axon-compiling-") as work:
            build(package.resolve(), MODULES, Path(work), package / FOLDER, LIMIT_S)


class Compiled(Distribution):
    """A distribution whose wheels are for one Python and one system."""

    def has_ext_modules(self) -> bool:
        """It has libraries, though setuptools does not make them."""
        return True


if COMPILES:
    setup(
        cmdclass={"build_py": BuildPy},
        distclass=Compiled,
        setup_requires=["mypy>=2.4,<2.5", "librt>=0.16,<0.17"],
    )
else:
    setup()
