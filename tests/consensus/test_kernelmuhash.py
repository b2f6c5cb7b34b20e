"""The library's MuHash gives what ours gives; where it does not, ours is used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.muhash import MuHash
from axon.consensus import kernelmuhash, library
from axon.consensus.kernelmuhash import KernelMuHash, muhash


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    muhash.cache_clear()
    yield
    muhash.cache_clear()


def test_this_build_has_it() -> None:
    assert muhash() is KernelMuHash


@settings(max_examples=30)
@given(st.lists(st.tuples(st.lists(st.binary()), st.lists(st.binary())), max_size=3))
def test_both_agree(changes: list[tuple[list[bytes], list[bytes]]]) -> None:
    ours, theirs = MuHash(), KernelMuHash()
    for come, gone in changes:
        for each in (ours, theirs):
            each.change(come, gone)
        assert theirs.digest() == ours.digest()
        assert theirs.encode() == ours.encode()
        theirs = KernelMuHash(theirs.encode())
    assert theirs.digest() == ours.digest()


@pytest.mark.parametrize("name", ["muhash_insert", "muhash_remove", "muhash_finalize"])
def test_ours_is_used_where_the_library_lacks_one(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(library, name, None)
    assert muhash() is MuHash


def test_ours_is_used_where_they_do_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(KernelMuHash):
        def digest(self) -> bytes:
            return bytes(32)

    monkeypatch.setattr(kernelmuhash, "KernelMuHash", Wrong)
    assert muhash() is MuHash
