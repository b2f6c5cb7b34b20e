"""Bans: whom the operator does not want to talk to."""

from __future__ import annotations

from axon.errors import DecodeError
from axon.node.commands import DisconnectNode
from axon.p2p.banlist import BanList, Subnet
from axon.primitives.netaddress import NetAddress
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError

_USAGE = 'setban "subnet" "command" ( bantime absolute )'


@method("network")
async def setban(
    daemon: Daemon, subnet: str, command: str, bantime: int = 0, absolute: bool = False
) -> Json:
    """Attempts to add or remove an IP/Subnet from the banned list.

    Args:
        subnet: The IP/Subnet (see getpeerinfo for nodes IP) with an optional netmask (default is
            /32 = single IP)
        command: 'add' to add an IP/Subnet to the list, 'remove' to remove an IP/Subnet from the
            list
        bantime: time in seconds how long (or until when if [absolute] is set) the IP is banned (0
            or empty means using the default time of 24h)
        absolute: If set, the bantime must be an absolute timestamp expressed in UNIX epoch time

    Returns:
        null    (json null)
    """
    if command not in ("add", "remove"):
        raise RpcError(Code.MISC, _USAGE)
    try:
        wanted = Subnet.from_text(subnet)
    except DecodeError:
        raise RpcError(Code.SUBNET, "Error: Invalid IP/Subnet") from None
    bans = daemon.node.links.bans
    if command == "remove":
        if not bans.unban(wanted):
            raise RpcError(
                Code.SUBNET,
                "Error: Unban failed. Requested address/subnet was not previously manually banned.",
            )
    else:
        if _is_banned(daemon, bans, wanted, subnet):
            raise RpcError(Code.NODE_ALREADY_ADDED, "Error: IP/Subnet already banned")
        bans.ban(wanted, daemon.clock.now(), _end_of_ban(daemon, bantime, absolute))
        await _disconnect(daemon, wanted)
    await daemon.save_peers()
    return None


def _is_banned(daemon: Daemon, bans: BanList, wanted: Subnet, text: str) -> bool:
    """A subnet is banned by a ban of just that one, an address by any that covers it."""
    now = daemon.clock.now()
    if "/" in text:
        return bans.has_ban(wanted, now)
    return bans.is_banned(NetAddress(wanted.network, wanted.first, 0), now)


def _end_of_ban(daemon: Daemon, bantime: int, absolute: bool) -> int:
    """When a ban ends, in seconds since 1970."""
    if absolute and bantime < daemon.now_s:
        raise RpcError(Code.PARAMETER, "Error: Absolute timestamp is in the past")
    if bantime <= 0:
        return daemon.now_s + daemon.node.settings.ban_time_s
    return bantime if absolute else daemon.now_s + bantime


async def _disconnect(daemon: Daemon, subnet: Subnet) -> None:
    """End all connections to a subnet, protected ones too: the operator says so."""
    sessions = list(daemon.node.sessions.items())
    for peer, session in sessions:
        if session.address is not None and session.address in subnet:
            await daemon.command(DisconnectNode(peer))


@method("network")
def listbanned(daemon: Daemon) -> Json:
    """List all manually banned IPs/Subnets.

    Returns:
        [                              (json array)
          {                            (json object)
            "address" : "str",         (string) The IP/Subnet of the banned node
            "ban_created" : xxx,       (numeric) The UNIX epoch time the ban was created
            "banned_until" : xxx,      (numeric) The UNIX epoch time the ban expires
            "ban_duration" : xxx,      (numeric) The ban duration, in seconds
            "time_remaining" : xxx     (numeric) The time remaining until the ban expires
          },
          ...
        ]
    """
    now_s = daemon.now_s
    return [
        {
            "address": str(ban.subnet),
            "ban_created": ban.created_s,
            "banned_until": ban.until_s,
            "ban_duration": ban.until_s - ban.created_s,
            "time_remaining": ban.until_s - now_s,
        }
        for ban in daemon.node.links.bans.listed(daemon.clock.now())
    ]


@method("network")
async def clearbanned(daemon: Daemon) -> Json:
    """Clear all banned IPs.

    Returns:
        null    (json null)
    """
    daemon.node.links.bans.clear()
    await daemon.save_peers()
    return None
