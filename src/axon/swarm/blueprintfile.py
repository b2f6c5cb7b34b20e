"""A blueprint as JSON: what a report says of the network, and what replays a trial of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any, Final, TypeVar

from axon.errors import ConfigError
from axon.swarm.blueprint import (
    Blueprint,
    ComponentClass,
    MinerPlan,
    NodePlan,
    SharedPlan,
    UplinkPlan,
    WalletPlan,
)

SCHEMA: Final = "axon network 1"
MAX_BYTES: Final = 64 << 20
"""More than a thousand nodes take that all know each other."""

_TYPES: Final[Mapping[str, type]] = MappingProxyType({"str": str, "int": int, "bool": bool})
"""Of fields of a plan that are no lists of names, by their annotation."""

_Plan = TypeVar("_Plan", NodePlan, WalletPlan, MinerPlan)


def to_json(blueprint: Blueprint) -> dict[str, object]:
    """For a file."""
    return {"schema": SCHEMA} | asdict(blueprint)


def read(text: str) -> Blueprint:
    """From the text of a file.

    Raises:
        ConfigError: it is no network; the text says what was expected.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(f"a network has at most {MAX_BYTES >> 20} MiB")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"a network is JSON, and this is not: {error}") from None
    return from_json(data)


def from_json(data: object) -> Blueprint:
    """From what `to_json` told.

    Raises:
        ConfigError: it is no network; the text says what was expected.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ConfigError(f"expected an object with the schema {SCHEMA!r}")
    try:
        return _from_json(data)
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"this is no network: {error!r:.200}") from None


def _from_json(data: Mapping[str, Any]) -> Blueprint:
    newcomer_node, newcomer_wallet = data.get("newcomer_node"), data.get("newcomer_wallet")
    return Blueprint(
        str(data["name"]),
        tuple(_plan(NodePlan, each) for each in data["nodes"]),
        tuple(_plan(WalletPlan, each) for each in data.get("wallets", ())),
        tuple(_plan(MinerPlan, each) for each in data.get("miners", ())),
        {str(name): tuple(map(str, given)) for name, given in data.get("seeds", {}).items()},
        tuple(
            SharedPlan(str(each["name"]), ComponentClass(each["kind"]), _names(each["members"]))
            for each in data.get("shared", ())
        ),
        tuple(
            UplinkPlan(str(each["name"]), (_names(each["sides"][0]), _names(each["sides"][1])))
            for each in data.get("uplinks", ())
        ),
        newcomer_node and _plan(NodePlan, newcomer_node),
        newcomer_wallet and _plan(WalletPlan, newcomer_wallet),
    )


def _plan(kind: type[_Plan], data: Mapping[str, Any]) -> _Plan:
    known = {each.name: str(each.type) for each in fields(kind)}
    unknown = next((name for name in data if name not in known), None)
    if unknown is not None:
        raise ConfigError(f"there is no {unknown!r:.80} in a plan; there are {', '.join(known)}")
    values: dict[str, Any] = {name: _value(name, known[name], each) for name, each in data.items()}
    return kind(**values)


def _value(name: str, annotation: str, value: object) -> object:
    """Of one field of a plan."""
    expected = _TYPES.get(annotation)
    if expected is None:
        return None if value is None and annotation.endswith("| None") else _names(value)
    if type(value) is not expected:
        raise ConfigError(f"expected a {expected.__name__} for {name!r}, not {value!r:.80}")
    return value


def _names(data: object) -> tuple[str, ...]:
    if not isinstance(data, list):
        raise ConfigError(f"expected a list of names, not {data!r:.80}")
    return tuple(map(str, data))
