"""Which known address to dial next.

`AddrMan` draws by its own chances; the picker passes over what is no good for the purpose:
ourselves, hosts that are connected already, netgroups that have their peer, the banned and the
discouraged, those that lack the services we need, and at first those that were dialled lately or
whose port belongs to another kind of service. The figures are Bitcoin Core's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.handshake import has_desirable_services
from axon.p2p.peersfile import AddressRecord
from axon.p2p.rollingset import RollingSet
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Services

MAX_DRAWS: Final = 100
"""How often the table is asked for one dial."""
PATIENT_DRAWS: Final = 30
"""In the first draws an address dialled within ten minutes is passed over;"""
CAREFUL_DRAWS: Final = 50
"""in these, one with a port that belongs to another service."""
RECENT_TRY_S: Final = 10 * MINUTE // SECOND

MAX_OWN: Final = 64
"""Addresses found to be our own; a liar's nonce cannot grow it without end."""

# fmt: off
BAD_PORTS: Final = frozenset((
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389,
    427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636,
    989, 990, 993, 995, 1719, 1720, 1723, 2049, 3306, 3389, 3659, 4045, 5060, 5061, 6000, 6566,
    6665, 6666, 6667, 6668, 6669, 6697, 10080,
))
# fmt: on
"""Ports of mail, web and the like: gossip must not make us knock there for an attacker."""

_USEFUL: Final = int(Services.NETWORK | Services.NETWORK_LIMITED)


def was_tried(record: AddressRecord, now: Instant) -> bool:
    """Whether it was dialled within ten minutes."""
    return now // SECOND - record.last_try_s < RECENT_TRY_S


class Picker:
    """Picks addresses for one node.

    Args:
        addrman: what is known.
        bans: whom not to dial.
        reachable: networks on which we can dial.
        needs: services that an address must offer, beside those of blocks.
        v2_only: those of IPv4 and IPv6 must offer encryption, too (`-v2onlyclearnet`).

    Attributes:
        reachable: as given; there may be more later.
    """

    def __init__(
        self,
        addrman: AddrMan,
        bans: BanList,
        reachable: frozenset[AddressNetwork],
        needs: int = 0,
        *,
        v2_only: bool = False,
    ) -> None:
        self._needs = needs
        self._v2_only = v2_only
        self._addrman = addrman
        self._bans = bans
        self.reachable = reachable
        self._own: RollingSet[NetAddress] = RollingSet(MAX_OWN)
        self.near_tip = False
        """Our tip is recent: peers that keep only the last 288 blocks are good enough."""

    def found_own(self, address: NetAddress) -> None:
        """This address is our own: it is not dialled again."""
        self._own.add(address)

    def groups(self, addresses: Sequence[NetAddress]) -> frozenset[bytes]:
        """Netgroups of IPv4 and IPv6 peers; elsewhere groups say nothing of the route."""
        group = self._addrman.groups.group
        return frozenset(group(address) for address in addresses if address.fits_v1)

    def pick(
        self,
        taken: Sequence[NetAddress],
        groups: frozenset[bytes],
        now: Instant,
        network: AddressNetwork | None = None,
    ) -> AddressRecord | None:
        """An address for a lasting connection.

        Args:
            taken: of all who are connected or being dialled; their hosts are passed over.
            groups: netgroups that have their peer.
            now: when.
            network: on this network; None for any that is reached.
        """
        if len(self._addrman) <= MAX_DRAWS:
            return self._pick_at_a_look(
                lambda record: (
                    network in (None, record.address.network) and self._is_desirable(record)
                ),
                taken,
                groups,
                now,
            )
        networks = self.reachable if network is None else frozenset((network,))
        for draw in range(MAX_DRAWS):
            record = self._addrman.select(now, networks=networks)
            if record is None:
                return None
            if self._is_desirable(record) and self._is_timely(record, draw, now):
                if self.is_dialable(record.address, taken, groups, now):
                    return record
        return None

    def pick_for_feeler(self, taken: Sequence[NetAddress], now: Instant) -> AddressRecord | None:
        """An address to ask whether it answers: one whose place is contested, else a new one."""
        contested = self._addrman.collision_to_test()
        if contested is not None and self.is_dialable(contested.address, taken, frozenset(), now):
            return contested
        if len(self._addrman) <= MAX_DRAWS:
            return self._pick_at_a_look(self._is_new, taken, frozenset(), now)
        for draw in range(MAX_DRAWS):
            record = self._addrman.select(now, new_only=True, networks=self.reachable)
            if record is None:
                return None
            if self._is_new(record) and self._is_timely(record, draw, now):
                if self.is_dialable(record.address, taken, frozenset(), now):
                    return record
        return None

    def _pick_at_a_look(
        self,
        is_useful: Callable[[AddressRecord], bool],
        taken: Sequence[NetAddress],
        groups: frozenset[bytes],
        now: Instant,
    ) -> AddressRecord | None:
        """One draw among those in a small table who may be dialled.

        In a small network everybody soon is connected to everybody, and to draw in vain would be
        the most that such a node does.
        """
        fresh: list[NetAddress] = []
        others: list[NetAddress] = []
        for address in self._addrman.addresses():
            if self.is_dialable(address, taken, groups, now):
                record = self._addrman.record(address)
                if record is not None and is_useful(record):
                    (fresh if self._is_timely(record, 0, now) else others).append(address)
        return self._addrman.select_among(fresh or others, now)

    def _is_desirable(self, record: AddressRecord) -> bool:
        useful = has_desirable_services(record.services, self.near_tip, self._needs)
        return useful and self._is_encrypted(record)

    def _is_new(self, record: AddressRecord) -> bool:
        """Whether it never answered, and offers blocks."""
        useful = not record.tried and bool(record.services & _USEFUL)
        return useful and self._is_encrypted(record)

    def _is_encrypted(self, record: AddressRecord) -> bool:
        """Whether it offers encryption where there must be one."""
        encrypts = bool(record.services & Services.P2P_V2)
        return encrypts or not (self._v2_only and record.address.fits_v1)

    @staticmethod
    def _is_timely(record: AddressRecord, draw: int, now: Instant) -> bool:
        if draw < PATIENT_DRAWS and was_tried(record, now):
            return False
        return draw >= CAREFUL_DRAWS or record.address.port not in BAD_PORTS

    def is_dialable(
        self,
        address: NetAddress,
        taken: Sequence[NetAddress],
        groups: frozenset[bytes],
        now: Instant,
    ) -> bool:
        """Whether nothing speaks against dialling this address at all."""
        if address.network not in self.reachable or address in self._own:
            return False
        if groups and self._addrman.groups.group(address) in groups:
            return False
        if self._bans.is_refused(address, now):
            return False
        host, network = address.host_bytes, address.network
        return all(other.host_bytes != host or other.network is not network for other in taken)
