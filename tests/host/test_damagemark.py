"""What a run found damaged, as the next start reads it."""

from __future__ import annotations

from pathlib import Path

from axon.errors import DamageError
from axon.host.damagemark import DamageMark

NAMES = ("coins", "filters", "transactions")


def test_only_what_is_damaged_is_named(tmp_path: Path) -> None:
    mark = DamageMark(tmp_path / "damaged", NAMES)
    assert mark.read() == frozenset()
    assert mark.note(DamageError("a coin is missing", "coins"))
    assert DamageMark(tmp_path / "damaged", NAMES).read() == {"coins"}
    mark.forget()
    mark.forget()
    assert mark.read() == frozenset()


def test_what_is_nothing_of_these_is_not_noted(tmp_path: Path) -> None:
    mark = DamageMark(tmp_path / "damaged", NAMES)
    for of in ("", "wallet"):
        assert not mark.note(DamageError("something else", of))
        assert mark.read() == frozenset()


def test_a_mark_that_names_nothing_is_for_all(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfe", b"coin"):
        (tmp_path / "damaged").write_bytes(content)
        assert DamageMark(tmp_path / "damaged", NAMES).read() == set(NAMES)
