"""How much memory the kernel takes for what it has verified: the library's own log says it."""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from axon.chain.cachesizes import DEFAULT_MIB, CacheSizes
from axon.consensus.kernel import Kernel
from axon.consensus.signaturecache import USUAL_BYTES, resize
from axon.primitives.network import REGTEST

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only here does the system say the size"
)

PAIR = struct.pack("@NN", USUAL_BYTES // 2, USUAL_BYTES // 2)


@pytest.mark.parametrize(
    ("total_mib", "elements"), [(32, 524_288), (1, 16_384), (3, 49_152), (0, 2), (-1, 2)]
)
def test_both_caches_have_the_size_that_was_asked_for(total_mib: int, elements: int) -> None:
    logged: list[str] = []
    caches = CacheSizes.within(DEFAULT_MIB, total_mib)
    Kernel(REGTEST, caches=caches, on_log=logged.append).close()
    said = [line for line in logged if f"able to store {elements} elements" in line]
    of = [name for line in said for name in ("script execution", "signature") if name in line]
    assert sorted(of) == ["script execution", "signature"], logged


@pytest.mark.parametrize("content", [bytes(64), PAIR + b"\x01" + PAIR, PAIR[:8] + bytes(8)])
def test_options_in_which_the_sizes_cannot_be_told_are_left_alone(content: bytes) -> None:
    with _allocated(content) as address:
        assert not resize(address, 1 << 20)
        assert ctypes.string_at(address, len(content)) == content


@contextmanager
def _allocated(content: bytes) -> Iterator[int]:
    libc = ctypes.CDLL(None)
    libc.calloc.restype, libc.calloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t, ctypes.c_size_t)
    libc.free.argtypes = (ctypes.c_void_p,)
    address = libc.calloc(1, len(content))
    try:
        ctypes.memmove(address, content, len(content))
        yield address
    finally:
        libc.free(address)
