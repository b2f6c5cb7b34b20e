"""axon and full nodes that others wrote keep one ledger: bcoin, and Bitcoin Core where it is there.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import SEGWIT_HEIGHT, BcoinProcess, BitcoindProcess, ForeignNode

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
FIRST_BLOCKS = 440  # Enough for bcoin to know segwit, see SEGWIT_HEIGHT.
SYNC_LIMIT_S = 60.0
RELAY_LIMIT_S = 60.0  # Transactions trickle: a few seconds on average, at times ten times that.
FEE_SAT = 10_000
ALONE = ("-connect=0",)


class Pair:
    """A foreign node that mined the first blocks for Alice, and an axon node that dials it."""

    def __init__(self, foreign: ForeignNode, axon: NodeProcess) -> None:
        self.foreign, self.axon = foreign, axon
        self._heights = count(1)

    def payment(self) -> Transaction:
        """Alice pays Bob one of her coinbases, each time another."""
        block = self.foreign.block(self.foreign.rpc("getblockhash", next(self._heights)))
        (coinbase,) = block.transactions
        amount_sat = coinbase.outputs[0].amount_sat
        coin = Spendable(outpoint(coinbase.txid, 0), amount_sat)
        return ALICE.pay([coin], [TxOut(amount_sat - FEE_SAT, BOB.script)])

    def block_of_axon(self, hash_hex: str) -> Block:
        """A block as axon holds it."""
        return Block.decode(bytes.fromhex(self.axon.rpc("getblock", hash_hex, 0)))

    def are_linked(self) -> bool:
        """Whether they have shaken hands."""
        return any(self.foreign.mark in peer["subver"] for peer in self.axon.rpc("getpeerinfo"))

    def have_one_tip(self) -> bool:
        """Whether both stand on the same block."""
        return self.axon.tip() == self.foreign.tip()

    def connect(self) -> None:
        """Let axon dial the other."""
        # Who knows no keys, and does not hang up on one either, must be named as such.
        self.axon.rpc("addnode", str(self.foreign.p2p), "onetry", self.foreign.transport == "v2")
        wait_until(self.are_linked, SYNC_LIMIT_S, "they shake hands")

    def part(self) -> None:
        """End their connections."""
        for peer in self.axon.rpc("getpeerinfo"):
            self.axon.rpc("disconnectnode", nodeid=peer["id"])
        wait_until(lambda: not self.foreign.rpc("getpeerinfo"), SYNC_LIMIT_S, "they part")


@pytest.fixture(scope="module", params=[BcoinProcess, BitcoindProcess])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    kind: type[ForeignNode] = request.param
    kind.require()
    folder = tmp_path_factory.mktemp("pair")
    with kind(folder / "foreign") as foreign:
        foreign.mine(FIRST_BLOCKS, ALICE)
        with NodeProcess("axon", folder / "axon", options=ALONE).start() as axon:
            pair = Pair(foreign, axon)
            pair.connect()
            wait_until(pair.have_one_tip, SYNC_LIMIT_S, "axon follows")
            yield pair


def test_axon_dials_and_takes_the_chain(pair: Pair) -> None:
    (peer,) = pair.axon.rpc("getpeerinfo")
    assert pair.foreign.mark in peer["subver"]
    assert not peer["inbound"]
    assert peer["transport_protocol_type"] == pair.foreign.transport
    if peer["session_id"]:
        (back,) = pair.foreign.rpc("getpeerinfo")
        assert back["session_id"] == peer["session_id"]
    told = pair.axon.rpc("getblockchaininfo")
    assert told["blocks"] >= FIRST_BLOCKS > SEGWIT_HEIGHT
    assert told["initialblockdownload"] is False
    for height in (1, SEGWIT_HEIGHT - 1, SEGWIT_HEIGHT, FIRST_BLOCKS):
        hash_hex = pair.foreign.rpc("getblockhash", height)
        assert pair.axon.rpc("getblockhash", height) == hash_hex
        assert pair.block_of_axon(hash_hex) == pair.foreign.block(hash_hex)


def test_a_foreign_node_dials_axon_and_takes_its_chain(pair: Pair, tmp_path: Path) -> None:
    with type(pair.foreign)(tmp_path, dials=pair.axon.p2p) as late:
        wait_until(lambda: late.tip() == pair.axon.tip(), SYNC_LIMIT_S, "a late node follows")
        assert any(
            late.mark in peer["subver"]
            and peer["inbound"]
            and peer["transport_protocol_type"] == late.transport
            for peer in pair.axon.rpc("getpeerinfo")
        )
        (block,) = pair.axon.rpc("generatetoaddress", 1, BOB.address())
        wait_until(lambda: late.tip() == block, SYNC_LIMIT_S, "a late node hears of a block")
        wait_until(pair.have_one_tip, SYNC_LIMIT_S, "so does the first")


def test_axon_without_encryption_is_dialled_and_dials(pair: Pair, tmp_path: Path) -> None:
    options = (*ALONE, "-v2transport=0")
    with NodeProcess("plain", tmp_path, options=options).start() as plain:
        pair.foreign.rpc("addnode", str(plain.p2p), "onetry")  # Perhaps with a key, then without.
        wait_until(lambda: plain.tip() == pair.foreign.tip(), SYNC_LIMIT_S, "it follows")
        (peer,) = plain.rpc("getpeerinfo")
        assert (peer["inbound"], peer["transport_protocol_type"]) == (True, "v1")
        plain.rpc("disconnectnode", nodeid=peer["id"])
        wait_until(lambda: not plain.rpc("getpeerinfo"), SYNC_LIMIT_S, "they part")
        plain.rpc("addnode", str(pair.foreign.p2p), "onetry")
        wait_until(
            lambda: any(not each["inbound"] and each["version"] for each in plain.peers()),
            SYNC_LIMIT_S,
            "it dials",
        )


def test_axon_that_is_dialled_takes_the_chain(pair: Pair, tmp_path: Path) -> None:
    with NodeProcess("late", tmp_path, options=ALONE).start() as late:
        pair.foreign.rpc("addnode", str(late.p2p), "onetry")
        wait_until(lambda: late.tip() == pair.foreign.tip(), SYNC_LIMIT_S, "a late axon follows")
        (peer,) = late.rpc("getpeerinfo")
        assert peer["inbound"]
        (block,) = pair.foreign.mine(1, BOB)
        wait_until(lambda: late.tip() == block, SYNC_LIMIT_S, "a late axon hears of a block")
        wait_until(pair.have_one_tip, SYNC_LIMIT_S, "so does the first")


def test_a_payment_sent_elsewhere_enters_the_pool_and_a_block_of_axon(pair: Pair) -> None:
    payment = pair.payment()
    assert payment.has_witness
    txid = to_hex(payment.txid)
    assert pair.foreign.rpc("sendrawtransaction", payment.raw.hex()) == txid
    wait_until(lambda: txid in pair.axon.rpc("getrawmempool"), RELAY_LIMIT_S, "axon's pool")
    assert pair.axon.rpc("getrawtransaction", txid) == payment.raw.hex()
    assert pair.axon.rpc("getmempoolentry", txid)["wtxid"] == to_hex(payment.wtxid)

    (hash_hex,) = pair.axon.rpc("generatetoaddress", 1, BOB.address())
    wait_until(lambda: pair.foreign.tip() == hash_hex, SYNC_LIMIT_S, "axon's block is taken")
    block = pair.foreign.block(hash_hex)
    assert payment in block.transactions
    assert witness_commitment(block) is not None
    assert block == pair.block_of_axon(hash_hex)
    assert pair.foreign.rpc("getrawmempool") == pair.axon.rpc("getrawmempool") == []


def test_a_payment_sent_to_axon_enters_the_pool_and_a_block_elsewhere(pair: Pair) -> None:
    payment = pair.payment()
    txid = to_hex(payment.txid)
    assert pair.axon.rpc("sendrawtransaction", payment.raw.hex()) == txid
    wait_until(lambda: txid in pair.foreign.rpc("getrawmempool"), RELAY_LIMIT_S, "the other pool")
    assert pair.foreign.rpc("getrawtransaction", txid) == payment.raw.hex()

    (hash_hex,) = pair.foreign.mine(1, BOB)
    wait_until(lambda: pair.axon.tip() == hash_hex, SYNC_LIMIT_S, "axon takes the block")
    block = pair.block_of_axon(hash_hex)
    assert payment in block.transactions
    assert witness_commitment(block) is not None
    assert block == pair.foreign.block(hash_hex)
    assert pair.foreign.rpc("getrawmempool") == pair.axon.rpc("getrawmempool") == []
    coin = pair.axon.rpc("gettxout", txid, 0)
    assert coin["scriptPubKey"]["address"] == BOB.address(REGTEST)


def test_the_other_gives_way_to_more_work_of_axon(pair: Pair) -> None:
    pair.part()
    lost = pair.foreign.mine(2, BOB)
    pair.axon.rpc("generatetoaddress", 2, ALICE.address())
    pair.connect()
    assert pair.foreign.tip() == lost[-1]
    # bcoin asks a peer that dialled it for blocks only once that announces one.
    (won,) = pair.axon.rpc("generatetoaddress", 1, ALICE.address())
    wait_until(pair.have_one_tip, SYNC_LIMIT_S, "they agree")
    assert pair.foreign.tip() == won


def test_axon_gives_way_to_more_work_of_the_other(pair: Pair) -> None:
    pair.part()
    payment = pair.payment()
    txid = to_hex(payment.txid)
    pair.axon.rpc("sendrawtransaction", payment.raw.hex())
    lost = pair.axon.rpc("generatetoaddress", 2, BOB.address())
    assert payment in pair.block_of_axon(lost[0]).transactions
    won = pair.foreign.mine(3, ALICE)
    pair.connect()
    wait_until(pair.have_one_tip, SYNC_LIMIT_S, "they agree")
    assert pair.axon.tip() == won[-1]
    told = {tip["hash"]: tip["status"] for tip in pair.axon.rpc("getchaintips")}
    assert (told[won[-1]], told[lost[-1]]) == ("active", "valid-fork")
    # The payment has lost its block, so it waits again.
    wait_until(lambda: txid in pair.axon.rpc("getrawmempool"), RELAY_LIMIT_S, "axon's pool")
