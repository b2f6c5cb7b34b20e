"""From sources to a folder of libraries with its manifest, tried before it is put into place."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

from axon.compiled import FOLDER, MANIFEST, CompiledManifest, digest
from compiling.staging import PACKAGE, stage

ROOT: Final = Path(__file__).parent.parent
_SAID: Final = 3_000  # Characters of what a compiler says that are shown.

_TRIAL: Final = """
import importlib, sys
from pathlib import Path
from axon.compiled import CompiledFinder, CompiledManifest
folder = Path(sys.argv[1])
manifest = CompiledManifest.read(folder)
sys.meta_path.insert(0, CompiledFinder(folder, manifest))
for name in manifest.modules:
    module = importlib.import_module(name)
    assert Path(module.__file__).is_relative_to(folder), name
"""


class CompileError(Exception):
    """A compiler refused, crashed, is missing, or took too long; or what it made cannot be used."""


def build(package: Path, modules: frozenset[str], work: Path, target: Path, limit_s: float) -> None:
    """Compile modules of a package.

    Args:
        package: the folder `axon` with the sources.
        modules: their full names.
        work: an empty folder for what is made on the way.
        target: the folder that gets the libraries; what was there is replaced.
        limit_s: how long it may take, seconds.

    Raises:
        CompileError: nothing has changed in `target`.
    """
    sources = {str(path.relative_to(package)): digest(path) for path in _parts(package, modules)}
    paths = stage(package, work, modules)
    _run(["-m", "compiling.extension", str(work), *paths], {}, limit_s)
    libraries = work / "lib"
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    manifest = CompiledManifest(suffix, tuple(sorted(modules)), sources)
    (libraries / MANIFEST).write_text(manifest.encode())
    search = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    _run(["-c", _TRIAL, str(libraries)], {"AXON_PURE": "1", "PYTHONPATH": search}, limit_s)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(libraries, target)


def is_current(package: Path, modules: frozenset[str]) -> bool:
    """Whether what lies in the package is these modules, made from its sources as they are."""
    manifest = CompiledManifest.read(package / FOLDER)
    return manifest is not None and set(manifest.modules) == modules and manifest.is_of(package)


def _parts(package: Path, modules: frozenset[str]) -> list[Path]:
    """The files of some modules and of all that they import; mypyc takes constants from those."""
    found: dict[Path, None] = {}
    waiting = sorted(modules)
    while waiting:
        path = _file(package, waiting.pop())
        if path is None or path in found:
            continue
        found[path] = None
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                waiting.append(node.module)
                waiting += [f"{node.module}.{alias.name}" for alias in node.names]
    return list(found)


def _file(package: Path, module: str) -> Path | None:
    """Where a module of the package lies."""
    name, *parts = module.split(".")
    if name != PACKAGE or not parts:
        return None
    place = package.joinpath(*parts)
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _run(arguments: list[str], more: dict[str, str], limit_s: float) -> None:
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit_s)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # Compilers that it has started, too.
            if isinstance(error, subprocess.TimeoutExpired):
                raise CompileError(f"it took longer than {limit_s:.0f} s") from error
            raise
    if process.returncode:
        raise CompileError(said[-_SAID:].strip() or f"it ended with {process.returncode}")
