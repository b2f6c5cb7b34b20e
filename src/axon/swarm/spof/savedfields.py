"""Fields of a file that perhaps a stranger wrote: each with its form and its bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from axon.errors import ConfigError

SIM: Final = "sim"
BACKENDS: Final = (SIM, "proc", "netns")
"""Where trials run: in virtual time, or as processes."""

MAX_ITEMS: Final = 10_000
"""Of each list in a file."""

_MAX_NUMBER: Final = 1e12


_T = TypeVar("_T")


def read_bounded(path: Path, limit_bytes: int, read: Callable[[str], _T]) -> _T:
    """What a file holds, read no further than it may be long.

    Args:
        path: of it.
        limit_bytes: so long it may be; one byte more is read, so that `read` sees it.
        read: makes something of its text.

    Raises:
        ConfigError: it cannot be read, or as `read`; the text names it.
    """
    try:
        with path.open("rb") as file:
            return read(file.read(limit_bytes + 1).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def text_of(value: object) -> str:
    """A text. ConfigError if it is none."""
    if not isinstance(value, str):
        raise ConfigError(f"this is no verdict: expected a text, not {value!r:.80}")
    return value


def backend_of(value: object) -> str:
    """Where trials ran. ConfigError if it is none."""
    if value not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise ConfigError(f"this is no verdict: expected one of {known}, not {value!r:.80}")
    return str(value)


def flag_of(value: object) -> bool:
    """True or false. ConfigError if it is none."""
    if not isinstance(value, bool):
        raise ConfigError(f"this is no verdict: expected true or false, not {value!r:.80}")
    return value


def number_of(value: object) -> float | None:
    """A number, or nothing. ConfigError if it is none."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) <= _MAX_NUMBER:  # Which no NaN is.
            return value
    raise ConfigError(f"this is no verdict: expected a number, not {value!r:.80}")


def whole_of(value: object) -> int:
    """A whole number. ConfigError if it is none."""
    if type(value) is not int or abs(value) > 2**64:
        raise ConfigError(f"this is no verdict: expected a whole number, not {value!r:.80}")
    return value


def count_of(value: object) -> int:
    """A whole number that is not negative. ConfigError if it is none."""
    count = whole_of(value)
    if count < 0:
        raise ConfigError(f"this is no verdict: expected a count, not {count}")
    return count


def list_of(value: object) -> Sequence[Any]:
    """A list that is not too long. ConfigError if it is none."""
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise ConfigError(
            f"this is no verdict: expected a list of at most {MAX_ITEMS:,}, not {value!r:.80}"
        )
    return value
