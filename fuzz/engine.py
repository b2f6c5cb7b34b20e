"""Two engines: atheris, which follows coverage, and a plain loop of mutations where it is absent.

Both start from the corpus, keep what is new to them in `.cache/fuzz/TARGET`, and write an input
that fails into the corpus as `crash-...`, where it stays as a test.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Sequence
from hashlib import sha1
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
CACHE: Final = Path(".cache/fuzz")
MAX_INPUT_BYTES: Final = 4096
"""Longer inputs are slow and say little more."""

_INTERESTING: Final = (0, 1, 0x7F, 0x80, 0xFC, 0xFD, 0xFE, 0xFF)


def inputs_of(name: str) -> dict[str, bytes]:
    """The corpus of a target: the inputs by file name, in order."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).glob("*"))}


def run(name: str, seconds: int, seed: int) -> None:
    """Look for inputs at which a target fails.

    Raises:
        Exception: whatever the target raised; the input is in the corpus then.
    """
    if find_spec("atheris") is not None:
        _follow_coverage(name, seconds, seed)
    else:
        print("atheris is not installed (pip install '.[fuzz]'): inputs are mutated blindly")
        _mutate(name, seconds, seed)


def _follow_coverage(name: str, seconds: int, seed: int) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["axon"]):
        targets = importlib.import_module("fuzz.targets").TARGETS
    found = CACHE / name
    found.mkdir(parents=True, exist_ok=True)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-artifact_prefix={CORPUS / name}/",
        "-print_final_stats=1",
        str(found),
        str(CORPUS / name),
    ]
    atheris.Setup(arguments, targets[name])
    atheris.Fuzz()  # Ends the process.


def _mutate(name: str, seconds: int, seed: int) -> None:
    target = importlib.import_module("fuzz.targets").TARGETS[name]
    rng = Random(seed)
    pool = list(inputs_of(name).values()) or [b""]
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutated(rng, pool)
        try:
            target(data)
        except Exception:
            digest = sha1(data, usedforsecurity=False).hexdigest()
            path = CORPUS / name / f"crash-{digest}"
            path.write_bytes(data)
            print(f"{name} fails after {count} inputs (seed {seed}): {path}")
            raise
        count += 1
    print(f"{name}: {count} inputs in {seconds} s (seed {seed}), no fault")


def mutated(rng: Random, pool: Sequence[bytes]) -> bytes:
    """An input made of others by a few changes, at most `MAX_INPUT_BYTES` long."""
    data = bytearray(rng.choice(pool))
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(data))
        match rng.randrange(6):
            case 0:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case 1:
                del data[at : at + rng.randint(1, 8)]
            case 2:
                data[at : at + 1] = bytes((rng.choice(_INTERESTING),))
            case 3 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 4:
                data[at:] = rng.choice(pool)[rng.randint(0, at) :]
            case _:
                size = rng.randint(1, 32)
                source = rng.randint(0, len(data))
                data[at:at] = data[source : source + size]
    return bytes(data[:MAX_INPUT_BYTES])
