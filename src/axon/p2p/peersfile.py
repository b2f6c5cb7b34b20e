"""The bytes of `peers.dat` and `anchors.dat`: what a node knows of other nodes between two runs.

The format is axon's own: 8 bytes that name it, a version byte, the content, and the SHA-256 of all
before it. A damaged or foreign file is a `DecodeError` that tells the operator what to do;
addresses are never worth stopping for, and are learnt anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.p2p.netgroups import NO_MAP_VERSION
from axon.primitives.encoding import Reader, compact_size
from axon.primitives.hashes import sha256
from axon.primitives.netaddress import NetAddress

_PEERS_MAGIC: Final = b"axonpeer"
_ANCHORS_MAGIC: Final = b"axonanch"
_PEERS_VERSION: Final = 2
_BEFORE_ASMAPS: Final = 1
"""A version of `peers.dat` that says nothing of AS maps: there was none."""
_ANCHORS_VERSION: Final = 1
_CHECKSUM_SIZE: Final = 32
_MAX_RECORDS: Final = 1024 * 64 + 256 * 64
"""As many as the tables of `AddrMan` have places."""
_MAX_PLACES: Final = 8
MAX_ANCHORS: Final = 2
"""As many as there are block relay connections."""


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """All that is remembered of an address; times are seconds since 1970, 0 for never.

    Args:
        address: where.
        source: who told us.
        services: what is offered there, 64 bits.
        time_s: when it was last heard of.
        last_try_s: when it was last dialled.
        last_success_s: when it last answered.
        attempts: dialled in vain since then.
        tried: it has answered once, so it is in the tried table.
        buckets: where it is in the new table; empty for a tried one.
    """

    address: NetAddress
    source: NetAddress
    services: int
    time_s: int
    last_try_s: int
    last_success_s: int
    attempts: int
    tried: bool
    buckets: tuple[int, ...]


def encode_peers(
    key: bytes,
    count: int,
    records: Iterable[AddressRecord],
    asmap_version: bytes = NO_MAP_VERSION,
) -> bytes:
    """The whole of `peers.dat`.

    Args:
        key: the 16 bytes that place addresses in buckets.
        count: of the records.
        records: at most one per address. They are taken one by one: to hold 39,000 of them at once
            would have Python look through all its memory, and everybody wait for that.
        asmap_version: 32 bytes that name the AS map by which addresses are placed.
    """
    parts = [key, asmap_version, compact_size(count)]
    parts.extend(map(_encode_record, records))
    return _seal(_PEERS_MAGIC, _PEERS_VERSION, b"".join(parts))


def decode_peers(data: bytes) -> tuple[bytes, bytes, list[AddressRecord]]:
    """Key, version of the AS map, and records of `peers.dat`.

    Raises:
        DecodeError: the file is damaged, or not one of this format and version.
    """
    reader, version = _unseal(_PEERS_MAGIC, _PEERS_VERSION, data, "peers.dat")
    key = reader.take(16)
    asmap_version = NO_MAP_VERSION if version == _BEFORE_ASMAPS else reader.take(32)
    records = [_decode_record(reader) for _ in range(reader.compact_size(_MAX_RECORDS))]
    reader.finish()
    return key, asmap_version, records


def encode_anchors(anchors: Sequence[NetAddress]) -> bytes:
    """The whole of `anchors.dat`: the peers to return to at the next start, at most two."""
    chosen = anchors[:MAX_ANCHORS]
    body = compact_size(len(chosen)) + b"".join(address.encode_v2() for address in chosen)
    return _seal(_ANCHORS_MAGIC, _ANCHORS_VERSION, body)


def decode_anchors(data: bytes) -> list[NetAddress]:
    """The addresses in `anchors.dat`.

    Raises:
        DecodeError: the file is damaged, or not one of this format and version.
    """
    reader, _ = _unseal(_ANCHORS_MAGIC, _ANCHORS_VERSION, data, "anchors.dat")
    anchors = [_decode_address(reader) for _ in range(reader.compact_size(MAX_ANCHORS))]
    reader.finish()
    return anchors


def _seal(magic: bytes, version: int, body: bytes) -> bytes:
    content = magic + bytes((version,)) + body
    return content + sha256(content)


def _unseal(magic: bytes, newest: int, data: bytes, name: str) -> tuple[Reader, int]:
    """The content, and its version: the newest that we know, or one before."""
    remedy = f"(delete {name}: what it held is learnt anew)"
    if not data.startswith(magic):
        raise DecodeError(f"a {name} written by axon {remedy}", 0)
    if len(data) < len(magic) + 1 + _CHECKSUM_SIZE:
        raise DecodeError(f"a whole {name} {remedy}", len(data))
    content, checksum = data[:-_CHECKSUM_SIZE], data[-_CHECKSUM_SIZE:]
    if sha256(content) != checksum:
        raise DecodeError(f"an undamaged {name} {remedy}")
    reader = Reader(content, len(magic))
    version = reader.u8()
    if not 0 < version <= newest:
        raise DecodeError(f"a {name} of version {newest} {remedy}", len(magic))
    return reader, version


def _encode_record(record: AddressRecord) -> bytes:
    numbers = (record.services, record.time_s, record.last_try_s, record.last_success_s)
    return b"".join(
        (
            record.address.encode_v2(),
            record.source.encode_v2(),
            *(number.to_bytes(8, "little") for number in numbers),
            record.attempts.to_bytes(4, "little"),
            bytes((record.tried, len(record.buckets))),
            *(bucket.to_bytes(2, "little") for bucket in record.buckets),
        )
    )


def _decode_record(reader: Reader) -> AddressRecord:
    address, source = _decode_address(reader), _decode_address(reader)
    services, time_s, last_try_s, last_success_s = (reader.u64() for _ in range(4))
    attempts, tried = reader.u32(), reader.boolean()
    start = reader.offset
    count = reader.u8()
    if count > _MAX_PLACES:
        raise DecodeError(f"at most {_MAX_PLACES} buckets", start)
    buckets = tuple(reader.u16() for _ in range(count))
    return AddressRecord(
        address,
        source,
        services,
        time_s,
        last_try_s,
        last_success_s,
        attempts,
        tried,
        buckets,
    )


def _decode_address(reader: Reader) -> NetAddress:
    start = reader.offset
    address = NetAddress.decode_v2(reader)
    if address is None:
        raise DecodeError("a netaddress of a known network", start)
    return address
