"""Every input of the corpus, replayed; and the seeds are what the script makes."""

from __future__ import annotations

import pytest

from fuzz import seeds
from fuzz.engine import CORPUS, inputs_of
from fuzz.targets import TARGETS

MAX_CORPUS_BYTES = 1 << 20


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_input_of_the_corpus_fails(name: str) -> None:
    inputs = inputs_of(name)
    assert inputs, f"write some with: python -m fuzz.seeds ({name} has none)"
    for file_name, data in inputs.items():
        try:
            TARGETS[name](data)
        except Exception as error:
            error.add_note(f"the input is fuzz/corpus/{name}/{file_name}")
            raise


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_at_all_is_an_input_too(name: str) -> None:
    TARGETS[name](b"")


def test_the_seeds_are_what_the_script_makes() -> None:
    for name, made in seeds.inputs().items():
        kept = [data for file, data in inputs_of(name).items() if file.startswith("seed-")]
        assert sorted(kept) == sorted(made), f"run python -m fuzz.seeds ({name})"


def test_the_corpus_is_small_and_has_no_folder_without_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < MAX_CORPUS_BYTES
