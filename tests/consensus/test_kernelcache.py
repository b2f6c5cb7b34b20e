"""The sizes of a kernel's caches, as the library itself tells of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes
from axon.consensus.kernel import Kernel
from axon.consensus.kernelcache import is_possible
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from tests.consensus.chains import GENESIS_SPOT, Spot, block_on, chain_on

pytestmark = pytest.mark.skipif(not is_possible(), reason="this library exports too little")


def _extend(kernel: Kernel) -> BlockHash:
    """Three blocks; the hash of the last."""
    blocks = chain_on(GENESIS_SPOT, 3)
    for block in blocks:
        assert kernel.process_block(block.raw).verdict == Accepted()
    return blocks[-1].hash


def _sizes_said(lines: list[str]) -> list[str]:
    return [line.partition("resized ")[2].strip() for line in lines if "resized" in line]


def test_a_kernel_keeps_as_much_as_it_is_told_also_after_it_was_opened_again(
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    kernel = Kernel(REGTEST, tmp_path, caches=CacheSizes.within(4), on_log=lines.append)
    said = ["coinsdb cache to 1.8 MiB", "coinstip cache to 1.8 MiB"]
    assert _sizes_said(lines) == said
    tip = _extend(kernel)
    kernel.flush()
    assert _sizes_said(lines) == said * 2
    assert kernel.tip() == (tip, 3)
    kernel.close()
    lines.clear()
    kernel = Kernel(REGTEST, tmp_path, on_log=lines.append, reindex=True)
    assert kernel.tip() == (tip, 3)
    kernel.close()
    assert _sizes_said(lines) == []


def test_a_reindex_begins_with_the_sizes_it_is_told(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, caches=DEFAULT_CACHES)
    tip = _extend(kernel)
    kernel.close()
    lines: list[str] = []
    caches = CacheSizes.within(1000)
    kernel = Kernel(REGTEST, tmp_path, caches=caches, reindex=True, on_log=lines.append)
    assert kernel.tip() == (tip, 3)
    kernel.close()
    assert _sizes_said(lines) == ["coinsdb cache to 8.0 MiB", "coinstip cache to 990.0 MiB"]


def test_the_sizes_stay_when_the_first_sync_is_over(tmp_path: Path) -> None:
    lines: list[str] = []
    kernel = Kernel(REGTEST, tmp_path, caches=CacheSizes.within(4), on_log=lines.append)
    recent = Spot(GENESIS_SPOT.hash, 0, int(time.time()) - 3600)
    assert kernel.process_block(block_on(recent).raw).verdict == Accepted()
    kernel.close()
    assert any("Leaving InitialBlockDownload" in line for line in lines)
    assert _sizes_said(lines) == ["coinsdb cache to 1.8 MiB", "coinstip cache to 1.8 MiB"]


def test_in_memory_nothing_is_lost() -> None:
    kernel = Kernel(REGTEST, caches=CacheSizes.within(4))
    tip = _extend(kernel)
    assert kernel.tip() == (tip, 3)
    kernel.close()
