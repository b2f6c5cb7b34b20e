"""Long JSON in short steps: the same values and the same text as at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.rpc.amounts import (
    MAX_DEPTH,
    Amount,
    LazyList,
    LazyObject,
    Number,
    Written,
    decode_json,
    encode_json,
    made_list,
    whole,
)
from axon.rpc.longjson import (
    LONG_WRITTEN,
    PIECE_SIZE,
    SHORT_SIZE,
    decode_long,
    encoded_pieces,
    is_long,
)

WORDS = st.text() | st.sampled_from(["\\", '"', "\ud83d\ude00", "\ud83d", "\u2028", "\x7f"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


def go_on() -> None:
    """Nothing ends the work."""


def decoded(text: str) -> object:
    return decode_long(text, go_on)


def text_of(value: object) -> str:
    return "".join(encoded_pieces(value))


@pytest.fixture(name="small")
def small_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly everything is long."""
    monkeypatch.setattr("axon.rpc.longjson.SHORT_SIZE", 8)
    monkeypatch.setattr("axon.rpc.longjson.PIECE_SIZE", 16)
    monkeypatch.setattr("axon.rpc.longjson.LONG_VALUES", 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("spaces", [None, 1])
def test_values_are_the_same_as_at_once(spaces: int | None) -> None:
    @given(VALUES, st.booleans())
    def check(value: Any, escaped: bool) -> None:
        text = json.dumps(value, ensure_ascii=escaped, indent=spaces)
        assert decoded(f" {text}\n") == json.loads(text)

    check()


@pytest.mark.usefixtures("small")
def test_text_is_the_same_as_at_once() -> None:
    @given(VALUES)
    def check(value: Any) -> None:
        assert text_of(value) == encode_json(value)
        lazy = LazyList(lambda each: {"of": each, "paid": Amount(5)}, [value] * 3)
        assert text_of({"x": lazy}) == encode_json({"x": lazy}) == encode_json({"x": list(lazy)})
        fields = LazyObject(lambda number: (f"{number}", value), range(3))
        wanted = encode_json({f"{number}": value for number in range(3)})
        assert text_of(fields) == encode_json(fields) == wanted
        assert text_of(LazyObject(lambda number: ("", number), [])) == "{}"

    check()


@pytest.mark.usefixtures("small")
def test_any_text_is_refused_or_read_as_at_once() -> None:
    @given(st.text(alphabet='[]{},:"\\u0dD8a1-.eE tfnrNI\n') | st.text())
    def check(text: str) -> None:
        try:
            wanted = decode_json(text)
        except ValueError:
            with pytest.raises(ValueError):
                decoded(text)
        else:
            assert decoded(text) == wanted

    check()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[", "[1", "[1,", "[1,]", "[1 2]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,}',
        "{1:2}", '{"a" 1}', '{"a":1 "b":2}', '"abc', '"abcdefghijklmnopqrst', '"abcdefghijkl\n"',
        '"abcdefghijklmn\\', "nul", "NaN", "Infinity", "-Infinity", "01234", "1.", "-", "[1] 2",
        "123456 7", "\ufeff[1,2,3]",
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decoded(text)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("begin", ["[", '{"a":'])
def test_what_is_nested_too_deeply_is_refused(begin: str) -> None:
    with pytest.raises(ValueError, match="deep"):
        decoded(begin * 100_000)


@pytest.mark.parametrize("window", [8, SHORT_SIZE])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_how_deep_is_decided_when_it_is_read_and_all_of_that_is_answered(
    begin: str, end: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.rpc.longjson.SHORT_SIZE", window)
    times = MAX_DEPTH // (2 if len(end) == 2 else 1)
    long = json.dumps([[], *range(1_000), "x" * 1_000], separators=(",", ":"))
    for inner in ("7", '"x"', long):
        levels = 1 + (inner[0] == "[")
        most = times - levels if len(end) == 1 else times - 1
        text = begin * most + inner + end * most
        value = decoded(text)
        assert value == decode_json(text) == json.loads(text)
        assert encode_json(value) == text_of(value) == text
        assert json.loads(encode_json(value, indent=1)) == value
        assert whole(value) == value
        for more in (times + 1, 2 * MAX_DEPTH, 100_000):
            text = begin * more + inner + end * more
            for read in (decoded, decode_json):
                with pytest.raises(ValueError, match="deeper than 512"):
                    read(text)


def test_512_levels_are_taken_and_513_are_not() -> None:
    for read in (decoded, decode_json):
        for text in ("[" * 512 + "]" * 512, '{"":' * 512 + "7" + "}" * 512):
            assert read(text) == json.loads(text)
            with pytest.raises(ValueError, match="deep"):
                read(f"[{text}]")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("cut", range(32))
def test_escapes_are_read_wherever_a_piece_ends(cut: int) -> None:
    for escape in ('\\"', "\\\\", "\\n", "\\u00e4", "\\ud83d\\ude00", "\\ud83d", "\\\\u00e4"):
        text = f'"{"x" * cut}{escape * 5}"'
        assert decoded(text) == json.loads(text)


def test_numbers_know_their_text() -> None:
    value = decoded("[0.100000000000000000001]")
    assert isinstance(value, list)
    assert isinstance(value[0], Number)
    assert value[0].text == "0.100000000000000000001"


@pytest.mark.parametrize("tail", [".5", "e5", "e+5", "E-5", ".5e+7"])
def test_numbers_are_read_wherever_a_window_ends(tail: str) -> None:
    for digits in range(SHORT_SIZE - 10, SHORT_SIZE + 3):
        text = f"[{'1' * digits}{tail}, 7]"
        assert decoded(text) == decode_json(text)


@pytest.mark.usefixtures("small")
def test_each_step_asks_whether_to_go_on() -> None:
    class Enough(Exception):
        """It shall end."""

    steps = 0

    def ask() -> None:
        nonlocal steps
        steps += 1
        if steps == 50:
            raise Enough

    for text in ("[" + "1," * 1000 + "1]", '"' + "x" * 1000 + '"'):
        steps = 0
        with pytest.raises(Enough):
            decode_long(text, ask)


def test_what_is_long() -> None:
    assert not is_long({"result": ["x"] * 100, "error": None})
    assert is_long(["x"] * 1000)
    assert is_long({"a": {"b": [[1] * 100] * 10}})
    assert is_long("x" * 2 * PIECE_SIZE)
    assert is_long([LazyList(str, [])])


def test_no_step_is_long() -> None:
    value = {"tx": [{"n": number, "hex": "00" * 50} for number in range(10_000)], "x": "ä" * 10**6}
    pieces = list(encoded_pieces(value))
    assert max(map(len, pieces)) <= PIECE_SIZE
    text = "".join(pieces)
    assert text == encode_json(value)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    assert decode_long(text, count) == value
    assert steps >= len(text) // max(SHORT_SIZE, PIECE_SIZE)


def test_a_short_list_is_made_at_once_and_a_long_one_when_it_is_read() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    assert made_list(make, range(3)) == [0, 1, 2]
    assert made == [0, 1, 2]
    long = made_list(make, range(1000))
    assert len(made) == 3
    assert long[5] == 5
    assert long[2:4] == [2, 3]
    assert len(made) == 6
    assert long == list(range(1000))
    assert whole({"a": [long]}) == {"a": [list(range(1000))]}
    assert whole(LazyObject(lambda number: (f"{number}", [number]), range(2))) == {
        "0": [0],
        "1": [1],
    }


def test_what_is_written_down_is_long_by_its_size() -> None:
    short, long = Written('"' + "a" * (LONG_WRITTEN - 2) + '"'), Written("1" * (LONG_WRITTEN + 1))
    assert not is_long({"result": short})
    assert is_long({"result": [short, short]})
    assert is_long(long)
    assert text_of({"result": [short, long]}) == f'{{"result":[{short.text},{long.text}]}}'
