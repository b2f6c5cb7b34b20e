"""The contract between a state machine and its driver.

A machine is told what happened and when (`Event`, `now`) and answers with what to do (`Effect`).
There is no third door: no socket, clock, file, thread or global randomness below this line, so one
machine runs unchanged on real sockets (`drivers/aio`) and in a simulated network (`drivers/sim`).

What a driver promises:

- `PeerId`s are small integers that count up from 0 in the order in which connections opened, and
  are never used again.
- For a peer: one `Opened`, then any number of `Received`, `Clogged`, `Drained`, then one `Closed`;
  unless the machine itself said `Disconnect`: then nothing more comes from it, not even `Closed`.
- Bytes of `Transmit` arrive in order or not at all; effects for a peer that has gone are dropped.
- `tick(now)` comes at or after `deadline()`; ringing too early is harmless.
- Between `Pause` and `Resume` nothing new is read from a peer; what was on the way may still come.
- Each `Dial` is answered by one `Opened` with its ticket or by one `DialFailed`; each `Resolve` by
  one `Resolved`; each `Delegate` by one `Completed`. Jobs of one lane run in order, one at a time.
  When the machine stops, jobs that have not begun are dropped: each is one that can be redone.
- Each `Commanded` is answered by the machine with one `Answer`, now or later; with
  `NoCommand` if it knows none such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NewType, Protocol, Self

from axon.errors import AxonError

Instant = int
"""Microseconds since the Unix epoch. Only a person's `setmocktime` makes it go back."""

IMMEDIATELY: Instant = 0
"""The deadline of a machine that has work left: each tick does a bounded part of it."""

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

PeerId = NewType("PeerId", int)


MAX_ENDPOINT_SIZE: Final = 300
"""Characters of an endpoint in writing; a name has 253 at most (RFC 1035), and a port 5."""


class EndpointError(AxonError, ValueError):
    """A text that names no endpoint.

    Args:
        text: the whole of it; its beginning, if it is very long.
        bad_port: whether a host can be read, and the port behind it cannot.
    """

    def __init__(self, text: str, *, bad_port: bool) -> None:
        super().__init__(f"{text!r} names no {'port' if bad_port else 'host'}")
        self.bad_port = bad_port


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a connection: host as text (IPv6 without brackets, or a name) and TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int) -> Self:
        """Read `host`, `host:port`, `IPv6`, `[IPv6]` or `[IPv6]:port`.

        The host may be a name; whether there is one of this name is not asked. The port is 1 to
        65,535, but 0 on I2P, which has none (SAM 3.1).

        Args:
            default_port: what a text without a port means; it is taken as it is.

        Raises:
            EndpointError: it is none of these.
        """
        if len(text) > MAX_ENDPOINT_SIZE:
            raise EndpointError(f"{text[:MAX_ENDPOINT_SIZE]}...", bad_port=False)
        host, port_text = text, ""
        if text.startswith("["):
            host, bracket, port_text = text[1:].partition("]")
            if not bracket or (port_text and not port_text.startswith(":")):
                raise EndpointError(text, bad_port=True)
        elif text.count(":") == 1:
            host, port_text = text[: text.index(":")], text[text.index(":") :]
        if not host or any(sign.isspace() for sign in host):
            raise EndpointError(text, bad_port=False)
        on_i2p = host.lower().endswith(".b32.i2p")
        if not port_text:
            return cls(host, 0 if on_i2p else default_port)
        digits = port_text[1:]
        if on_i2p and digits == "0":
            return cls(host, 0)
        if not (digits.isascii() and digits.isdecimal() and 0 < int(digits) < 1 << 16):
            raise EndpointError(text, bad_port=True)
        return cls(host, int(digits))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


ANY_PORT: Final = Endpoint("127.0.0.1", 0)
"""A port of this machine alone that is free."""


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection stands. `ticket` is that of the `Dial` it answers, None for an inbound one."""

    peer: PeerId
    remote: Endpoint
    local: Endpoint
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes came in, cut anywhere."""

    peer: PeerId
    data: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The other side, or the network, ended the connection."""

    peer: PeerId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Clogged:
    """The send buffer of this peer is over its bound; what is transmitted now still waits in it."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class Drained:
    """The send buffer of a clogged peer is low again."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class DialFailed:
    """No connection came of this `Dial`."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a name resolved to; empty if nothing."""

    ticket: int
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """Slow work is done. `outcome` is the job's own result value."""

    task: int
    outcome: object


@dataclass(frozen=True, slots=True)
class Commanded:
    """The operator (RPC, command line, lab) asks for something; `Answer(ticket, ...)` answers."""

    ticket: int
    command: object


Event = (
    Opened | Received | Closed | Clogged | Drained | DialFailed | Resolved | Completed | Commanded
)


# Effects: what to do.


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send bytes to a peer."""

    peer: PeerId
    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End a connection, after what was transmitted before has been handed to the network."""

    peer: PeerId
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop reading from a peer: more of its messages wait than the machine is willing to hold."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class Resume:
    """Read from a paused peer again."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class Dial:
    """Open an outbound connection; `ticket` names the attempt.

    Args:
        private: nothing is to lead from it to us: through Tor whatever the network, or from an I2P
            address of its own. Where that cannot be, it fails.
    """

    ticket: int
    endpoint: Endpoint
    private: bool = False


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask DNS for the addresses of a name; `port` is put into the endpoints that come back."""

    ticket: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Delegate:
    """Run slow or blocking work off the loop.

    Args:
        task: names it in `Completed`.
        job: a frozen dataclass; whoever puts the program together maps its type to a function.
        lane: jobs of one lane run in order, one at a time; lanes run beside each other.
    """

    task: int
    job: object
    lane: str


@dataclass(frozen=True, slots=True)
class Report:
    """A fact for whoever listens: log, RPC notifications, metrics, screens, the lab."""

    fact: object


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a `Commanded`."""

    ticket: int
    value: object


@dataclass(frozen=True, slots=True)
class NoCommand:
    """The value of an `Answer` to what the machine has no such command for.

    Whoever asked is told by a `TypeError`; the machine goes on.
    """

    command: object

    def __str__(self) -> str:
        return f"expected a command of this node (axon.node.commands), not {self.command!r:.200}"


Effect = Transmit | Disconnect | Pause | Resume | Dial | Resolve | Delegate | Report | Answer


def earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    """The earlier of two deadlines; None is never. Asked after every event, so without a list."""
    if one is None or (other is not None and other < one):
        return other
    return one


class Machine(Protocol):
    """A state machine without I/O. All three methods return quickly and never block."""

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Take in one event; the effects are performed in order."""
        ...

    def tick(self, now: Instant) -> list[Effect]:
        """Do what is due. Does nothing before `deadline()`.

        A due tick moves the deadline on, so that nobody ticks for ever; only `IMMEDIATELY` may
        stay, for as long as work is left.
        """
        ...

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called next: None for never, `IMMEDIATELY` for work left."""
        ...
