"""axon's wallet among programs that others wrote: bcoin's full node, BDK's light client.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from axon.drivers.aio.walletfile import SqliteStore
from axon.host.lightwallet import WALLET_FILE, light_wallet
from axon.host.settings import LightSettings
from axon.machine import Endpoint
from axon.node.commands import SendTransaction
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import from_hex, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.rpc.walletdaemon import WalletDaemon
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from axon.wallet.keys import AccountKind, from_words, new_words
from axon.wallet.payment import Payee, draft
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet
from tests.interop.foreign import BcoinProcess
from tests.interop.test_bdk import carols_wallet, client_of, updated

bdk: Any = pytest.importorskip("bdkpython", reason="bdkpython, BDK's light client, is absent")

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE, BOB = Signer("Alice"), Signer("Bob")
PASSPHRASE = "correct horse"
LIMIT_S = 60.0
FEE_SAT = 10_000
FIRST_BLOCKS = 440

T = TypeVar("T")


@dataclass(frozen=True)
class Do(Generic[T]):
    """A function as a wallet's command; what a test asks needs no class of its own."""

    function: Callable[[Wallet], T]

    def run(self, wallet: Wallet) -> T:
        """Call it."""
        return self.function(wallet)


@asynccontextmanager
async def wallet_on(folder: Path, *peers: Endpoint) -> AsyncIterator[WalletDaemon]:
    """A new wallet that dials these nodes and no other."""
    options = LightSettings(network=REGTEST, folder=folder, connect=peers)
    options.wallet_folder("wallet").mkdir(parents=True)
    store = SqliteStore(options.wallet_folder("wallet") / WALLET_FILE)
    words = new_words(bytes(range(16)))
    source = from_words(
        words, REGTEST, AccountKind.BIP84, PASSPHRASE, bytes(16), bytes(12), log_n=10
    )
    Wallet.create(store, REGTEST, source, birthday_s=0)
    store.close()
    async with light_wallet(options, "wallet") as wallet:
        daemon = wallet.daemon
        yield daemon


