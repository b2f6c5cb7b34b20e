"""The kernel alone: a process that lets libbitcoinkernel import a file of blocks into a new folder.

    python -m bench.importing FILE FOLDER THREADS

Writes the seconds of the import alone to standard output, by the clock and on all processors, and
the height of the tip. No logging, no callbacks, nothing of
axon; blocks are stored unmasked, as axon has them stored.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pbk
from pbk.capi import bindings


def import_file(path: Path, folder: Path, threads: int) -> tuple[float, float, int]:
    """Import a file of blocks of regtest; seconds, processor seconds, height of the tip then.

    Args:
        path: magic, size, block; and again.
        folder: a network folder that does not exist yet: `blocks` and `chainstate` come into it.
        threads: check threads beside the one that imports.
    """
    blocks = folder / "blocks"
    blocks.mkdir(parents=True)
    (blocks / "xor.dat").write_bytes(bytes(8))
    bindings.btck_logging_disable()
    context = pbk.make_context(pbk.ChainType.REGTEST)
    options = pbk.ChainstateManagerOptions(context, str(folder), str(blocks))
    options.set_worker_threads_num(threads)
    manager = pbk.ChainstateManager(options)
    manager.import_blocks([])  # The genesis block.
    start, used = time.perf_counter(), time.process_time()
    manager.import_blocks([path])
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return seconds, used, manager.get_active_chain().height


if __name__ == "__main__":
    took, processor, height = import_file(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{took:.6f} {processor:.6f} {height}\n")
