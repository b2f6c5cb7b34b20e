"""Messages that open a connection: version, verack, and what is agreed between the two."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from struct import Struct
from typing import ClassVar, Final, Self

from axon.errors import DecodeError
from axon.primitives.encoding import Reader, var_bytes
from axon.primitives.netaddress import UNSPECIFIED, NetAddress
from axon.wire.messages.empty import EmptyMessage
from axon.wire.messages.limits import Malformed

PROTOCOL_VERSION: Final = 70017
"""The protocol we speak: the version that brought `feature` (BIP 434)."""

MAX_USER_AGENT_SIZE: Final = 256
"""Longest user agent that is read, in bytes; bounds what a peer can put into logs and tables."""

MIN_FEATURE_ID: Final = 4
MAX_FEATURE_ID: Final = 80
"""Characters of a feature's name."""
MAX_FEATURE_DATA: Final = 512
"""Bytes that a feature may say of itself."""

_HEAD: Final = Struct("<iQq")
_U64: Final = Struct("<Q")
_I32: Final = Struct("<i")
_SAFE_PUNCTUATION: Final = " .,;-_/:?@()"


class Services(IntFlag):
    """What a node offers to others.

    Messages and addresses hold services as a plain int, to be tested with `&`. An `IntFlag`
    remembers every combination it was ever made from, so one must not be made of a peer's bits.
    """

    NONE = 0
    NETWORK = 1
    BLOOM = 4
    WITNESS = 8
    COMPACT_FILTERS = 64
    NETWORK_LIMITED = 1024
    P2P_V2 = 2048


@dataclass(frozen=True, slots=True)
class Version:
    """`version`: the first message of each side.

    Args:
        version: the newest protocol version the sender speaks, 32 bits, signed.
        services: what the sender offers, 64 bits, see `Services`.
        time: the sender's clock, seconds since 1970, 64 bits, signed.
        receiver: the address under which the sender sees the receiver.
        nonce: 64 random bits by which a node recognizes a connection to itself.
        user_agent: the sender's name and version (BIP 14), up to 256 characters; each is one byte
            on the wire, read as Latin-1 so that any bytes survive.
        start_height: height of the sender's tip, 32 bits, signed; -1 if not told.
        relay: whether the sender wants transactions announced (BIP 37).
        receiver_services: what the sender believes the receiver offers; nobody reads it.
        sender: the sender's own address; nobody reads it, Bitcoin Core leaves it empty.
        sender_services: `services` again.
    """

    command: ClassVar[str] = "version"

    version: int
    services: int
    time: int
    receiver: NetAddress
    nonce: int
    user_agent: str
    start_height: int
    relay: bool = True
    receiver_services: int = 0
    sender: NetAddress = UNSPECIFIED
    sender_services: int = 0

    def encode(self) -> bytes:
        """The payload; always with the relay flag at its end."""
        return b"".join(
            (
                _HEAD.pack(self.version, self.services, self.time),
                _U64.pack(self.receiver_services),
                self.receiver.encode_v1(),
                _U64.pack(self.sender_services),
                self.sender.encode_v1(),
                _U64.pack(self.nonce),
                var_bytes(self.user_agent.encode("latin-1")),
                _I32.pack(self.start_height),
                b"\x01" if self.relay else b"\x00",
            )
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A version from a payload, which in old forms ends early.

        It may end behind the receiver, the nonce, the user agent or the start height. What is
        missing is 1 for the nonce, -1 for the height, and relay wanted, as Bitcoin Core has it.

        Raises:
            DecodeError: it ends elsewhere, or the user agent is longer than 256 bytes.
        """
        reader = Reader(payload)
        version, services, time = _HEAD.unpack(reader.take(_HEAD.size))
        receiver_services = reader.u64()
        receiver = NetAddress.decode_v1(reader)
        sender_services, sender, nonce = 0, UNSPECIFIED, 1
        if reader.remaining:
            sender_services = reader.u64()
            sender = NetAddress.decode_v1(reader)
            nonce = reader.u64()
        user_agent = reader.var_bytes(MAX_USER_AGENT_SIZE) if reader.remaining else b""
        start_height = reader.i32() if reader.remaining else -1
        relay = reader.boolean() if reader.remaining else True
        return cls(
            version,
            services,
            time,
            receiver,
            nonce,
            user_agent.decode("latin-1"),
            start_height,
            relay,
            receiver_services,
            sender,
            sender_services,
        )

    @property
    def clean_user_agent(self) -> str:
        """The user agent without characters that could hurt a log, a terminal or a web page."""
        return "".join(
            c for c in self.user_agent if c.isascii() and (c.isalnum() or c in _SAFE_PUNCTUATION)
        )


@dataclass(frozen=True, slots=True)
class Verack(EmptyMessage):
    """`verack`: the sender has seen the other's version; the connection is open."""

    command: ClassVar[str] = "verack"


@dataclass(frozen=True, slots=True)
class WtxidRelay(EmptyMessage):
    """`wtxidrelay`: announce transactions by wtxid (BIP 339); only before `verack`."""

    command: ClassVar[str] = "wtxidrelay"


@dataclass(frozen=True, slots=True)
class SendAddrV2(EmptyMessage):
    """`sendaddrv2`: tell me addresses as `addrv2` (BIP 155); only before `verack`."""

    command: ClassVar[str] = "sendaddrv2"


@dataclass(frozen=True, slots=True)
class Feature:
    """`feature`: the sender knows an addition to the protocol (BIP 434); only before `verack`.

    Args:
        feature_id: its name, 4 to 80 characters; each is one byte on the wire, read as Latin-1 so
            that any bytes survive.
        data: what it says of itself, up to 512 bytes.
    """

    command: ClassVar[str] = "feature"

    feature_id: str
    data: bytes = b""

    def encode(self) -> bytes:
        """The payload: name and data, each behind its length."""
        return var_bytes(self.feature_id.encode("latin-1")) + var_bytes(self.data)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A feature from exactly this payload.

        Raises:
            Malformed: it is not in the one allowed form, whatever the feature.
        """
        reader = Reader(payload)
        try:
            name = reader.var_bytes(MAX_FEATURE_ID)
            if len(name) < MIN_FEATURE_ID:
                raise DecodeError(f"a name of at least {MIN_FEATURE_ID} characters", 0)
            data = reader.var_bytes(MAX_FEATURE_DATA)
            reader.finish()
        except DecodeError as error:
            raise Malformed(f"a feature as BIP 434 has it ({error})") from error
        return cls(name.decode("latin-1"), data)
