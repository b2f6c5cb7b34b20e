"""Alice hands Bob a payment, nobody between their wallets: python examples/direct_payment.py"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import axon
from axon import REGTEST, Bind, Endpoint, LightSettings, create_wallet, light_wallet

SECRET = "for a test chain only"
OTHER = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


async def main(folder: Path) -> None:
    peers = axon.PeerSettings(binds=(Bind(Endpoint("127.0.0.1", 0)),), connect=())
    server = axon.FullNodeSettings(network=REGTEST, folder=folder / "node", peers=peers)
    async with axon.full_node(server) as node:
        settings = LightSettings(REGTEST, folder, connect=node.endpoints)
        for name in ("alice", "bob"):
            create_wallet(settings, name, SECRET, birthday_s=REGTEST.genesis.header.time)
        async with light_wallet(settings, "alice") as alice, light_wallet(settings, "bob") as bob:
            for wallet in (alice, bob):
                await node.call("generatetoaddress", 1, await wallet.call("getnewaddress"))
            await node.call("generatetoaddress", 100, OTHER)
            for wallet in (alice, bob):
                await wallet.wait_synced()
            await bob.open_payments(SECRET)
            invoice = await bob.create_invoice(50_000_000, label="Bob", message="a bicycle")
            draft = await alice.call("draftpayment", {invoice.address: "0.5"}, {"fee_rate": 2})
            deal = await alice.pay_invoice(invoice.to_uri(), draft["psbt"], SECRET)
            print(deal.stage, "as a payjoin" if deal.joined else "as it was")
            for line in (*deal.shown.proved, *deal.shown.unproved) if deal.shown else ():
                print("-", line)
            print(await alice.receipt(invoice))


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
