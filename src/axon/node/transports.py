"""Which transport a new connection begins with (BIP 324)."""

from __future__ import annotations

from random import Random

from axon.machine import Endpoint
from axon.node.settings import LinkSettings
from axon.primitives.netaddress import NetAddress
from axon.wire.detection import Detection
from axon.wire.transport import Transport
from axon.wire.v1 import V1Transport
from axon.wire.v2 import V2Transport


def for_dial(settings: LinkSettings, rng: Random, *, v2: bool) -> Transport:
    """Of whom we have dialled.

    Args:
        rng: keys and garbage.
        v2: with encryption.
    """
    magic = settings.network.magic
    return V2Transport(magic, rng, initiating=True) if v2 else V1Transport(magic)


def for_caller(
    settings: LinkSettings, rng: Random, local: Endpoint, address: NetAddress | None
) -> Transport:
    """Of whoever has dialled us: he begins as he likes, unless we speak one transport only.

    Args:
        rng: keys and garbage.
        local: where he came in.
        address: his.
    """
    magic = settings.network.magic
    if not settings.connections.v2:
        return V1Transport(magic)
    if local not in settings.onion_binds and settings.connections.requires_v2(address):
        return V2Transport(magic, rng, initiating=False)
    return Detection(magic, rng)
