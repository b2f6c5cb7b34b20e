"""Compiled modules are taken together, and only as long as they are those of the sources."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from axon.compiled import FOLDER, LIBRARY, MANIFEST, CompiledFinder, CompiledManifest, digest

SUFFIX = EXTENSION_SUFFIXES[0]


@pytest.fixture(name="package")
def package_fixture(tmp_path: Path) -> Path:
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "one.py").write_text("ONE = 1\n")
    (tmp_path / "errors.py").write_text("")
    return tmp_path


def manifest_of(package: Path, suffix: str = SUFFIX) -> CompiledManifest:
    sources = {name: digest(package / name) for name in ("chain/one.py", "errors.py")}
    return CompiledManifest(suffix, ("axon.chain.one",), sources)


def test_the_manifest_is_read_as_it_was_written(package: Path) -> None:
    (package / FOLDER).mkdir()
    manifest = manifest_of(package)
    (package / FOLDER / MANIFEST).write_text(manifest.encode())
    assert CompiledManifest.read(package / FOLDER) == manifest
    assert manifest.is_of(package)


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"suffix": ".so", "modules": 1}'])
def test_a_manifest_that_cannot_be_read_is_none(package: Path, text: str) -> None:
    (package / FOLDER).mkdir()
    assert CompiledManifest.read(package / FOLDER) is None
    (package / FOLDER / MANIFEST).write_text(text)
    assert CompiledManifest.read(package / FOLDER) is None


def test_each_source_counts(package: Path) -> None:
    manifest = manifest_of(package)
    (package / "errors.py").write_text("# One line more.\n")
    assert not manifest.is_of(package)
    (package / "errors.py").write_text("")
    assert manifest.is_of(package)
    (package / "chain" / "one.py").unlink()
    assert not manifest.is_of(package)


def test_libraries_of_another_python_do_not_count(package: Path) -> None:
    assert not manifest_of(package, ".cpython-300-somewhere.so").is_of(package)


def test_only_what_was_compiled_is_found(package: Path) -> None:
    finder = CompiledFinder(package / FOLDER, manifest_of(package))
    spec = finder.find_spec("axon.chain.one", None)
    assert spec is not None
    assert spec.origin == str(package / FOLDER / f"axon/chain/one{SUFFIX}")
    assert finder.find_spec(LIBRARY, None) is not None
    assert finder.find_spec("axon.errors", None) is None
