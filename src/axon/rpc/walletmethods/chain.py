"""How far the wallet has seen the chain."""

from __future__ import annotations

from dataclasses import dataclass

from axon.node.commands import Rescan
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.asof import as_of
from axon.wallet.lookahead import search_again, set_gap
from axon.wallet.wallet import Wallet


@method("blockchain")
def getblockcount(daemon: WalletDaemon) -> Json:
    """Returns the height of the best header that peers have shown.

    Returns:
        n    (numeric) The height
    """
    return daemon.node.headers.best.height


@method("blockchain")
def getbestblockhash(daemon: WalletDaemon) -> Json:
    """Returns the hash of the best header that peers have shown.

    Returns:
        "hex"    (string) The block hash, hex-encoded
    """
    return to_hex(daemon.node.headers.best.hash)


@method("blockchain")
def getblockhash(daemon: WalletDaemon, height: int) -> Json:
    """Returns hash of block in best-block-chain at height provided.

    Args:
        height: The height index

    Returns:
        "hex"    (string) The block hash
    """
    best = daemon.node.headers.best
    entry = best.ancestor(height) if 0 <= height <= best.height else None
    if entry is None:
        raise RpcError(Code.PARAMETER, "Block height out of range")
    return to_hex(entry.hash)


@method("blockchain")
async def getsyncinfo(daemon: WalletDaemon) -> Json:
    """Returns how far this wallet is.

    Returns:
        {                           (json object)
          "synced" : true|false,    (boolean) Whether all is seen that the nodes reached have
          "scanned" : n,            (numeric) Height up to which all blocks were looked through; -1
                                    before the first
          "target" : n,             (numeric) Height of the best header
          "bestblockhash" : "hex",  (string) Its hash
          "headers" : n,            (numeric) The same as target
          "presynced_headers" : n,  (numeric) How far a chain is read that is read twice, because it
                                    must first show enough work; -1 if none is
          "filter_headers" : n,     (numeric) Height of the last filter header; -1 for none
          "peers" : n,              (numeric) Nodes whose handshake is complete
          "filter_peers" : n,       (numeric) How many of them serve filters
          "agreed" : n,             (numeric) How many of these agree with all filter headers that
                                    are known
          "disputed" : n,           (numeric) Height of a block whose filter peers disagree about;
                                    null without one
          "missed" : [              (json array) Nodes and names that were named and not reached
            {                       (json object)
              "addr" : "str",       (string) The address, or the name that was looked up
              "reason" : "str"      (string) Why
            },
            ...
          ],
          "clock_behind" : true|false,  (boolean) Whether a node has blocks that this machine's
                                    clock calls too new: then nothing is in sync
          "clock_offset" : n,       (numeric) Seconds by which the nodes' clocks are ahead of ours
          "asof" : {...}            (json object) As in getbalances
        }
    """
    return await _info(daemon)


@method("blockchain", waits=True)
async def waitforsync(daemon: WalletDaemon, timeout: int = 0) -> Json:
    """Waits until this wallet has seen all that the nodes reached have.

    Returns how far it is on timeout or exit.

    Args:
        timeout: Time in milliseconds to wait. 0 indicates no timeout.

    Returns:
        {...}    (json object) As getsyncinfo
    """
    if timeout < 0:
        raise RpcError(Code.MISC, "Negative timeout")
    await daemon.synced(timeout / 1_000 if timeout else None)
    return await _info(daemon)


@method("wallet", waits=True, strict=True, nulls=True)
async def rescanblockchain(
    daemon: WalletDaemon,
    start_height: int = 0,
    stop_height: int | None = None,
    *,
    gap: int | None = None,
) -> Json:
    """Looks through all blocks from a height on once more.

    What they confirmed is unconfirmed again until its block is met. Without a stop_height the call
    returns at once; waitforsync waits for the end.

    Args:
        start_height: block height where the rescan starts
        stop_height: the call returns when blocks were looked through up to this height; the rescan
            goes on to the tip
        gap: from now on look for so many addresses beyond the last one that was given out or paid

    Returns:
        {                      (json object)
          "start_height" : n,  (numeric) The block height where the rescan starts
          "stop_height" : n    (numeric, optional) As given
        }
    """
    top = daemon.node.headers.best.height
    if stop_height is not None and not 0 <= stop_height <= top:
        raise RpcError(Code.PARAMETER, "Invalid stop_height")
    if stop_height is not None and stop_height < start_height:
        raise RpcError(Code.PARAMETER, "stop_height must be greater than start_height")
    if not 0 <= start_height <= daemon.node.headers.best.height:
        raise RpcError(Code.PARAMETER, "Invalid start_height")
    entry = daemon.node.headers.best.ancestor(start_height)
    assert entry is not None, "not above the best header"
    await daemon.ask(_BeginRescan(gap, entry.time, whole=start_height == 0))
    await daemon.command(Rescan(start_height))
    if stop_height is None:
        return {"start_height": start_height}
    stop = stop_height
    await daemon.wait_for(lambda: daemon.node.scan.height >= stop, None)
    return {"start_height": start_height, "stop_height": stop_height}


@dataclass(frozen=True, slots=True)
class _BeginRescan:
    gap: int | None
    from_s: int
    whole: bool

    def run(self, wallet: Wallet) -> None:
        if self.gap is not None:
            set_gap(wallet.ledger, self.gap)
        if self.whole or self.from_s <= wallet.birthday_s:
            search_again(wallet.ledger)


async def _info(daemon: WalletDaemon) -> dict[str, Json]:
    node = daemon.node
    mark, scanned = await daemon.scanned(), node.scan.height
    if scanned < 0:  # Where the scan goes on is not placed yet; the wallet knows how far it was.
        scanned = -1 if mark is None else mark.height
    said = node.agreement()
    best, filters = node.headers.best, node.filtersync.state()
    presynced = [node.headersync.presynced_headers(peer) for peer in node.sessions]
    return {
        "synced": node.is_synced,
        "scanned": scanned,
        "target": best.height,
        "bestblockhash": to_hex(best.hash),
        "headers": best.height,
        "presynced_headers": max(presynced, default=-1),
        "filter_headers": filters.headers_height,
        "peers": sum(session.negotiated is not None for session in node.sessions.values()),
        "filter_peers": filters.usable_peers,
        "agreed": len(filters.agreed_peers),
        "disputed": filters.disputed_height,
        "missed": [
            {"addr": address, "reason": reason} for address, reason in daemon.missed.items()
        ],
        "clock_behind": said.ahead_of_clock > 0,
        "clock_offset": said.clock_offset_s,
        "asof": as_of(daemon, mark),
    }
