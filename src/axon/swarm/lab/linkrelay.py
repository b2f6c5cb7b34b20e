"""The relay of a run: it carries what some components send, and has it take its time or get lost.

    n1 [eth0] --- n1 == relay == r.00.1 --- b.00.1 --- bridge     all but eth0 in one namespace

Everything that passes between such a component and the bridge goes through this program, which has
a raw socket at either side. What the component sends is delayed or dropped by the way it takes,
what comes in passes at once: it was shaped where it was sent. What hosts need to find each other on
the bridge (neighbour discovery, RFC 4861) passes at once, too.

The relay reads `links.json` in its folder at its start and at each SIGUSR1, and writes into
`applied.json` which one it goes by. It outlives its controller, as nodes do; without it nothing
passes, and nothing passes unshaped. What waits in it is bounded (`packetflow`).
"""

from __future__ import annotations

import json
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from ipaddress import IPv6Address
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from axon.drivers.aio.privatefiles import write_file
from axon.machine import SECOND, Instant
from axon.swarm.lab.packetflow import PacketFlow, PacketQueue
from axon.swarm.lab.shapedlinks import ShapedLink, link_of

LINKS: Final = "links.json"
APPLIED: Final = "applied.json"
CALL: Final = signal.SIGUSR1

FRAME_BYTES: Final = 2_048
"""More than an Ethernet frame has: offloads that make larger ones are switched off."""

RECEIVE_BUFFER_BYTES: Final = 4 << 20
"""What the kernel holds of each port while the relay is busy; more is lost."""

MAX_AT_ONCE: Final = 64
"""Frames that are read of one port before the next port has its turn."""

_ETH_P_ALL: Final = 3
_SOL_PACKET: Final = 263
_PACKET_IGNORE_OUTGOING: Final = 23
_SO_RCVBUFFORCE: Final = 33
_IPV6: Final = b"\x86\xdd"
_ETHERTYPE: Final = slice(12, 14)
_NEXT_HEADER: Final = 20
_TARGET: Final = slice(38, 54)
_ICMPV6_TYPE: Final = 54
_ICMPV6: Final = 58
_DISCOVERY: Final = range(133, 138)
_NS: Final = 1_000
"""Nanoseconds in a microsecond."""


