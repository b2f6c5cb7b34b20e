"""What is shipped: wheel and sdist install into a bare environment and run from an empty folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
LIMIT_S: Final = 600.0
NOT_SOURCE: Final = (".*", "*.egg-info", "__pycache__", "build", "dist", "node_modules")

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(2 * LIMIT_S)]


def run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module", name="built")
def built_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    # From a copy: a build writes beside its source, and each worker has one.
    source = shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(*NOT_SOURCE))
    run(sys.executable, "-m", "build", "--outdir", folder, source, cwd=folder)
    return folder


@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_it_installs_and_runs(built: Path, pattern: str, tmp_path: Path) -> None:
    (shipped,) = built.glob(pattern)
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    run(sys.executable, "-m", "venv", venv, cwd=empty)
    run(venv / "bin" / "pip", "install", "-q", shipped, cwd=empty)
    assert "pytest" not in run(venv / "bin" / "pip", "list", cwd=empty)
    assert "checks hold" in run(venv / "bin" / "axon", "demo", "--no-report", cwd=empty)
    assert list(empty.iterdir()) == []
