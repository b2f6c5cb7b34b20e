"""A light client that others wrote, served by bloom filters (BIP 37): bcoin's `spvnode`.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BcoinLightProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
BCOINS = replace(REGTEST, bech32_hrp="rb")
LIMIT_S = 60.0
FEE_SAT = 10_000


@pytest.fixture(scope="module")
def axon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that offers bloom filters and has 110 blocks, ten of which Alice may spend."""
    BcoinLightProcess.require()
    options = ("-connect=0", "-peerbloomfilters")
    with NodeProcess("axon", tmp_path_factory.mktemp("axon"), options=options).start() as axon:
        axon.rpc("generatetoaddress", 110, ALICE.address())
        yield axon


@pytest.fixture(scope="module")
def light(
    axon: NodeProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BcoinLightProcess]:
    """The light client, which has come to the node's tip."""
    with BcoinLightProcess(tmp_path_factory.mktemp("light"), dials=axon.p2p) as light:
        wait_until(lambda: light.tip() == axon.tip(), LIMIT_S, "the light client follows")
        yield light


def payment(axon: NodeProcess, height: int, script: bytes) -> Transaction:
    """Alice pays a coinbase of hers to a script."""
    raw = axon.rpc("getblock", axon.rpc("getblockhash", height), 0)
    (coinbase,) = Block.decode(bytes.fromhex(raw)).transactions
    amount_sat = coinbase.outputs[0].amount_sat
    coin = Spendable(outpoint(coinbase.txid, 0), amount_sat)
    return ALICE.pay([coin], [TxOut(amount_sat - FEE_SAT, script)])


def balance(light: BcoinLightProcess) -> int:
    """What its wallet has, confirmed, in satoshi."""
    return int(Decimal(str(light.wallet.call("getbalance"))) * COIN)


def sent(axon: NodeProcess, command: str) -> int:
    """Bytes of a kind of message that the node has sent to its only peer."""
    (peer,) = axon.rpc("getpeerinfo")
    counts: dict[str, Any] = peer["bytessent_per_msg"]
    return int(counts.get(command, 0))


def test_it_syncs_by_filtered_blocks_and_is_given_no_whole_one(
    axon: NodeProcess, light: BcoinLightProcess
) -> None:
    assert int(light.rpc("getblockcount")) == 110
    assert "BLOOM" in axon.rpc("getnetworkinfo")["localservicesnames"]
    assert sent(axon, "merkleblock") > 110 * 100
    assert sent(axon, "block") == sent(axon, "tx") == 0


def test_it_sees_a_payment_to_it_and_no_other_and_its_block(
    axon: NodeProcess, light: BcoinLightProcess
) -> None:
    ours, other = payment(axon, 1, light.new_script()), payment(axon, 2, BOB.script)
    for paid in (other, ours):
        axon.rpc("sendrawtransaction", paid.raw.hex())

    def is_seen() -> bool:
        known = light.wallet.call("listtransactions")
        return any(item["txid"] == to_hex(ours.txid) for item in known)

    wait_until(is_seen, LIMIT_S, "the light client hears of its payment")
    seen_bytes = sent(axon, "tx")
    assert seen_bytes == 24 + len(ours.raw)  # It asks for witnesses.
    assert balance(light) == 0
    axon.rpc("generatetoaddress", 1, BOB.address())
    amount_sat = ours.outputs[0].amount_sat
    wait_until(lambda: balance(light) == amount_sat, LIMIT_S, "it is confirmed")
    assert sent(axon, "tx") == seen_bytes + 24 + len(ours.stripped)


def test_it_pays_through_the_node(axon: NodeProcess, light: BcoinLightProcess) -> None:
    before_sat = balance(light)
    txid = light.wallet.call("sendtoaddress", BOB.address(BCOINS), 1)
    wait_until(lambda: txid in axon.rpc("getrawmempool"), LIMIT_S, "the node has its payment")
    axon.rpc("generatetoaddress", 1, ALICE.address())
    wait_until(lambda: light.tip() == axon.tip(), LIMIT_S, "it follows")
    wait_until(lambda: 0 < balance(light) < before_sat - COIN, LIMIT_S, "its change is confirmed")
