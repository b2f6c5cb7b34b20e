"""Files that a node or a wallet finds on its disk: damaged, foreign, or made by somebody else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

from axon.consensus.kernel_log import parse_checked, parse_header
from axon.errors import DamageError, DecodeError, WalletError
from axon.machine import SECOND
from axon.mempool.persist import load
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.peersfile import decode_anchors, decode_peers, encode_anchors, encode_peers
from axon.primitives.hashes import sha256
from axon.wallet import records
from axon.wallet.psbt import read_psbt
from axon.wallet.seal import unseal

_NOW: Final = 1_700_000_000 * SECOND


def _sealed(data: bytes) -> tuple[bytes, bytes]:
    """The bytes as they are, and with the checksum that they should have."""
    return data, data + sha256(data)


def peers_file(data: bytes) -> None:
    """`peers.dat`: what is read is written again, and fills the tables of a node."""
    for whole in _sealed(data):
        with suppress(DecodeError):
            key, asmap, found = decode_peers(whole)
            assert decode_peers(encode_peers(key, len(found), found, asmap)) == (key, asmap, found)
        with suppress(DecodeError):
            tables = AddrMan.decode(whole, Random(1))
            assert len(tables) == tables.size()
            assert len(AddrMan.decode(tables.snapshot().encode(), Random(2))) == len(tables)
            tables.resolve_collisions(_NOW)
            drawn = tables.select(_NOW)
            assert drawn is None or drawn.address in tables
            tables.get_addresses(_NOW)


def anchors_file(data: bytes) -> None:
    """`anchors.dat`."""
    for whole in _sealed(data):
        with suppress(DecodeError):
            anchors = decode_anchors(whole)
            assert decode_anchors(encode_anchors(anchors)) == anchors


def ban_list(data: bytes) -> None:
    """`banlist.json`."""
    with suppress(DecodeError):
        bans = BanList.decode(data)
        written = bans.encode(_NOW)
        again = BanList.decode(written)
        assert again.listed(_NOW) == bans.listed(_NOW)
        assert again.encode(_NOW) == written


def pool_file(data: bytes) -> None:
    """`mempool.dat`."""
    with suppress(DecodeError):
        dump = load(data)
        assert sum(len(saved.transaction.raw) for saved in dump.transactions) <= len(data)
        assert 32 * len(dump.unbroadcast) <= len(data)


_RECORDS: Final[dict[int, Callable[[bytes], object]]] = {
    0: records.decode_mark,
    1: records.decode_confirmation,
    2: records.decode_seen,
    3: records.decode_u32,
    4: records.decode_u64,
    5: records.decode_text,
    6: records.keychain_of,
    7: records.txid_of,
}


def wallet_record(data: bytes) -> None:
    """A record of a wallet's file, by what the first byte says that it is."""
    read = _RECORDS[data[0] % len(_RECORDS) if data else 0]
    with suppress(DamageError):
        value = read(data[1:])
        if isinstance(value, records.Mark | records.Confirmation | records.Seen):
            assert read(value.encode()) == value


def sealed_secret(data: bytes) -> None:
    """A sealed secret of a stranger. The cost of scrypt is held down: it is not what is tested."""
    cheap = bytearray(data)
    if len(cheap) > 12:
        cheap[9] = 1 + cheap[9] % 4 if cheap[9] < 200 else cheap[9]
    with suppress(DamageError, WalletError):
        unseal(bytes(cheap), "passphrase")


def psbt(data: bytes) -> None:
    """A PSBT, as bytes or in base64."""
    for form in (data, data.decode("latin-1"), b"psbt\xff" + data):
        with suppress(WalletError):
            read = read_psbt(form)
            assert read_psbt(read.base64) == read


def kernel_line(data: bytes) -> None:
    """A line of the kernel's log."""
    for start in (b"", b"[validation:debug] BlockChecked: block hash=", _HEADER_LINE):
        line = start + data
        checked = parse_checked(line)
        assert checked is None or len(checked[0]) == 32
        parse_header(line)


_HEADER_LINE: Final = b"[validation:debug] AcceptBlockHeader: Consensus::"


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "peers-file": peers_file,
    "anchors-file": anchors_file,
    "ban-list": ban_list,
    "pool-file": pool_file,
    "wallet-record": wallet_record,
    "sealed-secret": sealed_secret,
    "psbt": psbt,
    "kernel-line": kernel_line,
}
