"""What a node-wide part of this room wants done to a peer: send a message, or disconnect it."""

from __future__ import annotations

from dataclasses import dataclass

from axon.machine import PeerId
from axon.p2p.faults import PeerFault
from axon.wire.messages import Message


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to a peer, after all that was sent to it before."""

    peer: PeerId
    message: Message


@dataclass(frozen=True, slots=True)
class DisconnectPeer:
    """End the connection of a peer that failed between two messages."""

    peer: PeerId
    fault: PeerFault


Action = Send | DisconnectPeer
