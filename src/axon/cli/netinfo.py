"""`axon rpc -netinfo`: a node's peers at a glance, in the columns of `bitcoin-cli -netinfo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from axon.errors import ConfigError

MAX_LEVEL: Final = 4

_SHORT: Final = {
    "not_publicly_routable": "npr",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "onion": "onion",
    "i2p": "i2p",
    "cjdns": "cjdns",
    "internal": "int",
}
_UNREACHABLE: Final = ("not_publicly_routable", "internal")
"""Networks in which nobody is dialled, but whose peers may come."""

_TYPES: Final = {
    "outbound-full-relay": "full",
    "block-relay-only": "block",
    "manual": "manual",
    "feeler": "feeler",
    "addr-fetch": "addr",
    "private-broadcast": "priv",
}
_SERVICE_LETTERS: Final = {"NETWORK_LIMITED": "l", "P2P_V2": "2"}
_LONGEST_PING_MS: Final = 999_999

HELP: Final = """axon rpc -netinfo (level [outonly]) | help

Shows the peers of a node, by getpeerinfo and getnetworkinfo.

1. level    0: how many there are by network; and the node's own addresses (default)
            1: each peer besides, without its address and version
            2: with its address   3: with its version   4: with both
2. outonly  or "o": only peers that were dialled; behind a level above 0

<->    in or out                       txn    minutes since its last transaction, * for none wanted
type   full, block, manual, feeler,    blk    minutes since its last block
       addr, priv                      hb     high bandwidth compact blocks: . to it, * from it
net    its network                     addrp  addresses processed, . for none relayed
serv   services by first letter;       addrl  addresses dropped for coming too fast
       l: the last blocks, 2: BIP 324  age    minutes since it connected
v      transport                       asmap  its autonomous system
mping  shortest ping, ms               id     its number
ping   last ping, ms
send, recv  seconds since
"""


@dataclass(frozen=True, slots=True)
class NetinfoRequest:
    """How much is to be shown.

    Args:
        level: 0 to `MAX_LEVEL`.
        outbound_only: of the single peers.
    """

    level: int = 0
    outbound_only: bool = False

    @property
    def has_addresses(self) -> bool:
        """Whether each peer's address is shown."""
        return self.level in (2, 4)

    @property
    def has_versions(self) -> bool:
        """Whether each peer's version is shown."""
        return self.level in (3, 4)


def read_request(arguments: Sequence[str]) -> NetinfoRequest:
    """What stands behind `-netinfo`.

    Raises:
        ConfigError: it is no level, or says nothing of which there is one.
    """
    more = "For more information, run: axon rpc -netinfo help"
    if not arguments:
        return NetinfoRequest()
    text = arguments[0]
    if not (text.isascii() and text.isdecimal() and int(text) < 256):
        raise ConfigError(f"invalid -netinfo level argument: {text}\n{more}")
    level = min(int(text), MAX_LEVEL)
    if len(arguments) == 1:
        return NetinfoRequest(level)
    fault = f"invalid -netinfo outonly argument: {arguments[1]}"
    if not level:
        raise ConfigError(
            f"{fault}\nThe outonly argument is only valid for a level greater than 0 (the first "
            f"argument). {more}"
        )
    if arguments[1] not in ("o", "outonly"):
        raise ConfigError(f"{fault}\n{more}")
    return NetinfoRequest(level, outbound_only=True)


def dashboard(
    request: NetinfoRequest,
    client: str,
    peers: Sequence[Mapping[str, Any]],
    network: Mapping[str, Any],
    now_s: int,
) -> str:
    """The whole text.

    Args:
        client: how this program is called, for the first line.
        peers: as `getpeerinfo` answers.
        network: as `getnetworkinfo` answers.
        now_s: seconds since 1970.
    """
    services = network["localservicesnames"]
    known = [peer for peer in peers if peer["network"] in _SHORT]
    server = f"{network['protocolversion']}{network['subversion']}"
    shown = f" - services {_letters(services)}" if request.level else ""
    parts = [f"{client} - server {server}{shown}\n\n"]
    listed = [peer for peer in known if not (request.outbound_only and peer["inbound"])]
    if request.level and listed:
        parts.append(_listing(request, listed, now_s))
    parts.append(_counts(known, network["networks"]))
    if not request.level:
        words = ", ".join(services).replace("_", " ").lower()
        parts.append(f"\n\nLocal services: {words}")
    return "".join(parts) + _own_addresses(network["localaddresses"])


def _letters(services: Sequence[str]) -> str:
    return "".join(_SERVICE_LETTERS.get(name, name[:1].lower()) for name in services)


