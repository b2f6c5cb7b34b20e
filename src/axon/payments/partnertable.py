"""The wallets that serve wallets, as one wallet knows them; kept with it over restarts.

    heard of --it proves its key--> proved --it fails MAX_FAILURES times--> forgotten
    heard of --it fails once--> forgotten

What others say is hearsay: it fills a table of its own, from each of them a few entries, and is
never passed on. Only who has proved its key to us lately is told to others. Invoices have no part
in it: a key that stands in one never comes here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from axon.payments.partneraddress import LEAST_ADDRESS_BYTES, PartnerAddress
from axon.payments.partnermessages import MAX_TOLD
from axon.primitives.encoding import Reader, compact_size
from axon.wire.messages.limits import read_count

MAX_PROVED: Final = 64
"""Partners that have proved their keys; a new one takes the place of the longest unseen."""

MAX_HEARD: Final = 128
"""Partners of which was only heard; a new one takes the place of the oldest hearsay."""

MAX_FROM_ONE: Final = MAX_TOLD
"""Of these from one teller, all that have dialled us together: nobody fills the table alone."""

MAX_IN_GROUP: Final = 8
"""Of these in one netgroup: what one operator has cheaply."""

MAX_FAILURES: Final = 5
"""Dials in a row that came to nothing, of one that once proved its key."""

TOLD_FOR_S: Final = 7 * 86_400
"""Who has not proved its key for so long is not told of."""


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """One entry.

    Args:
        address: the partner's.
        proved_s: when it last proved its key to us, seconds since 1970; 0 for never.
        failures: dials in a row since that came to nothing.
        teller: the key of who told of it; empty for who dialled us, and for earlier runs.
    """

    address: PartnerAddress
    proved_s: int = 0
    failures: int = 0
    teller: bytes = b""

    def encode(self) -> bytes:
        """Time (4 bytes, little-endian), failures (1), the address."""
        head = self.proved_s.to_bytes(4, "little") + bytes((self.failures,))
        return head + self.address.encode()


class PartnerTable:
    """What is known of partners.

    Args:
        entries: of earlier runs.
        lab: loopback addresses count as public ones.
    """

    def __init__(self, entries: Iterable[KnownPartner] = (), *, lab: bool = False) -> None:
        self._lab = lab
        self._entries = {entry.address.public_key: entry for entry in entries}
        self.is_changed = False
        """Something was learnt since this was last set back."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[KnownPartner, ...]:
        """All of them, hearsay first come first."""
        return tuple(self._entries.values())

    def encode(self) -> bytes:
        """As it is kept: the count, then the entries."""
        return compact_size(len(self._entries)) + b"".join(
            [entry.encode() for entry in self._entries.values()]
        )

    # What is learnt.

    def proved(self, address: PartnerAddress, now_s: int) -> None:
        """A partner has proved its key to us, at this address."""
        self._put(KnownPartner(address, now_s))
        proved = [entry for entry in self._entries.values() if entry.proved_s]
        if len(proved) > MAX_PROVED:
            self.forget(min(proved, key=lambda entry: entry.proved_s).address.public_key)

    def failed(self, public_key: bytes) -> None:
        """A partner was not reached, or did not prove its key."""
        entry = self._entries.get(public_key)
        if entry is None:
            return
        if not entry.proved_s or entry.failures + 1 >= MAX_FAILURES:
            self.forget(public_key)
        else:
            self._put(replace(entry, failures=entry.failures + 1))

    def forget(self, public_key: bytes) -> None:
        """A partner has lied, or is gone."""
        self.is_changed = self._entries.pop(public_key, None) is not None or self.is_changed

    def heard(self, addresses: Iterable[PartnerAddress], teller: bytes, own_key: bytes) -> None:
        """Somebody tells of partners.

        Args:
            addresses: that nobody has proved.
            teller: his key; empty for who dialled us.
            own_key: ours, which we do not need to hear.
        """
        for address in addresses:
            if address.public_key != own_key and self._is_news(address):
                self._make_room(address, teller)
                self._put(KnownPartner(address, teller=teller))

    def _is_news(self, address: PartnerAddress) -> bool:
        """Whether hearsay is taken: it moves nobody, and names each key and each place once."""
        if not address.netaddress.is_routable(self._lab):
            return False
        known = self._entries.values()
        return address.public_key not in self._entries and not any(
            entry.address.endpoint == address.endpoint for entry in known
        )

    def _make_room(self, address: PartnerAddress, teller: bytes) -> None:
        hearsay = [entry for entry in self._entries.values() if not entry.proved_s]
        group = address.netaddress.group(self._lab)
        same = [each for each in hearsay if each.address.netaddress.group(self._lab) == group]
        told = [entry for entry in hearsay if entry.teller == teller]
        for rivals, most in ((same, MAX_IN_GROUP), (told, MAX_FROM_ONE), (hearsay, MAX_HEARD)):
            if len(rivals) >= most:
                self.forget(rivals[0].address.public_key)
                return

    def _put(self, entry: KnownPartner) -> None:
        self._entries[entry.address.public_key] = entry
        self.is_changed = True

    # What it is asked.

    def told(self, rng: Random, now_s: int) -> tuple[PartnerAddress, ...]:
        """Whom to tell others of: some of those who have proved their keys lately."""
        fresh = [
            entry.address
            for entry in self._entries.values()
            if entry.proved_s > now_s - TOLD_FOR_S
            and not entry.failures
            and entry.address.netaddress.is_routable(self._lab)
        ]
        return tuple(rng.sample(fresh, min(len(fresh), MAX_TOLD)))

    def pick(
        self, rng: Random, but: Collection[bytes], *, is_proved: bool | None = None
    ) -> PartnerAddress | None:
        """One to dial, by chance; None if there is none.

        Args:
            rng: the chance.
            but: keys of those that are not to be dialled.
            is_proved: of those that proved their keys, or of the others; None for the first kind
                if there is one.
        """
        able = [each for key, each in self._entries.items() if key not in but]
        proved = [entry.address for entry in able if entry.proved_s]
        pool = proved
        if is_proved is False or (is_proved is None and not proved):
            pool = [entry.address for entry in able if not entry.proved_s]
        return pool[int(rng.random() * len(pool))] if pool else None


def read_table(data: bytes) -> tuple[KnownPartner, ...]:
    """The entries that `PartnerTable.encode` wrote.

    Raises:
        DecodeError: it is damaged.
    """
    reader = Reader(data)
    most, least = MAX_PROVED + MAX_HEARD, 4 + 1 + LEAST_ADDRESS_BYTES
    count = read_count(reader, most, least, "partners", source="axon")
    found = []
    for _ in range(count):
        proved_s, failures = reader.u32(), reader.u8()
        found.append(KnownPartner(PartnerAddress.decode(reader), proved_s, failures))
    reader.finish()
    return tuple(found)
