"""sendcmpct (BIP 152)."""

from __future__ import annotations

import pytest

from axon.errors import DecodeError
from axon.wire.messages.compactblocks import SendCmpct


def test_flag_and_version() -> None:
    assert SendCmpct(False).encode().hex() == "000200000000000000"
    assert SendCmpct(True, 1).encode().hex() == "010100000000000000"
    assert SendCmpct.decode(bytes.fromhex("010200000000000000")) == SendCmpct(True, 2)


def test_any_flag_but_zero_is_true() -> None:
    assert SendCmpct.decode(bytes.fromhex("ff0200000000000000")) == SendCmpct(True, 2)


def test_a_version_that_nobody_knows_is_carried() -> None:
    assert SendCmpct.decode(b"\x00" + b"\xff" * 8) == SendCmpct(False, 2**64 - 1)


def test_cut_short() -> None:
    for size in range(9):
        with pytest.raises(DecodeError):
            SendCmpct.decode(bytes(size))
