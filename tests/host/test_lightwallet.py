"""What a light wallet takes from the rooms beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from axon.host.lightwallet import RunningWallet, check_scripts, light_wallet
from axon.host.newwallet import create_wallet
from axon.host.settings import LightSettings
from axon.machine import Endpoint
from axon.node.spendfacts import SpendsSearched
from axon.node.spends import ClaimedCoin, FindSpends
from axon.payments.deal import DealStage, Role
from axon.payments.messages import PayjoinOffer
from axon.primitives.hashes import Txid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, TxOut, outpoint
from axon.primitives.verdict import Accepted, Rejected
from axon.rpc.amounts import Json
from axon.rpc.errors import RpcError
from axon.rpc.walletdaemon import SEARCHES_KEPT
from axon.rpc.walletmethods.dealjson import deal_json
from tests.payments.dealscene import Town
from tests.signing import Signer, Spendable

CAROL, BOB = Signer("Carol"), Signer("Bob")
COIN_OF_CAROL = Spendable(outpoint(Txid(bytes(32)), 0), COIN)


def test_only_who_has_the_key_is_believed_to_spend() -> None:
    output, spent = TxOut(COIN - 500, BOB.script), [TxOut(COIN, CAROL.script)]
    assert isinstance(check_scripts(CAROL.pay([COIN_OF_CAROL], [output]), spent), Accepted)
    assert isinstance(check_scripts(BOB.pay([COIN_OF_CAROL], [output]), spent), Rejected)
    other_amount = [TxOut(COIN - 1, CAROL.script)]
    changed = check_scripts(CAROL.pay([COIN_OF_CAROL], [output]), other_amount)
    assert isinstance(changed, Rejected)


SECRET = "of a wallet for tests"


def test_an_invoice_says_where_its_wallet_listens(tmp_path: Path) -> None:
    async def scene(wallet: RunningWallet) -> None:
        listening = await wallet.open_payments(SECRET)
        assert listening.host == "127.0.0.1"
        invoice = await wallet.create_invoice(COIN // 2, label="Bob", message="tea")
        assert (invoice.amount_sat, invoice.endpoints) == (COIN // 2, (listening,))
        other = Endpoint("192.0.2.1", 12_966)
        elsewhere = await wallet.create_invoice(lifetime_s=60, endpoints=[other])
        assert (elsewhere.amount_sat, elsewhere.endpoints) == (None, (other,))
        assert elsewhere.expires_s == elsewhere.created_s + 60
        deals = {deal.invoice: deal for deal in await wallet.deals()}
        assert set(deals) == {invoice, elsewhere}
        assert deals[invoice].role is Role.PAYEE
        assert deals[invoice].stage is DealStage.ISSUED
        assert deals[invoice].shown is None
        with pytest.raises(RpcError, match="no receipt"):
            await wallet.receipt(invoice)
        listed = [deal["id"] for deal in await wallet.call("listdeals")]
        assert [deal["id"] for deal in await wallet.call("listdeals", None, 1, 1)] == listed[1:]
        assert await wallet.call("listdeals", None, 0) == []
        name = invoice.id.hex()
        (found,) = await wallet.call("listdeals", name[:8].upper())
        assert found["id"] == name
        assert await wallet.call("listdeals", name[:7]) == []
        with pytest.raises(RpcError, match="Negative"):
            await wallet.call("listdeals", None, -1)

    run(tmp_path, scene)


def test_who_waits_for_a_payment_is_told_when_its_invoice_expires(tmp_path: Path) -> None:
    """It waits for real time: an invoice is good for a second at least."""

    async def scene(wallet: RunningWallet) -> None:
        await wallet.open_payments(SECRET)
        invoice = await wallet.create_invoice(lifetime_s=1)
        waiting = await wallet.call("waitfordeal", invoice.id.hex(), "accepted", 1)
        assert waiting["stage"] == "issued"
        over = await wallet.call("waitfordeal", invoice.id.hex(), "accepted", 20_000)
        assert over["stage"] == "expired"

    run(tmp_path, scene)


def test_what_a_wallet_refuses_of_payments_comes_as_of_any_method(tmp_path: Path) -> None:
    async def scene(wallet: RunningWallet) -> None:
        with pytest.raises(RpcError, match="open the wallet's words first"):
            await wallet.create_invoice(COIN)
        with pytest.raises(RpcError, match="passphrase"):
            await wallet.open_payments("wrong")
        listening = await wallet.open_payments(SECRET)
        assert await wallet.open_payments(SECRET, listening) == listening
        with pytest.raises(RpcError, match="12966"):
            await wallet.open_payments(SECRET, Endpoint("192.0.2.1", 12_966))
        with pytest.raises(RpcError, match="on chain only"):
            await wallet.pay_invoice(BOB.address(), "", SECRET)

    run(tmp_path, scene)


def test_how_far_the_coins_of_a_payment_are_looked_up_is_told(tmp_path: Path) -> None:
    town = Town()
    invoice = town.bob.issue()
    town.alice.pay(invoice)
    town.change = lambda _, message: None if isinstance(message, PayjoinOffer) else message
    town.talk(invoice)
    deal = town.bob.deal(Role.PAYEE, invoice)
    assert deal.stage is DealStage.CHECKED
    assert deal.packet is not None
    (coin,) = deal.packet.transaction.prevouts

    async def scene(wallet: RunningWallet) -> None:
        daemon = wallet.daemon
        assert deal_json(daemon, deal)["searched"] is None
        for height in (4_000, 5_000):
            daemon.reported(SpendsSearched(coin, height, 10_000))
            assert deal_json(daemon, deal)["searched"] == height
        assert deal_json(daemon, town.alice.deal(Role.PAYER, invoice))["searched"] is None
        for number in range(SEARCHES_KEPT):
            daemon.reported(SpendsSearched(outpoint(Txid(bytes(32)), number), 1_000, 10_000))
        assert len(daemon.searched) == SEARCHES_KEPT
        assert deal_json(daemon, deal)["searched"] is None

    run(tmp_path, scene)


def test_who_asks_again_for_the_same_coins_waits_for_the_same_search(tmp_path: Path) -> None:
    """It waits for real time: a search goes on that lasts too long for who asked."""
    coins = (ClaimedCoin(COIN_OF_CAROL.outpoint, CAROL.script, 0),)
    asked = 0

    async def scene(wallet: RunningWallet) -> None:
        nonlocal asked
        daemon, command = wallet.daemon, wallet.daemon.command

        async def counted(what: object) -> object:
            nonlocal asked
            asked += isinstance(what, FindSpends)
            return await command(what)

        daemon.command = counted
        for _ in range(3):
            assert await daemon.find_spends(coins, 0.01) is None
        assert daemon.searched_to(coin.outpoint for coin in coins) is None
        daemon.reported(SpendsSearched(COIN_OF_CAROL.outpoint, 4_000, 10_000))
        assert daemon.searched_to(coin.outpoint for coin in coins) == 4_000

    run(tmp_path, scene)
    assert asked == 1


def test_a_wallet_serves_others_without_its_words_and_is_reached_over_tcp(tmp_path: Path) -> None:
    """It waits for real time: a connection over loopback."""

    async def scene(bob: RunningWallet) -> None:
        address = await bob.serve_wallets()
        assert await bob.serve_wallets() == address
        assert address.endpoint in bob.daemon.listening
        assert await bob.call("listpartners") == []
        with pytest.raises(RpcError, match="names no port"):
            await bob.call("servewallets", "127.0.0.1:x")
        folder = tmp_path / "carol"
        settings = LightSettings(REGTEST, folder, connect=(), partners=(address,))
        create_wallet(settings, "carol", SECRET)
        async with asyncio.timeout(20), light_wallet(settings, "carol") as carol:
            found = await first_partner(carol)
        assert (found["partner"], found["named"]) == (str(address), True)
        remembers = LightSettings(REGTEST, folder, connect=(), offline=True)
        async with asyncio.timeout(20), light_wallet(remembers, "carol") as carol:
            found = await first_partner(carol)
        assert (found["partner"], found["named"]) == (str(address), False)

    run(tmp_path, scene)


async def first_partner(wallet: RunningWallet) -> dict[str, Json]:
    """The first partner that a wallet knows, as soon as it has proved its key."""
    while True:
        listed = await wallet.call("listpartners")
        assert isinstance(listed, list)
        for partner in listed:
            assert isinstance(partner, dict)
            if partner["proved"]:
                return partner
        await asyncio.sleep(0.01)


def run(folder: Path, scene: Callable[[RunningWallet], Awaitable[None]]) -> None:
    """Play a scene with a wallet that knows nobody."""
    settings = LightSettings(REGTEST, folder, connect=(), offline=True)
    create_wallet(settings, "bob", SECRET)

    async def play() -> None:
        async with light_wallet(settings, "bob") as wallet:
            await scene(wallet)

    asyncio.run(play())