def _listing(request: NetinfoRequest, peers: Sequence[Mapping[str, Any]], now_s: int) -> str:
    """A line for each peer, those who came first, the quicker ones ahead."""
    ordered = sorted(peers, key=lambda peer: (not peer["inbound"], _seconds(peer, "minping")))
    services = [_letters(peer["servicesnames"]) for peer in ordered]
    ages = [_since(peer["conntime"], now_s, 60) for peer in ordered]
    wide = {
        "serv": max(6, *map(len, services)),
        "addrp": max(5, *(len(str(peer.get("addr_processed", 0))) for peer in ordered)),
        "addrl": max(6, *(len(str(peer.get("addr_rate_limited", 0))) for peer in ordered)),
        "age": max(5, *map(len, ages)),
        "id": max(2, *(len(str(peer["id"])) for peer in ordered)),
    }
    systems = any(peer.get("mapped_as") for peer in ordered)
    address_width = 0
    if request.has_addresses:
        address_width = max(len(peer["addr"]) for peer in ordered) + 1
    lines = [
        f"<->   type   net {'serv':>{wide['serv']}}  v  mping   ping send recv  txn  blk  hb "
        f"{'addrp':>{wide['addrp']}}{'addrl':>{wide['addrl']}}{'age':>{wide['age']}} "
        f"{' asmap ' if systems else ''}{'id':>{wide['id']}} "
        f"{'address' if request.has_addresses else '':<{address_width}}"
        f"{'version' if request.has_versions else ''}"
    ]
    for peer, offered, age in zip(ordered, services, ages, strict=True):
        processed, limited = peer.get("addr_processed", 0), peer.get("addr_rate_limited", 0)
        relays = peer.get("addr_relay_enabled", False)
        system = str(peer.get("mapped_as") or "") if systems else ""
        version = f"{peer['version']}{peer['subver']}"
        lines.append(
            f"{'in' if peer['inbound'] else 'out':>3} {_TYPES.get(peer['connection_type'], ''):>6} "
            f"{_SHORT[peer['network']]:>5} {offered:>{wide['serv']}} {_transport(peer):>2}"
            f"{_ping(peer, 'minping'):>7}{_ping(peer, 'pingtime'):>7}"
            f"{_since(peer['lastsend'], now_s, 1):>5}{_since(peer['lastrecv'], now_s, 1):>5}"
            f"{_last_transaction(peer, now_s):>5}{_since(peer['last_block'], now_s, 60):>5}  "
            f"{'.' if peer['bip152_hb_to'] else ' '}{'*' if peer['bip152_hb_from'] else ' '} "
            f"{processed or ('' if relays else '.'):>{wide['addrp']}}"
            f"{limited or '':>{wide['addrl']}}{age:>{wide['age']}}"
            f"{system:>{7 if systems else 0}} {peer['id']:>{wide['id']}} "
            f"{peer['addr'] if request.has_addresses else '':<{address_width}}"
            f"{version if request.has_versions and version != '0' else ''}"
        )
    units = f"{'':>{wide['serv']}}         ms     ms  sec  sec  min  min                "
    lines.append(f"                {units}{'min':>{wide['age']}}\n\n")
    return "\n".join(lines)


def _transport(peer: Mapping[str, Any]) -> str:
    name = peer.get("transport_protocol_type", "v1")
    return name[1] if len(name) == 2 and name[0] == "v" else " "


def _seconds(peer: Mapping[str, Any], field: str) -> float:
    return float(peer.get(field, -1))


def _ping(peer: Mapping[str, Any], field: str) -> str:
    seconds = _seconds(peer, field)
    if seconds < 0:
        return ""
    # Halves go up, as C's `round` has it.
    return "-" if (ms := int(1000 * seconds + 0.5)) > _LONGEST_PING_MS else str(ms)


def _since(moment_s: int, now_s: int, unit_s: int) -> str:
    return str(int((now_s - moment_s) / unit_s)) if moment_s else ""


def _last_transaction(peer: Mapping[str, Any], now_s: int) -> str:
    told = _since(peer["last_transaction"], now_s, 60)
    return told if told or peer.get("relaytxes", True) else "*"


def _counts(peers: Sequence[Mapping[str, Any]], networks: Sequence[Mapping[str, Any]]) -> str:
    """How many peers there are, by network and direction."""
    here = {peer["network"] for peer in peers}
    columns = [each["name"] for each in networks if each["reachable"] and each["name"] in _SHORT]
    odd = [name for name in _UNREACHABLE if name in here]
    kinds = [peer["connection_type"] for peer in peers]
    manual, relaying = kinds.count("manual"), kinds.count("block-relay-only")
    heads = [f"{name:>8}" for name in (*columns, *(_SHORT[name] for name in odd))]
    lines = [f"     {''.join(heads)}   total   block{'  manual' if manual else ''}"]
    for title, wanted in (("in", (True,)), ("out", (False,)), ("total", (True, False))):
        of_row = [peer["network"] for peer in peers if peer["inbound"] in wanted]
        line = f"{title:<5}" + "".join(f"{of_row.count(name):>8}" for name in (*columns, *odd))
        line += f"   {len(of_row):>5}"
        if title == "out":
            line += f"   {relaying:>5}" + (f"   {manual:>5}" if manual else "")
        lines.append(line)
    return "\n".join(lines)


def _own_addresses(addresses: Sequence[Mapping[str, Any]]) -> str:
    if not addresses:
        return "\n\nLocal addresses: n/a\n"
    width = max(len(own["address"]) for own in addresses) + 1
    return "\n\nLocal addresses" + "".join(
        f"\n{own['address']:<{width}}    port {own['port']:>6}    score {own['score']:>6}"
        for own in addresses
    )
