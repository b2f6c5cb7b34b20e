"""What a node knows beyond its active chain, and what it does when its disk fails under it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from axon.primitives.hashes import to_hex
from axon.primitives.header import Header
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import NodeFailed
from tests.process.blocks import block_on_tip, headers_on
from tests.process.conftest import ALICE, Grown, ledger_of

pytestmark = pytest.mark.process


def tips(node: NodeProcess) -> dict[str, str]:
    return {tip["hash"]: tip["status"] for tip in node.rpc("getchaintips")}


@pytest.mark.parametrize("end", [NodeProcess.stop, NodeProcess.kill])
def test_an_invalid_block_stays_invalid(
    grown_node: NodeProcess, end: Callable[[NodeProcess], object]
) -> None:
    node = grown_node.start()
    height, block = node.height(), block_on_tip(node, 10**10)
    assert node.rpc("submitblock", block.raw.hex()) == "bad-cb-amount"
    expected = {node.tip(): "active", to_hex(block.hash): "invalid"}
    assert tips(node) == expected
    end(node)
    node.start()
    assert tips(node) == expected
    assert node.rpc("submitblock", block.raw.hex()) == "duplicate-invalid"
    assert node.rpc("getblockchaininfo")["headers"] == height
    assert node.stop() == 0


def test_a_longer_branch_of_headers_hides_no_block(grown_node: NodeProcess, grown: Grown) -> None:
    node = grown_node.start()
    fork = node.rpc("getblockheader", node.rpc("getblockhash", node.height() - 5), False)
    branch = headers_on(Header(bytes.fromhex(fork)), 10)
    for header in branch:
        node.rpc("submitheader", header.raw.hex())
    expected = {node.tip(): "active", to_hex(branch[-1].hash): "headers-only"}
    assert tips(node) == expected
    assert node.stop() == 0
    (node.network_folder / "indexes" / "headers.dat").unlink()
    node.start()
    assert tips(node) == expected
    assert ledger_of(node) == grown.ledger
    assert node.stop() == 0
    assert node.errors() == ""


def test_a_disk_that_takes_no_blocks_ends_the_node_in_order(
    grown_node: NodeProcess, grown: Grown
) -> None:
    node = grown_node.start()
    blocks = node.network_folder / "blocks"
    blocks.rename(blocks.with_name("elsewhere"))
    blocks.write_text("a file stands where the folder was")
    with pytest.raises((NodeFailed, RpcError)):
        node.rpc("generatetoaddress", 1, ALICE.address())
    assert node.left() == 1
    (line,) = node.errors().splitlines()
    assert line.startswith("Error: ")
    assert not (node.network_folder / ".cookie").exists()
    blocks.unlink()
    blocks.with_name("elsewhere").rename(blocks)
    node.start()
    assert ledger_of(node) == grown.ledger
    assert frozenset(node.rpc("getrawmempool")) == grown.pool
    node.rpc("generatetoaddress", 1, ALICE.address())
    assert node.stop() == 0
    assert node.errors() == ""


def test_a_file_that_cannot_be_written_at_the_end_is_named(grown_node: NodeProcess) -> None:
    node = grown_node.start()
    (node.network_folder / "mempool.dat.new").mkdir()
    assert node.stop() == 1
    (line,) = node.errors().splitlines()
    assert line.startswith("Error: ")
    assert "mempool.dat" in line
