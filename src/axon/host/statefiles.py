"""State files, which outlive a run: the pool, known addresses, bans, anchors.

None of them is worth not starting for: what is damaged is set aside with a line in the log.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from axon.drivers.aio.privatefiles import write_atomically
from axon.errors import DecodeError, disk_refusal
from axon.mempool.persist import KEY_SIZE, VERSION, Dump, PoolSnapshot, encode, load
from axon.p2p.addrman import AddrMan
from axon.p2p.addrsnapshot import AddrManSnapshot
from axon.p2p.asmap import AsMap
from axon.p2p.banlist import BanList
from axon.p2p.peersfile import decode_anchors, encode_anchors
from axon.primitives.netaddress import NetAddress

POOL: Final = "mempool.dat"
PEERS: Final = "peers.dat"
BANS: Final = "banlist.json"
ANCHORS: Final = "anchors.dat"

_T = TypeVar("_T")
_log = logging.getLogger("axon")


class StateFiles:
    """The state files of one network's folder.

    Args:
        folder: where they lie.
        pool_version: in which form the pool is written.
    """

    def __init__(self, folder: Path, pool_version: int = VERSION) -> None:
        self._folder = folder
        self._pool_version = pool_version

    def load_pool(self) -> Dump | None:
        """The pool of the last run; None if there is none."""
        return self._load(POOL, load, None)

    def load_peers(self, rng: Random, lab: bool, asmap: AsMap | None = None) -> AddrMan:
        """The known addresses; an empty table is kept too, as its secret key must last."""
        found = self._load(PEERS, lambda data: AddrMan.decode(data, rng, lab, asmap), None)
        return AddrMan(rng, lab, asmap) if found is None else found

    def load_bans(self) -> BanList:
        """The banned addresses; a file that is missing is made."""
        found = self._load(BANS, BanList.decode, None)
        if found is not None:
            return found
        bans = BanList()
        self.save_bans(bans.encode(0))
        return bans

    def take_anchors(self) -> tuple[NetAddress, ...]:
        """The block relay peers of the last run; the file goes, so that a crash forgets them."""
        found = self._load(ANCHORS, decode_anchors, None)
        (self._folder / ANCHORS).unlink(missing_ok=True)
        return tuple(found or ())

    def save_pool(self, pool: PoolSnapshot) -> Path:
        """Write the pool down; the file."""
        return self._save(POOL, encode(pool.dump(), os.urandom(KEY_SIZE), self._pool_version))

    def save_peers(self, known: AddrManSnapshot) -> None:
        """Write the known addresses down."""
        self._save(PEERS, known.encode())

    def save_bans(self, bans: bytes) -> None:
        """Write the banned addresses down, encoded."""
        self._save(BANS, bans)

    def save_anchors(self, anchors: Sequence[NetAddress]) -> None:
        """Write the block relay peers down."""
        if anchors:
            self._save(ANCHORS, encode_anchors(anchors))

    def _load(self, name: str, decode: Callable[[bytes], _T], missing: _T | None) -> _T | None:
        path = self._folder / name
        try:
            return decode(path.read_bytes())
        except FileNotFoundError:
            return missing
        except DecodeError as damage:
            aside = path.with_name(f"{name}.damaged")
            path.replace(aside)
            _log.warning("%s is damaged (%s); it is now %s", name, damage, aside.name)
            return missing
        except OSError as error:
            raise disk_refusal(f"cannot read {path}", error) from error

    def _save(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        try:
            write_atomically(path, data)
        except OSError as error:
            raise disk_refusal(f"cannot write {path}", error) from error
        return path
