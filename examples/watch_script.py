"""A light client that watches a script, with no keys: python examples/watch_script.py

A full node of a test chain stands for the network; the client believes it nothing it cannot check.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from axon import REGTEST, Bind, Endpoint, FullNodeSettings, LightSettings, PeerSettings

from axon import decode_address, full_node, light_client  # isort: skip

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
SCRIPT = decode_address(ADDRESS, REGTEST)


async def main(folder: Path) -> None:
    peers = PeerSettings(binds=(Bind(Endpoint("127.0.0.1", 0)),), connect=())
    server = FullNodeSettings(network=REGTEST, folder=folder / "node", peers=peers)
    async with full_node(server) as node:
        await node.call("generatetoaddress", 2, ADDRESS)
        settings = LightSettings(REGTEST, folder / "client", connect=node.endpoints)
        async with light_client(settings, [SCRIPT]) as client:
            found = client.transactions()
            for _ in range(2):
                item = await anext(found)
                print(f"{item.transaction.txid[::-1].hex()} in block {item.height}")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