@dataclass(frozen=True, slots=True)
class RelayPort:
    """A component whose packets are carried.

    Args:
        name: of it.
        inside: the interface that leads to it.
        outside: the one that leads to the bridge.
    """

    name: str
    inside: str
    outside: str


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """What the relay is told.

    Args:
        seed: of all chance.
        ports: whose packets are carried.
        hosts: the address of each component, by its name.
        links: what is done to which ways.
    """

    seed: int
    ports: tuple[RelayPort, ...]
    hosts: dict[str, str]
    links: tuple[ShapedLink, ...]

    def to_json(self) -> dict[str, object]:
        """For the file."""
        return {
            "seed": self.seed,
            "ports": [asdict(port) for port in self.ports],
            "hosts": self.hosts,
            "links": [link.to_json() for link in self.links],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the file."""
        return cls(
            data["seed"],
            tuple(RelayPort(**port) for port in data["ports"]),
            data["hosts"],
            tuple(ShapedLink.from_json(link) for link in data["links"]),
        )

    def write(self, folder: Path) -> None:
        """Put it where the relay reads it; all of it is there or the one before."""
        _write(folder / LINKS, self.to_json())

    def is_applied(self, folder: Path) -> bool:
        """Whether the relay goes by it."""
        try:
            found = json.loads((folder / APPLIED).read_bytes())
        except FileNotFoundError:
            return False
        return bool(found == json.loads(json.dumps(self.to_json())))


class _Port:
    """One component's two sockets, and the ways that lead from it."""

    def __init__(self, port: RelayPort, ends: ExitStack) -> None:
        self.name = port.name
        self.inside = ends.enter_context(_open(port.inside))
        self.outside = ends.enter_context(_open(port.outside))
        self.flows: dict[bytes, PacketFlow] = {}  # By the address to which each leads.


class Relay:
    """Carries packets until it is ended by a signal.

    Args:
        folder: in which it is told what to do.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue = PacketQueue()
        self._ports: dict[str, _Port] = {}
        self._ends = ExitStack()
        self._plan: RelayPlan | None = None

    def run(self) -> None:
        """Do it; never returns."""
        bell, hammer = socket.socketpair()
        for end in (bell, hammer):
            end.setblocking(False)
        signal.set_wakeup_fd(hammer.fileno(), warn_on_full_buffer=False)
        signal.signal(CALL, lambda _number, _frame: None)  # The bell rings.
        self._obey()
        while True:
            sockets = [bell, *(end for p in self._ports.values() for end in (p.inside, p.outside))]
            ready, _, _ = select.select(sockets, (), (), self._wait_s())
            if bell in ready:
                bell.recv(FRAME_BYTES)
                self._obey()
                continue
            for port in self._ports.values():
                if port.inside in ready:
                    self._take_out(port)
                if port.outside in ready:
                    for frame in _frames(port.outside):
                        _send(port.inside, frame)
            self._deliver()

    def _wait_s(self) -> float | None:
        deadline = self._queue.deadline()
        return None if deadline is None else max(0, deadline - _now()) / SECOND

    def _take_out(self, port: _Port) -> None:
        now = _now()
        for frame in _frames(port.inside):
            target = target_of(frame)
            flow = None if target is None else port.flows.get(target)
            if flow is None:
                _send(port.outside, frame)
            else:
                self._queue.put(flow, port.name, frame, now)

    def _deliver(self) -> None:
        for name, frame in self._queue.due(_now()):
            if name in self._ports:
                _send(self._ports[name].outside, frame)

    def _obey(self) -> None:
        """Go by what `links.json` says now; ways that stay as they were notice nothing."""
        plan = RelayPlan.from_json(json.loads((self._folder / LINKS).read_bytes()))
        before = self._plan
        if before is None or before.ports != plan.ports:
            self._ends.close()
            self._ports = {port.name: _Port(port, self._ends) for port in plan.ports}
            before = None
        for port in self._ports.values():
            for target, host in plan.hosts.items():
                self._set_flow(port, target, host, plan, before)
        self._plan = plan
        _write(self._folder / APPLIED, plan.to_json())

    def _set_flow(
        self, port: _Port, target: str, host: str, plan: RelayPlan, before: RelayPlan | None
    ) -> None:
        link, address = link_of(plan.links, port.name, target), IPv6Address(host).packed
        was = None if before is None else link_of(before.links, port.name, target)
        if link is None:
            port.flows.pop(address, None)
        elif was is None or was.quality != link.quality:
            rng = Random(f"{plan.seed}|{port.name}|{target}")
            model = None if link.quality is None else link.quality.model()
            port.flows[address] = PacketFlow(model, rng)


def target_of(frame: bytes) -> bytes | None:
    """To which address of IPv6 a frame goes; None for one that is to pass at once."""
    if len(frame) <= _ICMPV6_TYPE or frame[_ETHERTYPE] != _IPV6:
        return None
    if frame[_NEXT_HEADER] == _ICMPV6 and frame[_ICMPV6_TYPE] in _DISCOVERY:
        return None
    return frame[_TARGET]


def _open(interface: str) -> socket.socket:
    """A raw socket that hears all that comes in at an interface, and sends there."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # Hears nothing before it is bound.
    made.setblocking(False)
    made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    made.bind((interface, _ETH_P_ALL))
    return made


def _frames(end: socket.socket) -> list[bytes]:
    found: list[bytes] = []
    with suppress(OSError):  # No more, or the interface goes just now.
        while len(found) < MAX_AT_ONCE:
            found.append(end.recv(FRAME_BYTES))
    return found


def _send(end: socket.socket, frame: bytes) -> None:
    with suppress(OSError):  # The kernel's queue is full, or the interface goes: it is lost.
        end.send(frame)


def _now() -> Instant:
    return time.monotonic_ns() // _NS


def _write(path: Path, value: object) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write_file(fresh, json.dumps(value).encode())
    fresh.replace(path)


def main(told: Sequence[str]) -> int:
    """The program.

    Args:
        told: its folder.
    """
    Relay(Path(told[0])).run()
    return 1
