"""Who may dial us: an inbound connection stays, stays in another's place, or ends at once.

The operator's bans come first; then there must be a slot, or somebody who is worth less than a
stranger (p2p/eviction); and again if it wants transactions, which are for a part of the slots.
Whoever breaks a rule later is discouraged: its address then gets no scarce slot any more. The
figures are Bitcoin Core's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from axon.machine import Instant, PeerId
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.p2p.connectiontable import ConnectionTable
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.eviction import InboundCandidate, choose_inbound
from axon.p2p.netgroups import NetGroups
from axon.primitives.hashes import siphash24
from axon.primitives.netaddress import NetAddress


@dataclass(frozen=True, slots=True)
class InboundAdmitted:
    """An inbound connection may stay; `evict` ends for it, if there is one."""

    evict: PeerId | None = None


@dataclass(frozen=True, slots=True)
class InboundRefused:
    """An inbound connection ends at once."""

    reason: str


class InboundAdmission:
    """Lets inbound connections in; a part of `Connections`.

    Args:
        config: what the operator decided.
        table: which connections there are.
        bans: whom not to let in; learns who broke a rule.
        groups: how addresses are grouped.
        rng: draws the key of netgroups.
    """

    def __init__(
        self,
        config: ConnectionsConfig,
        table: ConnectionTable,
        bans: BanList,
        groups: NetGroups,
        rng: Random,
    ) -> None:
        self._config = config
        self._table = table
        self._bans = bans
        self._groups = groups
        self._group_key = rng.getrandbits(128).to_bytes(16, "little")

    def keyed_netgroup(self, address: NetAddress) -> int:
        """A peer's netgroup under our secret key, for `InboundCandidate`: below 2**64."""
        return siphash24(self._group_key, self._groups.group(address))

    def admit(
        self,
        remote: NetAddress,
        candidates: Iterable[InboundCandidate],
        now: Instant,
        noban: bool = False,
    ) -> InboundAdmitted | InboundRefused:
        """Whether a new inbound connection may stay, and who goes for it.

        Args:
            remote: whose.
            candidates: the inbound peers there are, without the new one; looked at only when one
                of them has to go.
            now: when.
            noban: the operator protects it.
        """
        if not self._table.is_active:
            return InboundRefused("network is switched off")
        inbound = self._table.count_open(ConnectionType.INBOUND)
        limit = self._config.max_inbound
        if not noban:
            if self._bans.is_banned(remote, now):
                return InboundRefused("banned")
            if self._bans.is_discouraged(remote) and inbound + 1 >= limit:
                return InboundRefused("discouraged, and slots are scarce")
        if inbound < limit:
            return InboundAdmitted()
        victim = choose_inbound(list(candidates))
        if victim is None:
            return InboundRefused("connection slots are full")
        return InboundAdmitted(victim)

    def admit_relay(
        self, peer: PeerId, candidates: Iterable[InboundCandidate]
    ) -> InboundAdmitted | InboundRefused:
        """Whether an inbound peer may have transactions, which it has just asked for.

        Args:
            peer: who.
            candidates: the inbound peers there are, this one among them.
        """
        relaying = [candidate for candidate in candidates if candidate.relays_transactions]
        if len(relaying) <= self._config.max_inbound_relay:
            return InboundAdmitted()
        victim = choose_inbound([each for each in relaying if each.peer != peer])
        if victim is None:
            return InboundRefused("all places of peers with transactions are taken")
        return InboundAdmitted(victim)

    def misbehaved(self, peer: PeerId) -> bool:
        """A peer broke a rule, and its permissions do not protect it.

        Returns:
            Whether its connection ends. That of a manual peer does not: the operator wants it.
        """
        connection = self._table.open.get(peer)
        if connection is None:
            return True
        if connection.kind is ConnectionType.MANUAL:
            return False
        address = connection.address
        # Whoever forwards connections to us from this machine stands for more than one peer.
        if address is not None and (self._config.lab or not address.is_local()):
            self._bans.discourage(address)
        return True
