"""Why a connection exists. Its values are the names that `getpeerinfo` shows."""

from __future__ import annotations

from enum import Enum


class ConnectionType(Enum):
    """What a connection is for, which decides what is said on it."""

    INBOUND = "inbound"
    """The peer dialled us."""
    FULL_RELAY = "outbound-full-relay"
    """Dialled by ourselves, for blocks, transactions and addresses."""
    BLOCK_RELAY = "block-relay-only"
    """Dialled by ourselves, for blocks alone: what it shows of the network's shape is nothing."""
    MANUAL = "manual"
    """Dialled because the operator said so."""
    FEELER = "feeler"
    """Dialled to learn whether an address answers, then ended."""
    ADDR_FETCH = "addr-fetch"
    """Dialled for its addresses, then ended."""
    PRIVATE_BROADCAST = "private-broadcast"
    """Dialled to hand over one transaction of our own, without saying who we are, then ended."""

    @property
    def is_outbound(self) -> bool:
        """We dialled it."""
        return self is not ConnectionType.INBOUND

    @property
    def needs_services(self) -> bool:
        """It is of no use to us unless the peer serves blocks with witnesses."""
        return self in _NEEDS_SERVICES

    @property
    def relays_addresses(self) -> bool:
        """Addresses may be exchanged on it."""
        return self not in _WITHOUT_ADDRESSES

    @property
    def relays_transactions(self) -> bool:
        """Transactions may be exchanged on it, as among peers who stay."""
        return self not in _WITHOUT_TRANSACTIONS

    @property
    def is_private(self) -> bool:
        """Nothing said on it may show who we are."""
        return self is ConnectionType.PRIVATE_BROADCAST

    @property
    def is_lasting(self) -> bool:
        """It is meant to be kept, so headers and blocks are spoken of on it."""
        return self not in _SHORT


_NEEDS_SERVICES = frozenset(
    (
        ConnectionType.FULL_RELAY,
        ConnectionType.BLOCK_RELAY,
        ConnectionType.ADDR_FETCH,
        ConnectionType.PRIVATE_BROADCAST,
    )
)
_WITHOUT_ADDRESSES = frozenset((ConnectionType.BLOCK_RELAY, ConnectionType.PRIVATE_BROADCAST))
_WITHOUT_TRANSACTIONS = frozenset(
    (ConnectionType.BLOCK_RELAY, ConnectionType.FEELER, ConnectionType.PRIVATE_BROADCAST)
)
_SHORT = frozenset(
    (ConnectionType.FEELER, ConnectionType.ADDR_FETCH, ConnectionType.PRIVATE_BROADCAST)
)
