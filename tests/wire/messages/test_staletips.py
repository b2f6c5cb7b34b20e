"""The message of BIP 332, by its own vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from axon.errors import DecodeError
from axon.primitives.hashes import to_hex
from axon.wire.messages import StaleTip
from axon.wire.messages.staletips import MAX_STALE_HEADERS

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "bip332.json").read_text()
)["vectors"]
PAYLOAD = bytes.fromhex(VECTORS[1]["payload"])
COUNT_AT, FIRST_AT, ENTRY = 32, 33, 48


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload"])
    message = StaleTip.decode(payload)
    assert to_hex(message.fork_point) == vector["fork_point"]
    assert to_hex(message.tip.hash) == vector["stale_tip"]
    assert len(message.headers) == vector["length"]
    assert message.have_block is vector["have_block"]
    assert message.headers[0].prev == message.fork_point
    assert message.encode() == payload


def cut(count: int) -> bytes:
    """The vector with so many of its headers."""
    return PAYLOAD[:COUNT_AT] + bytes([count]) + PAYLOAD[FIRST_AT : FIRST_AT + ENTRY * count]


ONE = PAYLOAD[FIRST_AT : FIRST_AT + ENTRY]
WRONG = {
    "no header": cut(0) + b"\x00",
    "too many headers": PAYLOAD[:COUNT_AT] + bytes([MAX_STALE_HEADERS + 1]) + ONE * 21 + b"\x00",
    "a longer count": PAYLOAD[:COUNT_AT] + b"\xfd\x01\x00" + ONE + b"\x00",
    "no boolean": cut(1) + b"\x02",
    "one byte more": cut(1) + b"\x00\x00",
    "no last byte": cut(1),
    "half a header": cut(1)[:-1],
    "no fork point": PAYLOAD[:31],
}


@pytest.mark.parametrize("payload", WRONG.values(), ids=WRONG)
def test_any_other_form_is_refused(payload: bytes) -> None:
    assert StaleTip.decode(cut(1) + b"\x01").have_block
    with pytest.raises(DecodeError):
        StaleTip.decode(payload)


def test_a_branch_may_have_twenty_headers() -> None:
    message = StaleTip.decode(
        PAYLOAD[:COUNT_AT]
        + bytes([MAX_STALE_HEADERS])
        + PAYLOAD[FIRST_AT : FIRST_AT + ENTRY] * MAX_STALE_HEADERS
        + b"\x01"
    )
    assert len(message.headers) == MAX_STALE_HEADERS
    assert message.have_block
