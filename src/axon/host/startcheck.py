"""The newest blocks looked at once more when a node starts (`-checkblocks`, `-checklevel`)."""

from __future__ import annotations

from axon.errors import StorageError
from axon.host.settings import StartCheck
from axon.rpc.daemon import Daemon
from axon.rpc.methods.chainchecks import verifychain


async def check_blocks(daemon: Daemon, check: StartCheck | None) -> None:
    """Look at the newest blocks, as far as they are not pruned; None to leave that.

    Raises:
        StorageError: one does not pass; the log says which, and why.
    """
    if check is None:
        return
    node = daemon.node
    here = node.active.height - max(0, node.chain.pruned_below - 1)
    depth = min(check.blocks, here) if check.blocks > 0 else here
    if depth > 0 and not await verifychain(daemon, check.level, depth):
        raise StorageError(
            "Corrupted block database detected.\nPlease restart with -reindex or "
            "-reindex-chainstate to recover."
        )
