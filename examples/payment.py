"""A payment between two wallets, each with a light client: python examples/payment.py"""

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
            await node.call("generatetoaddress", 1, await alice.call("getnewaddress"))
            await node.call("generatetoaddress", 100, OTHER)
            await alice.wait_synced()
            address = await bob.call("getnewaddress")
            draft = await alice.call("draftpayment", {address: "20"}, {"fee_rate": 2})
            sent = await alice.call("sendpayment", draft["psbt"], SECRET)
            print("sent", sent["txid"])


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
