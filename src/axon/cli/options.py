"""Options as bitcoind reads them: `-x`, `-x=value`, `-nox`; two dashes do as well.

What a value means is decided by who asks for it, as in Core: a flag is off for `0` and for any text
that begins with no number, a number is read as far as its digits go. Options that Core has and axon
has no use for are known and accepted; anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from axon.errors import ConfigError

Value = str | bool
"""A setting: its text, or True and False from `-nox=0` and `-nox`."""

_NUMBER: Final = re.compile(r"\s*(-|\+(?!-))?([0-9]+)")
_INT64: Final = (-(1 << 63), (1 << 63) - 1)


class OptionKind(Enum):
    """What the value of an option is."""

    FLAG = auto()
    """On or off; without a value it is on."""
    OPTIONAL = auto()
    """A text that may be left out."""
    VALUE = auto()
    """A text, number, amount or path."""
    LIST = auto()
    """Like `VALUE`; given several times, all of them count."""


class Category(Enum):
    """A heading of the help text."""

    GENERAL = "Options"
    CHAIN = "Chain selection options"
    CONNECTION = "Connection options"
    RELAY = "Node relay options"
    MINING = "Block creation options"
    RPC = "RPC server options"
    ZMQ = "ZeroMQ notification options"
    WALLET = "Wallet options"
    DEBUG = "Debugging and testing options"


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        name: without dashes.
        placeholder: of its value in the help text, such as `<n>`.
        help: one sentence; None if axon has no use for the option.
        network_only: outside of a section of the configuration file it counts for mainnet only.
        negatable: `-nox` means something.
        secret: its value appears in no log.
    """

    name: str
    kind: OptionKind
    category: Category = Category.GENERAL
    placeholder: str = ""
    help: str | None = None
    network_only: bool = False
    negatable: bool = True
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A setting's name taken apart: `section.noname`."""

    section: str
    name: str
    negated: bool


def split_key(text: str) -> Key:
    """Take a setting's name apart."""
    section, dot, name = text.partition(".")
    if not dot:
        section, name = "", text
    negated = name.startswith("no")
    return Key(section, name[2:] if negated else name, negated)


def interpret(key: Key, option: Option, text: str | None) -> Value:
    """The value of a setting.

    Args:
        text: what stands behind `=`; None if nothing does.

    Raises:
        ConfigError: the option cannot be negated, or needs a value.
    """
    if key.negated:
        if not option.negatable:
            name = option.name
            raise ConfigError(f"Negating of -{name} is meaningless and therefore forbidden")
        return text is not None and not as_flag(text)
    if text is None and option.name in ("proxy", "loglevel"):
        raise ConfigError(
            f"Can not set -{option.name} with no value. "
            f"Please specify value with -{option.name}=value."
        )
    return text or ""


def parse_command_line(
    arguments: Sequence[str], known: Mapping[str, Option]
) -> dict[str, list[Value]]:
    """All settings of a command line that has nothing but options; see `split_command_line`.

    Raises:
        ConfigError: an argument is no known option.
    """
    settings, rest = split_command_line(arguments, known)
    if rest:
        raise ConfigError(
            f"Command line contains unexpected token '{rest[0]}', "
            "see axon node -h for a list of options."
        )
    return settings


def split_command_line(
    arguments: Sequence[str], known: Mapping[str, Option]
) -> tuple[dict[str, list[Value]], list[str]]:
    """The options at the beginning of a command line, and what follows.

    `--x value` is taken for `--x=value` where x always has a value.

    Returns:
        The settings, each option's in the order given, and the arguments from the first on that
        does not begin with a dash.

    Raises:
        ConfigError: an argument before that is no known option.
    """
    settings: dict[str, list[Value]] = {}
    places = iter(range(len(arguments)))
    rest: list[str] = []
    for place in places:
        argument = arguments[place]
        name, equals, value = argument.partition("=")
        if not name.startswith("-") or name in ("-", "--"):
            rest = list(arguments[place:])
            break
        text = value if equals else None
        key = split_key(name.removeprefix("-").removeprefix("-"))
        option = known.get(key.name)
        if option is None or key.section:
            raise _unusable(f"Invalid parameter {argument}")
        follower = arguments[place + 1] if place + 1 < len(arguments) else "-"
        if (
            text is None
            and name.startswith("--")
            and not key.negated
            and option.kind in (OptionKind.VALUE, OptionKind.LIST)
            and not follower.startswith("-")
        ):
            text = arguments[next(places)]
        try:
            settings.setdefault(key.name, []).append(interpret(key, option, text))
        except ConfigError as error:
            raise _unusable(str(error)) from error
    for include in settings.get("includeconf", []):
        if include is not False:
            shown = f'"{include}"' if isinstance(include, str) else "true"
            raise _unusable(f"-includeconf cannot be used from commandline; -includeconf={shown}")
    return settings, rest


def _unusable(reason: str) -> ConfigError:
    return ConfigError(f"Error parsing command line arguments: {reason}")


def as_text(value: Value) -> str:
    """A setting as text; a negated one is `0`."""
    return value if isinstance(value, str) else str(int(value))


def as_flag(value: Value) -> bool:
    """A setting as on or off: empty is on, no number is off."""
    return value if isinstance(value, bool) else value == "" or as_int(value) != 0


def as_int(value: Value) -> int:
    """A setting as a number: as far as its digits go, 0 if there are none; held to 64 bits."""
    if isinstance(value, bool):
        return int(value)
    match = _NUMBER.match(value)
    if match is None:
        return 0
    number = -int(match[2]) if match[1] == "-" else int(match[2])
    return min(max(number, _INT64[0]), _INT64[1])
