"""What is said of a link: understood as it is written, and what is none refused in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.linkmodel import LinkModel, Loss
from axon.errors import ConfigError
from axon.swarm.linkquality import LinkQuality


def read(text: str) -> LinkQuality:
    """What a line of words says."""
    return LinkQuality.read(text.split())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("latency=80ms±20 loss=1% rate=2mbit", LinkQuality(80, 20, 2_000_000, 1)),
        ("latency=80ms+-20 loss=1% rate=2mbit", LinkQuality(80, 20, 2_000_000, 1)),
        ("latency=0.2s±50ms", LinkQuality(200, 50)),
        ("latency=500us", LinkQuality(0.5)),
        ("rate=9600bit reorder=2.5% duplicate=1%", LinkQuality(0, 0, 9_600, 0, 2.5, 1)),
    ],
)
def test_words_are_understood(text: str, meant: LinkQuality) -> None:
    assert read(text) == meant
    assert read(str(meant)) == meant
    assert LinkQuality.from_params(meant.params()) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "say what the link is to be like, as in latency=80ms±20"),
        ("slow", "a link has latency, loss, rate, reorder, duplicate, as in .*; not 'slow'"),
        ("colour=3%", "a link has latency, loss"),
        ("latency=80", "expected a number and a unit .us, ms, s. for latency, not '80'"),
        ("latency=80min", "expected a number and a unit"),
        ("latency=ms", "expected a number and a unit"),
        ("latency=-5ms", "expected a latency from 0 to 60000 ms, not -5"),
        ("latency=nanms", "expected a latency from 0"),
        ("latency=2h", "expected a number and a unit"),
        ("latency=80ms±", "for the jitter of latency, not ''"),
        ("latency=80ms±90", "expected a jitter from 0 to the latency .80 ms., not 90 ms"),
        ("loss=1", "expected a number and a unit .%. for loss, not '1'"),
        ("loss=101%", "expected a loss from 0 to 99 %, not 101 %; a link that loses everything"),
        ("loss=-1%", "expected a loss from 0 to 99 %, not -1 %"),
        ("reorder=101%", "expected a reorder from 0 to 100 %, not 101"),
        ("rate=0mbit", "expected a rate from 1000 to 1e[+]11 bit, not 0"),
        ("rate=2mb", "expected a number and a unit .bit, kbit, mbit, gbit. for rate"),
        ("loss=1% loss=2%", "loss is said twice"),
    ],
)
def test_what_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(text)


def test_a_model_is_as_was_said() -> None:
    model = read("latency=80ms±20 loss=1% rate=2mbit reorder=2% duplicate=3%").model()
    assert model == LinkModel((60_000,), (0, 40_000), 2_000_000, Loss(0.01), 0.02, 0.03)
    assert LinkQuality().model() == LinkModel((0,))


def test_by_quicker_clocks_a_link_takes_less_and_carries_more() -> None:
    told = read("latency=600ms±60 loss=1% rate=2mbit reorder=2% duplicate=3%")
    here = read("latency=10ms±1 loss=1% rate=120mbit reorder=2% duplicate=3%")
    assert told.hurried(60) == here
    assert read("rate=100gbit").hurried(60) == read("rate=100gbit")


@given(
    st.integers(0, 60_000),
    st.floats(0, 1),
    st.just(0) | st.integers(1_000, 10**10),
    st.floats(0, 99),
    st.floats(0, 100),
)
def test_whatever_can_be_said_makes_a_model(
    latency_ms: int, part: float, rate_bit_s: int, loss: float, share: float
) -> None:
    settings = LinkQuality(latency_ms, latency_ms * part, rate_bit_s, loss, share, share)
    assert isinstance(settings.model(), LinkModel)
    assert LinkQuality.from_params(settings.params()) == settings
