"""Hosts in writing: bytes to text and back, and what is no host."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.hosttext import (
    i2p_hash,
    i2p_name,
    ipv4_bytes,
    ipv4_text,
    ipv6_bytes,
    ipv6_text,
    onion_key,
    onion_name,
)

WHOLE = st.binary(min_size=32, max_size=32)


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16), WHOLE)
def test_what_is_written_is_read_back(ipv4: bytes, ipv6: bytes, whole: bytes) -> None:
    assert ipv4_bytes(ipv4_text(ipv4)) == ipv4
    assert ipv6_bytes(ipv6_text(ipv6)) == ipv6
    assert IPv6Address(ipv6_text(ipv6)).packed == ipv6
    assert onion_key(onion_name(whole)) == whole
    assert i2p_hash(i2p_name(whole)) == whole


def test_a_changed_onion_name_is_none() -> None:
    name = onion_name(bytes(range(32)))
    for place in range(56):
        letter = "a" if name[place] != "a" else "b"
        with pytest.raises(DecodeError):
            onion_key(name[:place] + letter + name[place + 1 :])


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (ipv4_bytes, "1.2.3"),
        (ipv4_bytes, "1.2.3.4.5"),
        (ipv4_bytes, "01.2.3.4"),
        (ipv4_bytes, "host"),
        (ipv6_bytes, "::1%eth0"),
        (ipv6_bytes, "1:2:3"),
        (ipv6_bytes, "[::1]"),
        (onion_key, "expyuzz4wqqyqhjn.onion"),
        (onion_key, ".onion"),
        (i2p_hash, "aa.b32.i2p"),
        (i2p_hash, "A" * 52 + ".b32.i2p"),
    ],
)
def test_what_is_no_host_is_refused(read: Callable[[str], bytes], text: str) -> None:
    with pytest.raises(DecodeError):
        read(text)


def test_ipv6_is_written_as_briefly_as_can_be() -> None:
    written = [ipv6_text(IPv6Address(text).packed) for text in ("0:0:1::", "1:0:0:2::", "1::2:0:3")]
    assert written == ["0:0:1::", "1:0:0:2::", "1::2:0:3"]
