"""Where a payjoin may be asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.machine import Endpoint
from axon.payments.payjoinurl import MAX_URL_SIZE, BadUrl, PayjoinUrl, parse_payjoin_url

ONION = "a" * 56 + ".onion"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://shop.example/pj", PayjoinUrl(Endpoint("shop.example", 443), True, "/pj")),
        ("HTTPS://shop.example", PayjoinUrl(Endpoint("shop.example", 443), True, "/")),
        ("https://[::1]:81/a?b=c", PayjoinUrl(Endpoint("::1", 81), True, "/a?b=c")),
        (f"http://{ONION}/pj", PayjoinUrl(Endpoint(ONION, 80), False, "/pj")),
        ("http://127.0.0.1:8080/pj", PayjoinUrl(Endpoint("127.0.0.1", 8080), False, "/pj")),
        ("http://[::1]/pj#part", PayjoinUrl(Endpoint("::1", 80), False, "/pj")),
    ],
)
def test_good_ones(text: str, expected: PayjoinUrl) -> None:
    assert parse_payjoin_url(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://shop.example/pj", "without encryption"),
        ("http://192.168.1.1/pj", "without encryption"),
        ("http://localhost/pj", "without encryption"),
        ("http://onion/pj", "without encryption"),
        ("ftp://shop.example/pj", "at https://"),
        ("shop.example/pj", "at https://"),
        ("https:///pj", "with a host"),
        ("https://shop.example:0/pj", "with a host"),
        ("https://shop.example:99999/pj", "with a host"),
        ("https://[::1/pj", "with a host"),
        ("https://bob@shop.example/pj", "a user's name"),
        ("https://shop.example/pj\r\nHost: other", "visible characters"),
        ("https://shop.example/" + "a" * MAX_URL_SIZE, "visible characters"),
        ("", "visible characters"),
    ],
)
def test_bad_ones(text: str, reason: str) -> None:
    with pytest.raises(BadUrl, match=reason):
        parse_payjoin_url(text)


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}", f"http://{text}.onion/"):
        try:
            parse_payjoin_url(candidate)
        except BadUrl:
            continue


def test_parameters_go_behind_those_that_are_there() -> None:
    url = parse_payjoin_url("https://shop.example/pj?invoice=7")
    assert url.asking("v=1") == "/pj?invoice=7&v=1"
    assert parse_payjoin_url("https://shop.example/pj").asking("v=1") == "/pj?v=1"
