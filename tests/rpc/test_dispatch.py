"""Parameters by place and by name, their types, and the help text."""

from __future__ import annotations

import asyncio
from types import ModuleType

import pytest

from axon.primitives.hashes import BlockHash
from axon.rpc.amounts import Amount, Json, Number
from axon.rpc.dispatch import Call, Registry, method
from axon.rpc.errors import RpcError
from axon.rpc.repeatedkeys import RepeatedKeys

_HASH_HEX = "00" * 31 + "07"


@method("blockchain", aliases={"verbosity": "verbose"})
async def getblock(_: object, blockhash: BlockHash, verbosity: bool | int = 1) -> Json:
    """If verbosity is 0, returns data.

    A second paragraph.

    Args:
        blockhash: The block hash
        verbosity: 0 for hex-encoded data, 1 for a JSON object, and 2 for JSON object
            with transaction data

    Returns:
        {                    (json object)
          "hash" : "hex"     (string) the block hash
        }

    Raises:
        RpcError: not for callers.
    """
    return [blockhash, verbosity]


@method("blockchain")
def scan(
    _: object,
    action: str,
    objects: list[str] | None = None,
    start: int = 0,
    *,
    strict: bool = False,
    limit: int | None = None,
) -> Json:
    """Scans."""
    return [action, objects, start, strict, limit]


@method("blockchain", strict=True)
def judge(_: object, *, limit: int = 7) -> Json:
    """Knows its options."""
    return limit


@method("blockchain", nulls=True)
def guess(_: object, *, limit: int = 7) -> Json:
    """Takes null for nothing."""
    return limit


@method("control", hidden=("wait",), waits=True)
async def stop(_: object, wait: int | None = None) -> Json:
    """Stops."""
    return wait


@method("hidden", name="types")
def types_(
    _: object,
    call: Call,
    number: float,
    amount: Amount,
    where: dict[str, int],
    either: int | BlockHash,
) -> Json:
    """Takes everything."""
    return [call, number, amount, where, either]


@pytest.fixture(scope="module")
def registry() -> Registry:
    module = ModuleType(__name__)
    vars(module).update(globals())
    return Registry([module])


def run(registry: Registry, name: str, params: object = ()) -> Json:
    return asyncio.run(registry.execute(None, name, params))


def refusal(registry: Registry, name: str, params: object = ()) -> RpcError:
    with pytest.raises(RpcError) as caught:
        run(registry, name, params)
    return caught.value


@pytest.mark.parametrize(
    "params",
    [
        [_HASH_HEX, 1],
        [_HASH_HEX, None],
        [_HASH_HEX],
        {"blockhash": _HASH_HEX},
        {"verbosity": 1, "blockhash": _HASH_HEX},
        {"verbose": 1, "blockhash": _HASH_HEX},
        {"args": [_HASH_HEX]},
        {"args": [_HASH_HEX], "verbosity": 1},
        {"args": [_HASH_HEX], "verbose": None},
    ],
)
def test_ways_to_say_the_same(registry: Registry, params: object) -> None:
    assert run(registry, "getblock", params) == [b"\x07" + bytes(31), 1]


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"blockhsh": 1}, -8, "Unknown named parameter blockhsh"),
        ({"args": 5}, -8, "Unknown named parameter args"),
        (
            RepeatedKeys([("blockhash", _HASH_HEX), ("blockhash", _HASH_HEX)]),
            -8,
            "Parameter blockhash specified multiple times",
        ),
        (
            {"args": [_HASH_HEX], "blockhash": _HASH_HEX},
            -8,
            "Parameter blockhash specified twice both as positional and named argument",
        ),
        (
            {"args": [_HASH_HEX, 1], "verbose": 1},
            -8,
            "Parameter verbosity|verbose specified twice both as positional and named argument",
        ),
        (["aa"], -8, "blockhash must be of length 64 (not 2, for 'aa')"),
        (["z" * 64], -8, f"blockhash must be hexadecimal string (not '{'z' * 64}')"),
        ([" " * 62 + "07"], -8, f"blockhash must be hexadecimal string (not '{' ' * 62}07')"),
        ([_HASH_HEX, "1"], -3, "JSON value of type string is not of expected type number"),
        ([_HASH_HEX, Number("1.5")], -1, "JSON integer out of range"),
        ([_HASH_HEX, 1 << 63], -1, "JSON integer out of range"),
        (
            [5],
            -3,
            'Wrong type passed:\n{\n    "Position 1 (blockhash)": '
            '"JSON value of type number is not of expected type string"\n}',
        ),
        (
            {"verbosity": 1},
            -3,
            'Wrong type passed:\n{\n    "Position 1 (blockhash)": '
            '"JSON value of type null is not of expected type string"\n}',
        ),
        ("getblock", -32600, "Params must be an array or object"),
    ],
)
def test_refusals(registry: Registry, params: object, code: int, message: str) -> None:
    error = refusal(registry, "getblock", params)
    assert (error.code, error.message) == (code, message)


def test_all_faults_are_told_at_once(registry: Registry) -> None:
    error = refusal(registry, "scan", [1, {}, "x"])
    assert error.code == -3
    assert error.message == (
        "Wrong type passed:\n{\n"
        '    "Position 1 (action)": "JSON value of type number is not of expected type string",\n'
        '    "Position 2 (objects)": "JSON value of type object is not of expected type array",\n'
        '    "Position 3 (start)": "JSON value of type string is not of expected type number"\n}'
    )


