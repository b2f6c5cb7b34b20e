"""The server itself: who it is, and that it is there."""

from __future__ import annotations

from axon.electrum.client import Client
from axon.electrum.service import ElectrumService
from axon.electrum.versions import PROTOCOL_MAX, PROTOCOL_MIN, version_text
from axon.primitives.hashes import to_hex


async def version(
    service: ElectrumService,
    client: Client,
    client_name: object = "",
    protocol_version: object = None,
    *_: object,
    **__: object,
) -> object:
    """Agree on a version of the protocol; further arguments are of later ones, and ignored."""
    agreed = client.session.negotiate(client_name, protocol_version)
    return [service.software, version_text(agreed)]


async def banner(service: ElectrumService, _: Client) -> object:
    """What a wallet may show of the server."""
    node = service.daemon.node
    return f"{service.software}, a full node of your own on {node.network.name}."


async def features(service: ElectrumService, _: Client) -> object:
    """What the server is and can do."""
    return {
        "hosts": {},
        "genesis_hash": to_hex(service.daemon.node.network.genesis.hash),
        "hash_function": "sha256",
        "server_version": service.software,
        "protocol_min": version_text(PROTOCOL_MIN),
        "protocol_max": version_text(PROTOCOL_MAX),
        "pruning": None,
        "services": [],
    }


async def peers_subscribe(_: ElectrumService, __: Client) -> object:
    """Other servers: none is known, this one is its owner's."""
    return []


async def add_peer(_: ElectrumService, __: Client, features: object) -> object:  # noqa: ARG001
    """Whether another server is taken in: it is not, this one tells nobody of any."""
    return False


async def donation_address(_: ElectrumService, __: Client) -> object:
    """Nobody asks for a donation."""
    return ""


async def ping(_: ElectrumService, __: Client) -> object:
    """Nothing, but that the server is there."""
    return None
