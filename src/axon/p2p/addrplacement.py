"""Where an address may stand in the tables of known addresses.

Which bucket and which place in it follows from the address, from who told us, and from a secret
key: nobody can aim at a place, and a liar reaches only a small part of the tables. The figures are
Bitcoin Core's.
"""

from __future__ import annotations

from typing import Final

from axon.p2p.addrtables import BUCKET_SIZE, AddressEntry
from axon.p2p.netgroups import NetGroups
from axon.primitives.hashes import sha256, siphash24
from axon.primitives.netaddress import INTERNAL_IN_IPV6, AddressNetwork, NetAddress

NEW_BUCKETS: Final = 1024
TRIED_BUCKETS: Final = 256
NEW_BUCKETS_PER_SOURCE_GROUP: Final = 64
"""A netgroup that tells us addresses reaches a sixteenth of the new table at most."""
TRIED_BUCKETS_PER_GROUP: Final = 8
"""A netgroup that answers reaches a thirty-second of the tried table at most."""

KEY_SIZE: Final = 16
"""Bytes of the secret key."""


def named_source(name: str) -> NetAddress:
    """The source under which addresses from a DNS seed or a list are filed: no real address."""
    host = INTERNAL_IN_IPV6 + sha256(name.encode())[:10]
    return NetAddress(AddressNetwork.IPV6, host, 0)


class Placement:
    """The places of one node's tables: numbers, bucket * BUCKET_SIZE + slot.

    Args:
        key: secret, `KEY_SIZE` bytes.
        groups: how addresses are grouped.
    """

    def __init__(self, key: bytes, groups: NetGroups) -> None:
        self.key = key
        self._groups = groups

    def source_group(self, source: NetAddress) -> bytes:
        """The netgroup of who told us; each name is a group of its own."""
        if source.host_bytes.startswith(INTERNAL_IN_IPV6):
            return source.host_bytes
        return self._groups.group(source)

    def new_place(self, entry: AddressEntry, source_group: bytes) -> int:
        """The one place in the new table that an address may have from this source."""
        share = self._hash("s", entry.group, source_group) % NEW_BUCKETS_PER_SOURCE_GROUP
        bucket = self._hash("n", source_group, bytes((share,))) % NEW_BUCKETS
        return self._place("N", bucket, entry)

    def new_place_in(self, bucket: int, entry: AddressEntry) -> int:
        """The one place in a bucket of the new table that an address may have."""
        return self._place("N", bucket, entry)

    def tried_place(self, entry: AddressEntry) -> int:
        """The one place in the tried table that an address may have."""
        share = self._hash("a", entry.key) % TRIED_BUCKETS_PER_GROUP
        bucket = self._hash("t", entry.group, bytes((share,))) % TRIED_BUCKETS
        return self._place("T", bucket, entry)

    def _place(self, table: str, bucket: int, entry: AddressEntry) -> int:
        slot = self._hash(table, bucket.to_bytes(2, "little"), entry.key) % BUCKET_SIZE
        return bucket * BUCKET_SIZE + slot

    def _hash(self, domain: str, *parts: bytes) -> int:
        return siphash24(self.key, b"".join((domain.encode(), *parts)))
