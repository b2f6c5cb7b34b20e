"""Networks made to order, as libbitcoinkernel validates them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.consensus import chainparams, library
from axon.consensus.kernel import Kernel
from axon.consensus.library import KernelError
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.network import REGTEST, SIGNET, Network, signet_of
from axon.primitives.transaction import Transaction
from axon.primitives.verdict import Accepted, Rejected
from tests.consensus.chains import GENESIS, coinbase, committed, mine

VERSION = 0x2000_0000
NOW = 1 << 62
OP_TRUE, OP_FALSE = b"\x51", b"\x00"
NONCE = 473_873
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


def unsigned_block(nonce: int = NONCE) -> Block:
    """A block without a signature, for whom none is needed."""
    genesis = SIGNET.genesis.header
    first = committed(coinbase(1), ())
    header = Header.build(
        VERSION, genesis.hash, first.txid, genesis.time + 600, genesis.bits, nonce
    )
    return Block.build(header, [first])


def test_the_blocks_of_a_signet_satisfy_its_challenge() -> None:
    with kernel_of(signet_of(OP_TRUE)) as kernel:
        assert kernel.process_block(unsigned_block().raw).verdict == Accepted()
        assert kernel.tip()[1] == 1
    for network in (signet_of(OP_FALSE), SIGNET):
        with kernel_of(network) as kernel:
            assert reason(kernel, unsigned_block()) == "bad-signet-blksig"


def on(block: Block, height: int, *, version: int = VERSION, segwit: bool = False) -> Block:
    """The block of this height on another; it always has an output that looks like a commitment."""
    first = committed(coinbase(height), ())
    bare = first if segwit else Transaction.decode(first.stripped)
    return mine(block.hash, [bare], block.header.time + 1, version)


def test_rules_of_regtest_hold_from_the_height_that_was_ordered() -> None:
    network = replace(REGTEST, segwit_height=2, bip66_height=3, bip65_height=3)
    with kernel_of(network) as kernel:
        assert reason(kernel, on(GENESIS, 1, segwit=True)) == "unexpected-witness"
        first = on(GENESIS, 1, version=2)
        assert reason(kernel, first) is None
        assert reason(kernel, on(first, 2, version=2)) == "bad-witness-nonce-size"
        second = on(first, 2, version=2, segwit=True)
        assert reason(kernel, second) is None
        third = on(second, 3, version=2, segwit=True)
        assert reason(kernel, third) == "bad-version(0x00000002)"
        assert reason(kernel, on(second, 3, segwit=True)) is None
    tree = HeaderTree(network)
    for block in (first, second):
        assert isinstance(tree.add(block.header, NOW), HeaderEntry)
    assert isinstance(tree.add(third.header, NOW), Rejected)
    with kernel_of(REGTEST) as kernel:
        assert reason(kernel, first) == "bad-version(0x00000002)"


def test_a_build_that_knows_the_networks_only_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "chain_parameters_signet", None)
    monkeypatch.setattr(library, "chain_parameters_regtest", None)
    for network in (signet_of(OP_TRUE), replace(REGTEST, csv_height=9)):
        with pytest.raises(KernelError, match="knows the networks only as they are"):
            chainparams.create(network)
    library.chain_parameters_destroy(chainparams.create(SIGNET))
