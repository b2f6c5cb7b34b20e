"""The table of known addresses at one moment, and its bytes: what may be written off the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from axon.p2p.addrtables import AddressEntry, buckets_of, unpacked
from axon.p2p.peersfile import AddressRecord, encode_peers
from axon.primitives.netaddress import NetAddress


@dataclass(frozen=True, slots=True)
class AddrManSnapshot:
    """The table as it was at one moment; no later change shows in it.

    It holds nothing but values, so `encode` needs no lock and may run in any thread while the
    table itself changes. One tuple for each field of `AddressRecord`, in the order of addresses: to
    make that many records takes longer than a snapshot may take.
    """

    key: bytes
    asmap_version: bytes
    addresses: tuple[NetAddress, ...]
    sources: tuple[NetAddress, ...]
    services: tuple[int, ...]
    times_s: tuple[int, ...]
    last_tries_s: tuple[int, ...]
    last_successes_s: tuple[int, ...]
    attempts: tuple[int, ...]
    tried: tuple[bool, ...]
    packed_places: tuple[bytes, ...]

    @classmethod
    def of(cls, key: bytes, asmap_version: bytes, entries: Sequence[AddressEntry]) -> Self:
        """The snapshot of these entries, to be taken where nobody changes them."""
        return cls(
            key=key,
            asmap_version=asmap_version,
            addresses=tuple([entry.address for entry in entries]),
            sources=tuple([entry.source for entry in entries]),
            services=tuple([entry.services for entry in entries]),
            times_s=tuple([entry.time_s for entry in entries]),
            last_tries_s=tuple([entry.last_try_s for entry in entries]),
            last_successes_s=tuple([entry.last_success_s for entry in entries]),
            attempts=tuple([entry.attempts for entry in entries]),
            tried=tuple([entry.tried for entry in entries]),
            packed_places=tuple([entry.packed_places for entry in entries]),
        )

    def encode(self) -> bytes:
        """The whole table as `peers.dat` holds it; `AddrMan.decode` reads it."""
        buckets = (
            () if tried else buckets_of(unpacked(places))
            for tried, places in zip(self.tried, self.packed_places, strict=True)
        )
        records = map(
            AddressRecord,
            self.addresses,
            self.sources,
            self.services,
            self.times_s,
            self.last_tries_s,
            self.last_successes_s,
            self.attempts,
            self.tried,
            buckets,
        )
        return encode_peers(self.key, len(self.addresses), records, self.asmap_version)
