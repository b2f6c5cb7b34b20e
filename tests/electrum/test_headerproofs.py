"""Proofs of headers: the same as of a plain Merkle tree, with a run or with several."""

from __future__ import annotations

from random import Random

import pytest

from axon.electrum.headerproofs import RUN, proof, run_root
from axon.primitives.merkle import fold_branch, merkle_branch, merkle_root


@pytest.mark.parametrize("count", [1, 2, 3, 9, RUN - 1, RUN, RUN + 1, 2 * RUN, 2 * RUN + 5])
def test_branch_and_root_are_those_of_the_whole_tree(count: int) -> None:
    rng = Random(count)
    hashes = [rng.randbytes(32) for _ in range(count)]
    runs = [hashes[at : at + RUN] for at in range(0, count, RUN)]
    roots = [run_root(run) for run in runs]
    for index in {0, count // 2, count - 1, min(count - 1, RUN)}:
        branch, root = proof(runs[index // RUN], roots, index)
        assert root == merkle_root(hashes)
        assert branch == merkle_branch(hashes, index)
        assert fold_branch(hashes[index], branch, index) == root
