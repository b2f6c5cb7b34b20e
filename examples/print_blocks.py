"""A full node that prints each new block: python examples/print_blocks.py

It runs on a test chain of its own and finds three blocks itself. With network=MAINNET, and without
`connect` and the line that finds blocks, it prints those of the real network.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from axon import REGTEST, FullNodeSettings, PeerSettings, full_node
from axon.node.facts import TipChanged

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


async def main(folder: Path) -> None:
    settings = FullNodeSettings(network=REGTEST, folder=folder, peers=PeerSettings(connect=()))
    async with full_node(settings) as node:
        facts = node.facts()
        await node.call("generatetoaddress", 3, ADDRESS)
        async for fact in facts:
            if isinstance(fact, TipChanged):
                print(f"block {fact.height} {fact.hash[::-1].hex()}")
                if fact.height == 3:
                    break


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
