"""Networks made to order, as libbitcoinkernel validates them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from axon.chain.deployments import BLOCK_VERSION
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.consensus import chainparams, library
from axon.consensus.kernel import Kernel
from axon.consensus.library import KernelError
from axon.mining.miner import mine
from axon.mining.template import assemble
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.network import REGTEST, SIGNET, Network, signet_of
from axon.primitives.transaction import TxOut
from axon.primitives.verdict import Accepted, Rejected

OP_TRUE, OP_FALSE = b"\x51", b"\x00"
NONCE = 9_371_158
"""Found once: the block on signet's genesis block below proves its work with it."""


@contextmanager
def kernel_of(network: Network) -> Iterator[Kernel]:
    kernel = Kernel(network, threads=0)
    try:
        yield kernel
    finally:
        kernel.close()


def reason(kernel: Kernel, block: Block) -> str | None:
    verdict = kernel.process_block(block.raw).verdict
    return verdict.reason if isinstance(verdict, Rejected) else None


def unsigned_block() -> Block:
    """A block without a signature, for whom none is needed."""
    genesis = HeaderTree(SIGNET).genesis
    outputs = [TxOut(SIGNET.subsidy_sat(1), OP_TRUE)]
    time = genesis.time + 600
    bare = assemble(
        genesis, (), outputs, version=BLOCK_VERSION, time=time, bits=genesis.header.bits
    )
    proved = Header(bare.header.raw[:-4] + NONCE.to_bytes(4, "little"))
    return Block.build(proved, bare.transactions)


def test_the_blocks_of_a_signet_satisfy_its_challenge() -> None:
    with kernel_of(signet_of(OP_TRUE)) as kernel:
        assert kernel.process_block(unsigned_block().raw).verdict == Accepted()
        assert kernel.tip()[1] == 1
    for network in (signet_of(OP_FALSE), SIGNET):
        with kernel_of(network) as kernel:
            assert reason(kernel, unsigned_block()) == "bad-signet-blksig"


def on(parent: HeaderEntry, *, version: int = BLOCK_VERSION, segwit: bool = False) -> Block:
    block = mine(
        assemble(
            parent,
            (),
            [TxOut(0, OP_TRUE)],
            version=version,
            time=parent.time + 1,
            bits=parent.header.bits,
            segwit=segwit,
        ),
        1_000,
    )
    assert block is not None
    return block


def test_rules_of_regtest_hold_from_the_height_that_was_ordered() -> None:
    network = replace(REGTEST, segwit_height=2, bip66_height=3, bip65_height=3)
    tree = HeaderTree(network)
    with kernel_of(network) as kernel:
        assert reason(kernel, on(tree.genesis, segwit=True)) == "unexpected-witness"
        first = on(tree.genesis, version=2)
        assert reason(kernel, first) is None
        entry = tree.add(first.header, 1 << 62)
        assert isinstance(entry, HeaderEntry)
        assert reason(kernel, on(entry, version=2)) == "bad-witness-nonce-size"
        second = on(entry, version=2, segwit=True)
        assert reason(kernel, second) is None
        entry = tree.add(second.header, 1 << 62)
        assert isinstance(entry, HeaderEntry)
        assert reason(kernel, on(entry, version=2, segwit=True)) == "bad-version(0x00000002)"
        assert isinstance(tree.add(on(entry, version=2).header, 1 << 62), Rejected)
        assert reason(kernel, on(entry, segwit=True)) is None
    with kernel_of(REGTEST) as kernel:
        assert reason(kernel, first) == "bad-version(0x00000002)"


def test_a_build_that_knows_the_networks_only_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "chain_parameters_signet", None)
    monkeypatch.setattr(library, "chain_parameters_regtest", None)
    for network in (signet_of(OP_TRUE), replace(REGTEST, csv_height=9)):
        with pytest.raises(KernelError, match="knows the networks only as they are"):
            chainparams.create(network)
    library.chain_parameters_destroy(chainparams.create(SIGNET))
