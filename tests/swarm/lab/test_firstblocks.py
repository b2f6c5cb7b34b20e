"""The blocks with which the nodes of a run begin: valid, of now, and for those who begin alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from axon.consensus.kernel import Kernel
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from axon.swarm.lab.firstblocks import (
    FILE,
    FIRST_BLOCKS,
    first_blocks,
    first_blocks_of,
    has_lived,
    write_first_blocks,
)
from axon.swarm.lab.manifest import NETWORK_FOLDER
from axon.swarm.lab.plan import RunRequest, plan_joiner, plan_run
from axon.swarm.lab.processidentity import ProcessIdentity

NOW_S = 1_700_000_000


def test_the_kernel_takes_them_in(tmp_path: Path) -> None:
    blocks = first_blocks(NOW_S)
    assert blocks[-1].header.time == NOW_S
    write_first_blocks(tmp_path, NOW_S)
    content = (tmp_path / FILE).read_bytes()
    assert content.count(REGTEST.magic) == FIRST_BLOCKS
    kernel = Kernel(REGTEST)
    try:
        for block in blocks:
            raw = block.raw
            assert REGTEST.magic + len(raw).to_bytes(4, "little") + raw in content
            assert kernel.process_block(raw).verdict == Accepted()
        assert kernel.tip() == (blocks[-1].header.hash, FIRST_BLOCKS)
    finally:
        kernel.close()


def test_only_who_begins_with_the_run_is_given_them(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3), Random(7))
    first, second, third = manifest.nodes
    assert first_blocks_of(manifest, first) is None, "there is no such file"
    write_first_blocks(tmp_path, NOW_S)
    assert first_blocks_of(manifest, first) == tmp_path / FILE
    lived = replace(second, process=ProcessIdentity(1, 2, "this boot"))  # And was wiped.
    assert has_lived(manifest, lived)
    assert first_blocks_of(manifest, lived) is None
    (manifest.folder_of(third.name) / NETWORK_FOLDER).mkdir(parents=True)
    assert has_lived(manifest, third), "its disk was brought here"
    assert first_blocks_of(manifest, third) is None
    assert first_blocks_of(manifest, plan_joiner(manifest, 1, (first.name,))) is None
