"""Questions about the addresses of other nodes that are known."""

from __future__ import annotations

from random import SystemRandom
from typing import Final

from axon.errors import DecodeError
from axon.p2p.addrtables import TablePlace, sample
from axon.p2p.netgroups import NetGroups
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from axon.rpc.amounts import Json, LazyObject, made_list
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32
from axon.rpc.shapes.peers import NETWORK_NAMES, network_name
from axon.wire.messages import Services

_BY_NAME: Final = {name: network for network, name in NETWORK_NAMES.items()}
_OFFERED: Final = int(Services.NETWORK | Services.WITNESS)


@method("network")
async def getnodeaddresses(daemon: Daemon, count: Int32 = 1, network: str | None = None) -> Json:
    """Return known addresses, after filtering for quality and recency.
    These can potentially be used to find new peers in the network.
    The total number of addresses known to the node may be higher.

    Args:
        count: The maximum number of addresses to return. Specify 0 to return all known addresses.
        network: Return only addresses of the specified network. Can be one of: ipv4, ipv6, onion,
            i2p, cjdns.

    Returns:
        [                         (json array)
          {                       (json object)
            "time" : xxx,         (numeric) The UNIX epoch time when the node was last seen
            "services" : n,       (numeric) The services offered by the node
            "address" : "str",    (string) The address of the node
            "port" : n,           (numeric) The port number of the node
            "network" : "str"     (string) The network the node connected through
          },
          ...
        ]
    """
    if count < 0:
        raise RpcError(Code.PARAMETER, "Address count out of range")
    wanted: AddressNetwork | None = None
    if network is not None:
        wanted = _BY_NAME.get(network.lower())
        if wanted is None:
            raise RpcError(Code.PARAMETER, f"Network not recognized: {network}")
    links, now = daemon.node.links, daemon.clock.now()
    entries = links.addrman.entries()
    most = min(count, len(entries)) if count else len(entries)
    found = await daemon.off_loop(sample, entries, most, wanted, daemon.now_s, SystemRandom())
    free = [
        known
        async for known in daemon.in_turns(found)
        if not links.bans.is_refused(known.address, now)
    ]
    return made_list(_known_json, free)


def _known_json(known: TimedAddress) -> dict[str, Json]:
    return {
        "time": known.time,
        "services": known.services,
        "address": known.address.to_text(),
        "port": known.address.port,
        "network": NETWORK_NAMES[known.address.network],
    }


@method("hidden")
def addpeeraddress(daemon: Daemon, address: str, port: int, tried: bool = False) -> Json:
    """Add the address of a potential peer to an address manager table.
    This RPC is for testing only.

    Args:
        address: The IP address of the peer
        port: The port of the peer
        tried: If true, attempt to add the peer to the tried addresses table

    Returns:
        {                            (json object)
          "success" : true|false,    (boolean) whether the peer address was successfully added
          "error" : "str"            (string, optional) error description, if it was not
        }
    """
    if not 0 <= port < 1 << 16:
        raise RpcError(Code.MISC, "JSON integer out of range")
    cjdns = daemon.node.settings.connections.cjdns
    try:
        peer = NetAddress.from_text(address, port, cjdns=cjdns)
    except DecodeError:
        raise RpcError(Code.SUBNET, "Invalid IP address") from None
    addrman, now = daemon.node.links.addrman, daemon.clock.now()
    # It is filed as if the peer had announced itself.
    if not addrman.add([TimedAddress(daemon.now_s, _OFFERED, peer)], peer, now):
        return {"success": False, "error": "failed-adding-to-new"}
    if tried and not addrman.good(peer, now):
        return {"success": False, "error": "failed-adding-to-tried"}
    return {"success": True}


@method("network")
def getaddrmaninfo(daemon: Daemon) -> Json:
    """Provides information about the node's address manager by returning the number of addresses
    in the `new` and `tried` tables and their sum for all networks.

    Returns:
        {                      (json object) one entry for each network, and all_networks
          "network" : {        (json object)
            "new" : n,         (numeric) number of addresses in the new table
            "tried" : n,       (numeric) number of addresses in the tried table
            "total" : n        (numeric) total number of addresses in both tables
          },
          ...
        }
    """
    addrman = daemon.node.links.addrman

    def sizes(network: AddressNetwork | None) -> dict[str, Json]:
        new, tried = addrman.size(network, tried=False), addrman.size(network, tried=True)
        return {"new": new, "tried": tried, "total": new + tried}

    shown = {name: sizes(network) for network, name in NETWORK_NAMES.items()}
    return {**shown, "all_networks": sizes(None)}


@method("hidden")
async def getrawaddrman(daemon: Daemon) -> Json:
    """EXPERIMENTAL warning: this call may be changed in future releases.

    Returns information on all address manager entries for the new and tried tables.

    Returns:
        {                                  (json object)
          "table" : {                      (json object) new or tried
            "bucket/position" : {          (json object) the place of the entry
              "address" : "str",           (string) The address of the node
              "mapped_as" : n,             (numeric, optional) The autonomous system of the address,
                                           only displayed if the -asmap config option is set
              "port" : n,                  (numeric) The port number of the node
              "network" : "str",           (string) The network of the address
              "services" : n,              (numeric) The services offered by the node
              "time" : xxx,                (numeric) The UNIX epoch time it was last seen
              "source" : "str",            (string) The address of the peer that announced it
              "source_network" : "str",    (string) The network of that address
              "source_mapped_as" : n       (numeric, optional) The autonomous system of that
                                           address, only displayed if the -asmap config option is
                                           set
            },
            ...
          },
          ...
        }
    """
    addrman, lab = daemon.node.links.addrman, daemon.node.settings.connections.lab

    def shown(place: TablePlace) -> tuple[str, Json]:
        return f"{place.bucket}/{place.slot}", _place_json(place, addrman.groups, lab)

    tables: dict[str, Json] = {}
    for name, tried in (("new", False), ("tried", True)):
        places: list[TablePlace] = []
        async for bucket in daemon.in_turns(addrman.buckets(tried)):
            places += addrman.places_in(tried, bucket)
        tables[name] = LazyObject(shown, places)
    return tables


def _place_json(place: TablePlace, groups: NetGroups, lab: bool) -> dict[str, Json]:
    record = place.record
    system, of_source = groups.mapped_as(record.address), groups.mapped_as(record.source)
    return {
        "address": record.address.to_text(),
        **({"mapped_as": system} if system else {}),
        "port": record.address.port,
        "network": network_name(record.address, lab),
        "services": record.services,
        "time": record.time_s,
        "source": record.source.to_text(),
        "source_network": network_name(record.source, lab),
        **({"source_mapped_as": of_source} if of_source else {}),
    }
