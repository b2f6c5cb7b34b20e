"""What REST reads out of a URI, as bitcoind and libevent read it."""

from __future__ import annotations

import pytest

from axon.rpc.rest.answers import RestRefusal
from axon.rpc.rest.uris import (
    DataFormat,
    parse_hash,
    parse_integer,
    query_parameter,
    split_format,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab.json", ("ab", DataFormat.JSON)),
        ("ab.bin", ("ab", DataFormat.BINARY)),
        ("a.b.hex", ("a.b", DataFormat.HEX)),
        ("ab.json?count=1", ("ab", DataFormat.JSON)),
        ("ab.json?a.b", ("ab", DataFormat.JSON)),
        ("ab?x.json", ("ab", DataFormat.UNKNOWN)),
        ("ab.json?a?b", ("ab.json?a", DataFormat.UNKNOWN)),
        ("ab.", ("ab", DataFormat.UNKNOWN)),
        ("ab", ("ab", DataFormat.UNKNOWN)),
        ("ab.JSON", ("ab.JSON", DataFormat.UNKNOWN)),
        (".json", ("", DataFormat.JSON)),
        ("", ("", DataFormat.UNKNOWN)),
    ],
)
def test_the_format_ends_the_path(text: str, expected: tuple[str, DataFormat]) -> None:
    assert split_format(text) == expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?count=2", "2"),
        ("?x=1&count=2", "2"),
        ("?count=2&count=3", "2"),
        ("?count=2&", "2"),
        ("?count=%32", "2"),
        ("?count=a+b", "a b"),
        ("?count=", ""),
        ("?count=2#end", "2"),
        ("?count=1=2", "1=2"),
        ("", None),
        ("?", None),
        ("?Count=2", None),
        ("?count=2&x", None),
        ("?count=2&&x=1", None),
        ("?&count=2", None),
        ("?=1&count=2", None),
        ("?x=1?count=2", None),
    ],
)
def test_a_parameter_is_behind_the_question_mark(query: str, found: str | None) -> None:
    assert query_parameter(f"/rest/headers/ab.json{query}", "count") == found


@pytest.mark.parametrize("uri", ["/a?count=%", "/a?x=%zz", '/a?"', "/a<b>", "/a?b|c", "/ä?count=1"])
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(RestRefusal, match="URI parsing failed") as refused:
        query_parameter(uri, "count")
    assert refused.value.status == 400


def test_numbers_are_digits_alone() -> None:
    assert [parse_integer(text, 20) for text in ("0", "20", "007")] == [0, 20, 7]
    for text in ("", "21", "-1", "+1", " 1", "1 ", "1x", "1.0", "9" * 5_000, "0" * 5_000 + "21"):
        assert parse_integer(text, 20) is None


def test_a_hash_is_64_digits() -> None:
    assert parse_hash("0a" + "Bc" * 31) == b"\xbc" * 31 + b"\x0a"
    for text in ("", "ab" * 31, "ab" * 33, "g" * 64, " " + "a" * 63):
        assert parse_hash(text) is None
