"""MuHash against Bitcoin Core's figure for the empty set, and against its own definition."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.muhash import PRIME, SIZE, MuHash
from axon.primitives.hashes import to_hex

ELEMENTS = st.lists(st.binary(max_size=80), max_size=6, unique=True)


def hashed(*elements: bytes) -> bytes:
    muhash = MuHash()
    muhash.change(elements, [])
    return muhash.digest()


def test_the_empty_set() -> None:
    # As `gettxoutsetinfo muhash` tells of a chain that has only its genesis block.
    expected = "dd5ad2a105c2d29495f577245c357409002329b9f4d6182c0af3dc2f462555c8"
    assert to_hex(hashed()) == expected


@settings(max_examples=20)
@given(ELEMENTS, ELEMENTS)
def test_order_and_detours_make_no_difference(come: list[bytes], others: list[bytes]) -> None:
    detour = MuHash()
    detour.change(others, [])
    detour.change(come[::-1], others)
    assert detour.digest() == hashed(*come)
    assert len({hashed(*come), hashed(*come, b"one more" * 11)}) == 2


def test_what_is_written_is_read() -> None:
    first = MuHash()
    first.change([b"a", b"b"], [])
    assert len(first.encode()) == SIZE
    second = MuHash(first.encode())
    second.change([b"c"], [b"a"])
    assert second.digest() == hashed(b"b", b"c")


def test_products_stay_below_the_prime() -> None:
    # Folding alone may leave a number between the prime and 2**3072.
    muhash = MuHash((PRIME + 5).to_bytes(SIZE, "little"))
    muhash.change([], [])
    assert int.from_bytes(muhash.encode(), "little") == 5
