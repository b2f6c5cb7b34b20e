"""btclib-node, a full node in Python that speaks nothing but encrypted connections (BIP 324).

It needs Python 3.14. Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.primitives.hashes import Txid, from_hex
from axon.primitives.transaction import TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BtclibProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
BLOCKS = 110
LIMIT_S = 60.0
FEE_SAT = 10_000


@pytest.fixture(scope="module")
def axon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with a chain, ten coinbases of which Alice may spend."""
    BtclibProcess.require()
    folder = tmp_path_factory.mktemp("axon")
    with NodeProcess("axon", folder, options=("-connect=0",)).start() as axon:
        axon.rpc("generatetoaddress", BLOCKS, ALICE.address())
        yield axon


@pytest.fixture(scope="module")
def btclib(axon: NodeProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BtclibProcess]:
    """The other node, which dials axon and has come to its tip."""
    with BtclibProcess(tmp_path_factory.mktemp("btclib"), dials=axon.p2p) as btclib:
        wait_until(lambda: btclib.tip() == axon.tip(), LIMIT_S, "btclib-node follows")
        yield btclib


def test_it_dials_encrypted_and_takes_the_chain(axon: NodeProcess, btclib: BtclibProcess) -> None:
    (peer,) = axon.rpc("getpeerinfo")
    (back,) = btclib.rpc("getpeerinfo")
    assert btclib.mark in peer["subver"]
    assert (peer["inbound"], peer["transport_protocol_type"]) == (True, "v2")
    assert peer["session_id"] == back["session_id"] != ""
    assert btclib.rpc("getblockhash", BLOCKS) == axon.rpc("getblockhash", BLOCKS)


def test_a_payment_and_its_block_reach_it(axon: NodeProcess, btclib: BtclibProcess) -> None:
    coinbase = axon.rpc("getblock", axon.rpc("getblockhash", 1), 2)["tx"][0]
    amount_sat = int(coinbase["vout"][0]["value"] * 10**8)
    coin = Spendable(outpoint(Txid(from_hex(coinbase["txid"])), 0), amount_sat)
    payment = ALICE.pay([coin], [TxOut(amount_sat - FEE_SAT, BOB.script)])
    txid = axon.rpc("sendrawtransaction", payment.raw.hex())
    wait_until(lambda: txid in btclib.rpc("getrawmempool"), LIMIT_S, "it hears of the payment")
    (block,) = axon.rpc("generatetoaddress", 1, BOB.address())
    wait_until(lambda: btclib.tip() == block, LIMIT_S, "it hears of the block")
    assert btclib.rpc("getrawmempool") == []


def test_axon_dials_it_and_takes_its_block(
    axon: NodeProcess, btclib: BtclibProcess, tmp_path: Path
) -> None:
    with NodeProcess("late", tmp_path, options=("-connect=0",)).start() as late:
        late.rpc("addnode", str(btclib.p2p), "onetry")
        wait_until(lambda: late.tip() == btclib.tip(), LIMIT_S, "a late axon follows")
        (peer,) = late.rpc("getpeerinfo")
        assert (peer["inbound"], peer["transport_protocol_type"]) == (False, "v2")
        (block,) = btclib.mine(1, BOB)
        wait_until(lambda: late.tip() == block, LIMIT_S, "who dialled it hears of its block")
        wait_until(lambda: axon.tip() == block, LIMIT_S, "whom it dialled hears of it, too")