@pytest.mark.parametrize("params", [[], {}, [_HASH_HEX, 1, 2], [_HASH_HEX, None, None]])
def test_too_few_or_too_many_get_the_help_text(registry: Registry, params: object) -> None:
    error = refusal(registry, "getblock", params)
    assert error.code == -1
    assert error.message.splitlines()[0] == 'getblock "blockhash" ( verbosity )'


@pytest.mark.parametrize(
    ("params", "result"),
    [
        (["go"], ["go", None, 0, False, None]),
        (["go", None, 5, {"strict": True}], ["go", None, 5, True, None]),
        ({"action": "go", "strict": True, "limit": 3}, ["go", None, 0, True, 3]),
        ({"action": "go", "options": {"limit": 3}}, ["go", None, 0, False, 3]),
        ({"args": ["go", ["a"]], "limit": 3}, ["go", ["a"], 0, False, 3]),
        (["go", None, 0, {"loose": 1, "limit": 3}], ["go", None, 0, False, 3]),
    ],
)
def test_options(registry: Registry, params: object, result: Json) -> None:
    assert run(registry, "scan", params) == result


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        (
            ["go", None, 0, {"limit": "x"}],
            -3,
            "JSON value of type string is not of expected type number",
        ),
        (
            ["go", None, 0, {"limit": None}],
            -3,
            "JSON value of type null is not of expected type number",
        ),
        (
            {"action": "go", "options": {}, "limit": 1},
            -8,
            "Parameter options conflicts with parameter limit",
        ),
    ],
)
def test_unfit_options(registry: Registry, params: object, code: int, message: str) -> None:
    error = refusal(registry, "scan", params)
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("name", "given", "answer"),
    [
        ("judge", {"limit": 3}, 3),
        ("judge", {"loose": 1}, "Unexpected key loose"),
        (
            "judge",
            {"loose": 1, "limit": "x"},
            "JSON value of type string for field limit is not of expected type number",
        ),
        ("judge", {"limit": None}, "JSON value of type null is not of expected type number"),
        ("guess", {"loose": 1, "limit": None}, 7),
        ("guess", {"limit": "x"}, "JSON value of type string is not of expected type number"),
    ],
)
def test_methods_differ_in_how_they_read_options(
    registry: Registry, name: str, given: dict[str, Json], answer: Json
) -> None:
    if isinstance(answer, str):
        error = refusal(registry, name, [given])
        assert (error.code, error.message) == (-3, answer)
    else:
        assert run(registry, name, [given]) == answer


def test_every_type(registry: Registry) -> None:
    asked = [Number("0.5"), Number("0.1"), {"a": 1}, 5]
    assert run(registry, "types", asked) == [
        Call(given=(*asked,)),
        0.5,
        Amount(10_000_000),
        {"a": 1},
        5,
    ]
    asked = [2, "0.1", {}, _HASH_HEX]
    result = run(registry, "types", asked)
    assert result[1:] == [2.0, Amount(10_000_000), {}, b"\x07" + bytes(31)]
    assert type(result[1]) is float
    error = refusal(registry, "types", [2, "0.1", {}, False])
    assert error.message == "JSON value of type bool is not of expected type string"
    error = refusal(registry, "types", [2, "0.1", {}, None])
    assert error.message == "JSON value of type null is not of expected type string"


def test_unknown_method(registry: Registry) -> None:
    error = refusal(registry, "nope")
    assert (error.code, error.message) == (-32601, "Method not found")


def test_help_of_a_method(registry: Registry) -> None:
    assert run(registry, "help", ["getblock"]) == (
        'getblock "blockhash" ( verbosity )\n\n'
        "If verbosity is 0, returns data.\n\n"
        "A second paragraph.\n\n"
        "Arguments:\n"
        "1. blockhash    (string, required) The block hash\n"
        "2. verbosity    (boolean or numeric, optional, default=1) 0 for hex-encoded data, "
        "1 for a JSON object, and 2 for JSON object with transaction data\n\n"
        "Result:\n"
        "{                    (json object)\n"
        '  "hash" : "hex"     (string) the block hash\n'
        "}"
    )
    assert run(registry, "help", {"command": "nope"}) == "help: unknown command: nope"


def test_help_of_all(registry: Registry) -> None:
    assert run(registry, "help") == (
        "== Blockchain ==\n"
        'getblock "blockhash" ( verbosity )\n'
        "guess ( options )\n"
        "judge ( options )\n"
        'scan "action" ( ["object",...] start options )\n\n'
        "== Control ==\n"
        'help ( "command" )\n'
        "stop\n\n"
        'types number amount {"where":...} either'
    )


def test_hidden_parameters_still_work(registry: Registry) -> None:
    assert run(registry, "stop", [5]) == 5
    assert run(registry, "help", ["types"]).startswith("types number amount {")
    assert "wait" not in run(registry, "help", ["stop"])


def test_conversions_for_command_lines(registry: Registry) -> None:
    told = run(registry, "help", ["dump_all_command_conversions"])
    assert ["getblock", 0, "blockhash", True] in told
    assert ["getblock", 1, "verbosity", False] in told
    assert ["getblock", 1, "verbose", False] in told
    assert ["scan", 3, "limit", False] in told
    assert ["stop", 0, "wait", False] in told


def test_calls_under_way_are_known(registry: Registry) -> None:
    seen = []

    @method("hidden")
    def look(_: object) -> None:
        """Looks."""
        seen.extend(own.active())

    own = Registry()
    own.add(look)
    asyncio.run(own.execute(None, "look"))
    assert [name for name, _ in seen] == ["look"]
    assert seen[0][1] >= 0
    assert own.active() == []