async def until(daemon: WalletDaemon, condition: Callable[[Wallet], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await daemon.ask(Do(condition)):  # noqa: ASYNC110 (the wallet tells nobody)
            await asyncio.sleep(0.05)


async def pay(daemon: WalletDaemon, address: str, amount_sat: int) -> str:
    """A payment from the wallet, on its way; its txid."""

    def signed(wallet: Wallet) -> Transaction:
        made = draft(wallet, [Payee(address, amount_sat)], feerate_sat_kvb=5_000)
        payment = sign(wallet, made, PASSPHRASE)
        assert isinstance(payment, Transaction)
        wallet.record_sent(payment, daemon.now_s)
        return payment

    payment = await daemon.ask(Do(signed))
    await daemon.command(SendTransaction(payment))
    return to_hex(payment.txid)


def coin_of(block: Block) -> Spendable:
    coinbase = block.transactions[0]
    return Spendable(outpoint(coinbase.txid, 0), coinbase.outputs[0].amount_sat)


def alice_pays(coin: Spendable, script: bytes, amount_sat: int) -> Transaction:
    rest_sat = coin.amount_sat - amount_sat - FEE_SAT
    return ALICE.pay([coin], [TxOut(amount_sat, script), TxOut(rest_sat, ALICE.script)])


def script_of(wallet: Wallet) -> bytes:
    return decode_address(wallet.new_address(), REGTEST)


def test_a_wallet_among_bcoin_and_axon(tmp_path: Path) -> None:
    BcoinProcess.require()
    with BcoinProcess(tmp_path / "bcoin") as bcoin:
        bcoin.mine(FIRST_BLOCKS, ALICE)
        with NodeProcess("axon", tmp_path / "axon", options=("-connect=0",)).start() as axon:
            axon.rpc("addnode", str(bcoin.p2p), "onetry", False)
            wait_until(lambda: axon.tip() == bcoin.tip(), LIMIT_S, "axon follows")
            asyncio.run(_between(bcoin, axon, tmp_path / "light"))


async def _between(bcoin: BcoinProcess, axon: NodeProcess, folder: Path) -> None:
    async with wallet_on(folder, bcoin.p2p, axon.p2p) as daemon:
        assert await daemon.synced(LIMIT_S)
        assert await daemon.wait_for(lambda: len(daemon.node.sessions) == 2, LIMIT_S)
        script = await daemon.ask(Do(script_of))
        coin = coin_of(bcoin.block(bcoin.rpc("getblockhash", 1)))
        payment = alice_pays(coin, script, 3 * COIN)
        bcoin.rpc("sendrawtransaction", payment.raw.hex())
        await until(daemon, lambda wallet: wallet.balance().untrusted_pending_sat == 3 * COIN)
        await asyncio.to_thread(bcoin.mine, 1, BOB)
        await until(daemon, lambda wallet: wallet.balance().confirmed_sat == 3 * COIN)
        proof = await daemon.ask(Do(lambda wallet: wallet.proof(payment.txid)))
        assert to_hex(payment.txid) in axon.rpc("verifytxoutproof", proof.hex())

        txid = await pay(daemon, BOB.address(), COIN)
        await asyncio.to_thread(
            wait_until, lambda: txid in bcoin.rpc("getrawmempool"), LIMIT_S, "bcoin's pool"
        )
        await asyncio.to_thread(bcoin.mine, 1, BOB)
        await until(daemon, lambda wallet: txid_confirmed(wallet, txid))
        balance = await daemon.ask(Do(lambda wallet: wallet.balance()))
        assert 2 * COIN - FEE_SAT < balance.confirmed_sat < 2 * COIN


def txid_confirmed(wallet: Wallet, txid: str) -> bool:
    return any(item.txid == from_hex(txid) and item.confirmations for item in wallet.history())


def test_it_pays_and_is_paid_by_a_wallet_of_bdk(tmp_path: Path) -> None:
    folder = tmp_path / "kyoto"
    folder.mkdir()
    with NodeProcess("axon", tmp_path / "axon", options=("-connect=0",)).start() as node:
        node.rpc("generatetoaddress", 102, ALICE.address())
        asyncio.run(_back_and_forth(node, tmp_path / "light", folder))


async def _back_and_forth(node: NodeProcess, light: Path, kyoto: Path) -> None:
    carol = carols_wallet(bdk.Descriptor.new_bip84)
    async with (
        wallet_on(light, node.p2p) as daemon,
        client_of(node, carol, kyoto, v2=True) as client,
    ):
        assert await daemon.synced(LIMIT_S)
        script = await daemon.ask(Do(script_of))
        block = Block.decode(bytes.fromhex(node.rpc("getblock", node.rpc("getblockhash", 1), 0)))
        payment = alice_pays(coin_of(block), script, 5 * COIN)
        node.rpc("sendrawtransaction", payment.raw.hex())
        node.rpc("generatetoaddress", 1, ALICE.address())
        await until(daemon, lambda wallet: wallet.balance().confirmed_sat == 5 * COIN)

        hers = carol.reveal_next_address(bdk.KeychainKind.EXTERNAL).address
        txid = await pay(daemon, str(hers), 2 * COIN)
        await asyncio.to_thread(
            wait_until, lambda: txid in node.rpc("getrawmempool"), LIMIT_S, "the node's pool"
        )
        node.rpc("generatetoaddress", 1, ALICE.address())
        await updated(client, carol, node.height())
        assert carol.balance().confirmed.to_sat() == 2 * COIN
        await until(daemon, lambda wallet: txid_confirmed(wallet, txid))

        script = await daemon.ask(Do(script_of))
        builder = bdk.TxBuilder().add_recipient(bdk.Script(script), bdk.Amount.from_sat(COIN))
        psbt = builder.fee_rate(bdk.FeeRate.from_sat_per_vb(5)).finish(carol)
        assert carol.sign(psbt)
        before = await daemon.ask(Do(lambda wallet: wallet.balance().confirmed_sat))
        async with asyncio.timeout(LIMIT_S):
            await client.broadcast(psbt.extract_tx())
        await until(daemon, lambda wallet: wallet.balance().untrusted_pending_sat == COIN)
        node.rpc("generatetoaddress", 1, ALICE.address())
        await until(daemon, lambda wallet: wallet.balance().confirmed_sat > before)
        balance = await daemon.ask(Do(lambda wallet: wallet.balance()))
        assert 4 * COIN - FEE_SAT < balance.confirmed_sat < 4 * COIN
