"""One small room compiled: it gives the answers of the sources, and never outlives them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import axon
from axon.compiled import FOLDER
from compiling.building import CompileError, build

PACKAGE = Path(axon.__file__).parent
SCAN = "axon.chain.filterscan"
LIMIT_S = 170.0

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("compiling"),
    pytest.mark.timeout(2 * LIMIT_S),
    pytest.mark.skipif(
        not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler here"
    ),
]

BESIDE = """
import json, sys
from random import Random
from axon.chain.filters import _SCANS, basic_filter, match_any, missing_elements
from axon.errors import DecodeError

rng = Random(int(sys.argv[1]))

def spoiled(data):
    match rng.randrange(6):
        case 0 if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 1:
            del data[rng.randint(0, len(data)):]
        case 2:
            data += rng.randbytes(rng.randint(1, 3))
        case 3:
            ones = b"\\xff" * rng.randint(0, 30)
            data = bytearray([rng.randint(0, 20)]) + ones + rng.randbytes(40)
    return bytes(data)

def answer(ask, *what):
    try:
        return ask(*what)
    except DecodeError as error:
        return str(error)

answers = []
for _ in range(4_000):
    block_hash = rng.randbytes(32)
    many = rng.choice((0, 1, 2, 5, 60))
    elements = list({rng.randbytes(rng.randint(1, 40)): None for _ in range(many)})
    data = spoiled(bytearray(basic_filter(block_hash, elements)))
    scripts = [rng.randbytes(rng.randint(0, 40)) for _ in range(rng.randint(0, 10))]
    scripts += rng.sample(elements, min(len(elements), rng.randint(0, 3)))
    answers.append(answer(match_any, data, block_hash, scripts))
    answers.append(answer(missing_elements, data, block_hash, [item for item in scripts if item]))
print(json.dumps([_SCANS, answers]))
"""


@pytest.fixture(scope="module", name="package")
def package_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled")
    package = folder / "src" / "axon"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", FOLDER))
    build(package, frozenset([SCAN]), folder / "work", package / FOLDER, LIMIT_S)
    return package


def ask(package: Path, program: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(package.parent), **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_answers_as_its_source_does(package: Path) -> None:
    scans, compiled = json.loads(ask(package, BESIDE, "7"))
    scans_too, pure = json.loads(ask(package, BESIDE, "7", AXON_PURE="1"))
    assert scans
    assert not scans_too
    assert compiled == pure
    assert sum(isinstance(answer, str) for answer in pure) > 1_000, "too few hostile filters"
    assert sum(answer is True for answer in pure) > 500, "too few matches"


KIND = "from axon.compiled import KIND; print(KIND)"


@pytest.mark.parametrize("name", ["chain/filterscan.py"])
def test_a_source_that_changed_is_what_runs(package: Path, name: str) -> None:
    path = package / name
    before = path.read_text()
    assert ask(package, KIND) == "compiled\n"
    path.write_text(before + "\nCHANGED = True\n")
    try:
        assert ask(package, KIND) == "pure Python\n"
        shown = ask(package, "from axon.chain import filterscan; print(filterscan.CHANGED)")
        assert shown == "True\n"
    finally:
        path.write_text(before)
    assert ask(package, KIND) == "compiled\n"


def test_what_does_not_compile_leaves_what_was_there(package: Path, tmp_path: Path) -> None:
    broken = tmp_path / "axon"
    shutil.copytree(package, broken)
    (broken / "chain" / "filterscan.py").write_text("x: int = 'not a number'\n")
    before = (broken / FOLDER / "manifest.json").read_bytes()
    with pytest.raises(CompileError, match="Incompatible types"):
        build(broken, frozenset([SCAN]), tmp_path / "work", broken / FOLDER, LIMIT_S)
    assert (broken / FOLDER / "manifest.json").read_bytes() == before
