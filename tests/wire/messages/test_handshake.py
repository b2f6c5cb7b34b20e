"""version in all its ages, and the empty messages of the handshake.

The long payload is the example that the Bitcoin Wiki's protocol page gives for version 60002.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from axon.errors import DecodeError
from axon.primitives.netaddress import UNSPECIFIED, NetAddress
from axon.wire.messages.handshake import (
    MAX_USER_AGENT_SIZE,
    PROTOCOL_VERSION,
    Feature,
    SendAddrV2,
    Services,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.messages.limits import Malformed
from tests.strategies import versions

EXAMPLE = bytes.fromhex(
    "62ea0000"  # 60002
    "0100000000000000"
    "11b2d05000000000"  # 18 December 2012
    "010000000000000000000000000000000000ffff000000000000"
    "000000000000000000000000000000000000ffff000000000000"
    "3b2eb35d8ce61765"
    "0f2f5361746f7368693a302e372e322f"
    "c03e0300"  # 212,672
)
EVERYONE = NetAddress.from_text("0.0.0.0", 0)


def test_example() -> None:
    version = Version.decode(EXAMPLE)
    assert version == Version(
        version=60002,
        services=Services.NETWORK,
        time=1355854353,
        receiver=EVERYONE,
        nonce=0x6517E68C5DB32E3B,
        user_agent="/Satoshi:0.7.2/",
        start_height=212672,
        relay=True,
        receiver_services=1,
        sender=EVERYONE,
    )
    assert version.encode() == EXAMPLE + b"\x01"


@pytest.mark.parametrize("size", [46, 80, 96, 100])
def test_older_forms_end_early(size: int) -> None:
    whole, short = Version.decode(EXAMPLE), Version.decode(EXAMPLE[:size])
    assert (short.version, short.services, short.time) == (60002, 1, 1355854353)
    assert short.receiver == EVERYONE
    assert short.nonce == (whole.nonce if size >= 80 else 1)
    assert short.user_agent == (whole.user_agent if size >= 96 else "")
    assert short.start_height == (whole.start_height if size >= 100 else -1)
    assert short.relay


@pytest.mark.parametrize("size", sorted({*range(101)} - {46, 80, 96, 100}))
def test_a_version_ends_nowhere_else(size: int) -> None:
    with pytest.raises(DecodeError):
        Version.decode(EXAMPLE[:size])


@pytest.mark.parametrize(("flag", "relay"), [(b"\x00", False), (b"\x01", True), (b"\x02", True)])
def test_relay_flag_and_what_newer_versions_may_add(flag: bytes, relay: bool) -> None:
    assert Version.decode(EXAMPLE + flag + b"newer").relay is relay


def test_user_agent_is_bounded() -> None:
    head, tail = EXAMPLE[:80], EXAMPLE[-4:]
    longest = head + b"\xfd\x00\x01" + b"a" * MAX_USER_AGENT_SIZE + tail
    assert Version.decode(longest).user_agent == "a" * 256
    with pytest.raises(DecodeError):
        Version.decode(head + b"\xfd\x01\x01" + b"a" * (MAX_USER_AGENT_SIZE + 1) + tail)


def test_any_bytes_are_a_user_agent() -> None:
    agent = bytes(range(256))
    version = Version.decode(EXAMPLE[:80] + b"\xfd\x00\x01" + agent + EXAMPLE[-4:])
    assert version.user_agent.encode("latin-1") == agent
    assert version.clean_user_agent == (
        " (),-./0123456789:;?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    )


@given(versions())
def test_the_payload_ends_with_the_relay_flag(version: Version) -> None:
    assert version.encode()[-1] == version.relay


def test_defaults_are_what_nobody_reads() -> None:
    version = Version(PROTOCOL_VERSION, 0, 0, UNSPECIFIED, 1, "/axon:1/", 0)
    assert (version.relay, version.sender, version.receiver_services) == (True, UNSPECIFIED, 0)
    assert version.sender_services == 0


def test_names_without_payload() -> None:
    for kind in (Verack, WtxidRelay, SendAddrV2):
        assert kind().encode() == b""
        assert kind.decode(b"ignored") == kind()
    assert [Verack.command, WtxidRelay.command, SendAddrV2.command] == [
        "verack",
        "wtxidrelay",
        "sendaddrv2",
    ]


def test_testing_services_does_not_remember_the_bits_of_a_peer() -> None:
    before = len(Services._value2member_map_)
    for bit in range(20, 64):
        assert (1 << bit | 8) & Services.WITNESS == Services.WITNESS
        assert not 1 << bit & Services.WITNESS
    assert len(Services._value2member_map_) <= before + 1


def test_a_feature_is_its_name_and_its_data() -> None:
    """As the table of BIP 434 has it: each behind its length, and nothing behind that."""
    assert Feature("BIP434").encode() == b"\x06BIP43" + b"4\x00"
    assert Feature.decode(b"\x04abcd\x02\x00\xff") == Feature("abcd", b"\x00\xff")
    longest = Feature("x" * 80, bytes(512))
    assert longest.encode() == b"\x50" + b"x" * 80 + b"\xfd\x00\x02" + bytes(512)
    assert Feature.decode(longest.encode()) == longest


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x03abc\x00",
        b"\x51" + b"x" * 81 + b"\x00",
        b"\x04abcd",
        b"\x04abcd\x02\x00",
        b"\x04abcd\x00\x00",
        b"\xfd\x04\x00abcd\x00",
        b"\x04abcd\xfd\x01\x02" + bytes(513),
    ],
)
def test_a_feature_in_any_other_form_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed, match="a feature as BIP 434 has it"):
        Feature.decode(payload)
