from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.sim.trace import FLUSH_BYTES, Trace

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 2**63),
        st.integers(0, 2**32 - 1),
        st.integers(0, 255),
        st.integers(0, 2**40),
        st.binary(max_size=20),
    ),
    max_size=10,
)


def digest(events: list[tuple[int, int, int, int, bytes]]) -> str:
    trace = Trace()
    for event in events:
        trace.note(*event)
    return trace.digest()


@given(EVENTS, EVENTS)
def test_equal_events_equal_digests(
    a: list[tuple[int, int, int, int, bytes]], b: list[tuple[int, int, int, int, bytes]]
) -> None:
    assert (digest(a) == digest(b)) == (a == b)


def test_bytes_do_not_run_into_each_other() -> None:
    assert digest([(1, 1, 1, 1, b"ab"), (1, 1, 1, 1, b"")]) != digest(
        [(1, 1, 1, 1, b"a"), (1, 1, 1, 1, b"b")]
    )


def test_looking_changes_nothing() -> None:
    looked, unlooked = Trace(), Trace()
    for number in range(5):
        looked.note(number, 0, 0, 0, bytes(FLUSH_BYTES // 2))
        unlooked.note(number, 0, 0, 0, bytes(FLUSH_BYTES // 2))
        looked.digest()
    assert looked.digest() == looked.digest() == unlooked.digest()
    assert looked.events == 5
