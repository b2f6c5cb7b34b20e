"""How sure a wallet is of what it says: as of which block, and how many nodes agree."""

from __future__ import annotations

from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Json
from axon.rpc.walletdaemon import WalletDaemon
from axon.wallet.records import Mark


def as_of(daemon: WalletDaemon, mark: Mark | None) -> dict[str, Json]:
    """The `asof` of an answer.

    Args:
        daemon: the light client, as it is now.
        mark: the block up to which the wallet has looked through all; None before the first.
    """
    node = daemon.node
    said = node.agreement()
    entry = None if mark is None else node.headers.get(mark.hash)
    best = node.headers.best
    seen_all = best.height == 0 or (mark is not None and mark.hash == best.hash)
    return {
        "height": -1 if mark is None else mark.height,
        "hash": None if mark is None else to_hex(mark.hash),
        "time": None if entry is None else entry.time,
        "age": None if entry is None else daemon.now_s - entry.time,
        "synced": node.is_synced and seen_all,
        "nodes_asked": said.asked,
        "nodes_agree": said.agree,
    }
