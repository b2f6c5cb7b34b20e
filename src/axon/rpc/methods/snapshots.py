"""All coins written to a file, and read from one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.chain.utxosnapshot import MAGIC, METADATA_BYTES, VERSION
from axon.primitives.hashes import BlockHash
from axon.primitives.network import NETWORKS
from axon.rpc.amounts import Json
from axon.rpc.coindump import CoinDump
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_block_or_height
from axon.rpc.parameters import parse_hash, type_name

SNAPSHOT_HEIGHTS: Final = {
    "main": 935_000,
    "test": 4_840_000,
    "testnet4": 120_000,
    "signet": 290_000,
    "regtest": 299,
}
"""The highest block of each network whose coins Bitcoin Core 32 knows by their hash."""


@method("blockchain", shown={"options": '{"rollback":n,"in_memory":bool,...}'})
async def dumptxoutset(
    daemon: Daemon,
    path: str,
    type: str = "",
    *,
    rollback: Json = None,
    in_memory: bool = False,
) -> Json:
    """Write the serialized UTXO set to a file.

    Bitcoin Core's loadtxoutset reads it, at heights that it supports. The node goes on meanwhile;
    for blocks of the past what changed since is put together first.

    Args:
        path: Path to the output file. If relative, will be prefixed by datadir.
        type: The type of snapshot to create. Can be "latest" for the current UTXO set or "rollback"
            for that of an earlier block: the one that the option names, else the highest that
            Bitcoin Core can load. May be left out where the option is given.
        rollback: Height or hash of the block whose UTXO set is wanted. The further it is from the
            tip, the longer this takes.
        in_memory: Keep what changed since in memory, and not in a temporary database beside the
            file.

    Returns:
        {                           (json object)
          "coins_written" : n,      (numeric) the number of coins written in the snapshot
          "base_hash" : "hex",      (string) the hash of the base of the snapshot
          "base_height" : n,        (numeric) the height of the base of the snapshot
          "path" : "str",           (string) the absolute path that the snapshot was written to
          "txoutset_hash" : "hex",  (string) the hash of the UTXO set contents
          "nchaintx" : n            (numeric) the transactions up to and including the base block
        }
    """
    target = _target(daemon, type, rollback)
    place = daemon.folder.absolute() / path
    if await daemon.off_loop(place.exists):
        raise RpcError(
            Code.PARAMETER,
            f"{place} already exists. If you are sure this is what you want, move it out of the way"
            " first",
        )
    if daemon.dumping:
        raise RpcError(Code.PARAMETER, "Another snapshot is being written")
    daemon.dumping = True
    try:
        snapshot = await daemon.coin_snapshot()
        tip = daemon.node.headers.get(snapshot.best)
        assert tip is not None, "coins belong to a known block"
        base = tip if target is None else target
        if tip.ancestor(base.height) is not base:
            raise RpcError(Code.PARAMETER, "Block is not in main chain")
        dump = CoinDump(daemon, snapshot, tip, base, place, in_memory=in_memory)
        return await daemon.off_loop(dump.write)
    finally:
        daemon.dumping = False


def _target(daemon: Daemon, kind: str, rollback: Json) -> HeaderEntry | None:
    """The block whose coins are wanted; None for the tip.

    Raises:
        RpcError: -8 or -5, there is no such block, or it was not said which.
    """
    if rollback is not None:
        if kind not in ("", "rollback"):
            message = f'Invalid snapshot type "{kind}" specified with rollback option'
            raise RpcError(Code.PARAMETER, message)
        if type(rollback) is int:
            return find_block_or_height(daemon, rollback)
        if not isinstance(rollback, str):
            kind = type_name(rollback)
            message = f"JSON value of type {kind} is not of expected type string"
            raise RpcError(Code.TYPE, message)
        named = parse_hash("hash_or_height", rollback)
        return find_block_or_height(daemon, BlockHash(named))
    if kind == "rollback":
        return find_block_or_height(daemon, SNAPSHOT_HEIGHTS[daemon.node.network.name])
    if kind != "latest":
        message = f'Invalid snapshot type "{kind}" specified. Please specify "rollback" or "latest"'
        raise RpcError(Code.PARAMETER, message)
    return None


@method("blockchain")
async def loadtxoutset(daemon: Daemon, path: str) -> Json:
    """Is to load a serialized UTXO set, and to go on from there.

    The file is looked at and always refused: libbitcoinkernel offers no way to start from a UTXO
    set.

    Args:
        path: path to the snapshot file. If relative, will be prefixed by datadir.

    Returns:
        null    (json null) never
    """
    place = daemon.folder.absolute() / path
    try:
        head = await daemon.off_loop(_head, place)
    except OSError as error:
        message = f"Couldn't open file {place} for reading."
        raise RpcError(Code.PARAMETER, message) from error
    wrong = _wrong_head(head, daemon.node.network.magic, daemon.node.network.name)
    if wrong is not None:
        raise RpcError(Code.DESERIALIZATION, f"Unable to parse metadata: {wrong}: iostream error")
    raise RpcError(
        Code.INTERNAL_ERROR,
        "Unable to load UTXO snapshot: libbitcoinkernel offers no way to start from one."
        f" ({place})",
    )


def _head(place: Path) -> bytes:
    with place.open("rb") as file:
        return file.read(METADATA_BYTES)


def _wrong_head(head: bytes, magic: bytes, name: str) -> str | None:
    """What is wrong with the first bytes of a file; None if nothing is."""
    if len(head) >= len(MAGIC) and not head.startswith(MAGIC):
        return (
            "Invalid UTXO set snapshot magic bytes. Please check if this is indeed a snapshot file"
            " or if you are using an outdated snapshot format."
        )
    version, found = head[5:7], head[7:11]
    if len(version) == 2 and int.from_bytes(version, "little") != VERSION:
        number = int.from_bytes(version, "little")
        return f"Version of snapshot {number} does not match any of the supported versions."
    if len(found) == 4 and found != magic:
        others = [network.name for network in NETWORKS.values() if network.magic == found]
        if others:
            return (
                f"The network of the snapshot ({others[0]}) does not match the network of this node"
                f" ({name})."
            )
        return (
            "This snapshot has been created for an unrecognized network. This could be a custom"
            " signet, a new testnet or possibly caused by data corruption."
        )
    return "AutoFile::read: end of file" if len(head) < METADATA_BYTES else None
