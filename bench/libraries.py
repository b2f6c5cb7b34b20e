"""The libraries of a node without the node: loaded, opened, idle.

    python -m bench.libraries FOLDER

Writes the resident memory of this process to standard output: an event loop that listens, the HTTP
server's library, a kernel of regtest and two stores in FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pbk
import uvloop
from aiohttp import web
from coincurve import PrivateKey
from rocksdict import Rdict
from siphash24 import siphash24

from bench.reaching import resident_mb


async def _idle(folder: Path) -> float:
    blocks = folder / "blocks"
    blocks.mkdir(parents=True)
    context = pbk.make_context(pbk.ChainType.REGTEST)
    options = pbk.ChainstateManagerOptions(context, str(folder), str(blocks))
    options.set_worker_threads_num(max(0, (os.cpu_count() or 1) - 1))
    manager = pbk.ChainstateManager(options)
    manager.import_blocks([])
    stores = [Rdict(str(folder / name)) for name in ("coins", "filters")]
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    held = PrivateKey().public_key, siphash24(b"", key=bytes(16)), manager, stores, server
    await asyncio.sleep(1)
    resident = resident_mb(os.getpid())
    del held
    await runner.cleanup()
    return resident


if __name__ == "__main__":
    found = uvloop.run(_idle(Path(sys.argv[1])))
    sys.stdout.write(f"{found:.1f}\n")
