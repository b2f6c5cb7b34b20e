"""The light client of BDK, written in Rust, served by axon (BIP 157, BIP 158).

Waits for another process and for a thread; each wait has a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable

bdk: Any = pytest.importorskip("bdkpython", reason="bdkpython, BDK's light client, is absent")

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
CAROL_ENTROPY = bytes(16)
UPDATE_LIMIT_S = 60.0
MATURITY = 100
FEE_SAT = 10_000
DESCRIPTORS = {"witness": bdk.Descriptor.new_bip84, "taproot": bdk.Descriptor.new_bip86}


def carols_wallet(descriptor: Callable[..., Any]) -> Any:
    """A new wallet of BDK, with keys from Carol's mnemonic."""
    kind = bdk.NetworkKind.TEST
    key = bdk.DescriptorSecretKey(kind, bdk.Mnemonic.from_entropy(CAROL_ENTROPY), None)
    receive = descriptor(key, bdk.KeychainKind.EXTERNAL, kind)
    change = descriptor(key, bdk.KeychainKind.INTERNAL, kind)
    return bdk.Wallet(receive, change, bdk.Network.REGTEST, bdk.Persister.new_in_memory())


@asynccontextmanager
async def client_of(
    node: NodeProcess, wallet: Any, folder: Path, *, v2: bool
) -> AsyncIterator[Any]:
    """A light client that knows this node only; it runs in a thread of its own."""
    host = bdk.IpAddress.from_ipv4(*map(int, node.p2p.host.split(".")))
    peer = bdk.Peer(address=host, port=node.p2p.port, v2_transport=v2)
    builder = bdk.CbfBuilder().connections(1).only_configured_peers().data_dir(str(folder))
    parts = builder.peers([peer]).scan_type(bdk.ScanType.SYNC()).build(wallet)
    parts.node.run()
    try:
        yield parts.client
    finally:
        parts.client.shutdown()


async def updated(client: Any, wallet: Any, height: int) -> None:
    """Let the wallet follow up to a height."""
    async with asyncio.timeout(UPDATE_LIMIT_S):
        while wallet.latest_checkpoint().height < height:
            wallet.apply_update(await client.update())


def pay(node: NodeProcess, height: int, script: bytes, amount_sat: int) -> str:
    """Spend Alice's coinbase of a height and mine a block with it; the txid."""
    block = Block.decode(bytes.fromhex(node.rpc("getblock", node.rpc("getblockhash", height), 0)))
    coin = outpoint(block.transactions[0].txid, 0)
    value_sat = block.transactions[0].outputs[0].amount_sat
    outputs = [
        TxOut(amount_sat, script),
        TxOut(value_sat - amount_sat - FEE_SAT, ALICE.script),
    ]
    txid = node.rpc(
        "sendrawtransaction", ALICE.pay([Spendable(coin, value_sat)], outputs).raw.hex()
    )
    node.rpc("generatetoaddress", 1, ALICE.address())
    return str(txid)


def _txids(wallet: Any) -> set[str]:
    return {str(found.transaction.compute_txid()) for found in wallet.transactions()}


@pytest.mark.parametrize(("kind", "transport"), [("witness", "v2"), ("taproot", "v1")])
def test_a_light_client_finds_its_payments_and_pays(
    tmp_path: Path, kind: str, transport: str
) -> None:
    folder, options = tmp_path / "light", ("-connect=0",)
    folder.mkdir()
    with NodeProcess("axon", tmp_path / "axon", options=options).start() as node:
        asyncio.run(_find_and_pay(node, carols_wallet(DESCRIPTORS[kind]), folder, transport))


async def _find_and_pay(node: NodeProcess, wallet: Any, folder: Path, transport: str) -> None:
    def receiving_script() -> bytes:
        address = wallet.reveal_next_address(bdk.KeychainKind.EXTERNAL).address
        return bytes(address.script_pubkey().to_bytes())

    node.rpc("generatetoaddress", MATURITY + 2, ALICE.address())
    before = pay(node, 1, receiving_script(), 2 * COIN)
    node.rpc("generatetoaddress", 20, ALICE.address())

    async with client_of(node, wallet, folder, v2=transport == "v2") as client:
        await updated(client, wallet, node.height())
        assert [each["transport_protocol_type"] for each in node.peers()] == [transport]
        assert str(wallet.latest_checkpoint().hash) == node.tip()
        assert [str(found.transaction.compute_txid()) for found in wallet.transactions()] == [
            before
        ]
        assert wallet.balance().confirmed.to_sat() == 2 * COIN

        after = pay(node, 2, receiving_script(), 3 * COIN)
        await updated(client, wallet, node.height())
        assert _txids(wallet) == {before, after}
        assert wallet.balance().confirmed.to_sat() == 5 * COIN

        builder = bdk.TxBuilder().add_recipient(
            bdk.Script(BOB.script), bdk.Amount.from_sat(4 * COIN)
        )
        psbt = builder.fee_rate(bdk.FeeRate.from_sat_per_vb(5)).finish(wallet)
        assert wallet.sign(psbt)
        signed = psbt.extract_tx()
        payment = Transaction.decode(bytes(signed.serialize()))
        assert len(payment.inputs) == 2
        async with asyncio.timeout(UPDATE_LIMIT_S):
            await client.broadcast(signed)
        txid = to_hex(payment.txid)
        await asyncio.to_thread(
            wait_until, lambda: txid in node.rpc("getrawmempool"), UPDATE_LIMIT_S, "axon's pool"
        )
        (hash_hex,) = node.rpc("generatetoaddress", 1, ALICE.address())
        mined = Block.decode(bytes.fromhex(node.rpc("getblock", hash_hex, 0)))
        assert payment in mined.transactions

        await updated(client, wallet, node.height())
        fee_sat = 5 * COIN - sum(output.amount_sat for output in payment.outputs)
        assert wallet.balance().confirmed.to_sat() == COIN - fee_sat
        position = wallet.tx_details(signed.compute_txid()).chain_position
        assert position.is_confirmed()
        assert node.rpc("gettxout", txid, 0)["confirmations"] == 1
