"""`settings.json`: settings that a node keeps by itself, in Bitcoin Core's form.

A JSON object: the name of an option and its value, or a list of values. What is set there counts
before the configuration file, and after the command line. A start makes the file if it is missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import write_atomically
from axon.errors import ConfigError, DiskFullError, disk_refusal
from axon.rpc.amounts import Number, encode_json

MAX_BYTES: Final = 1 << 20
"""It holds a few names; what is larger is something else."""

_NOTE_KEY: Final = "_warning_"
_NOTE: Final = "axon writes this file while it runs: what is changed by hand meanwhile may be lost."


def read_settings_file(path: Path) -> dict[str, object]:
    """The settings of a file, numbers as `Number`s; none if there is no file.

    Raises:
        ConfigError: it cannot be read, or is of another form.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unreadable(f"{path}. Please check permissions.") from error
    names: list[str] = []

    def noted(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names[:] = [name for name, _ in pairs]  # The outermost object is the last.
        return dict(pairs)

    try:
        text = data.decode() if len(data) <= MAX_BYTES else ""
        values = json.loads(text, object_pairs_hook=noted, parse_int=Number, parse_float=Number)
    except (ValueError, RecursionError) as error:
        raise _unreadable(
            f"Settings file {path} does not contain valid JSON. This is probably caused by disk "
            "corruption or a crash, and can be fixed by removing the file, which will reset "
            "settings to default values."
        ) from error
    if not isinstance(values, dict):
        raise _unreadable(f"Found non-object value {encode_json(values)} in settings file {path}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _unreadable(f"Found duplicate key {twice} in settings file {path}")
    values.pop(_NOTE_KEY, None)
    return values


def write_settings_file(path: Path, values: dict[str, object]) -> None:
    """Write all settings down.

    Raises:
        ConfigError: the file cannot be written.
        DiskFullError: there is no room for it.
    """
    text = encode_json({_NOTE_KEY: _NOTE, **values}, indent=4)
    try:
        write_atomically(path, f"{text}\n".encode())
    except OSError as error:
        refusal = disk_refusal(f"Unable to write {path}", error, ConfigError)
        if isinstance(refusal, DiskFullError):
            raise refusal from error
        raise ConfigError(f"Settings file could not be written:\n- {refusal}") from error


def set_loaded_at_start(path: Path, name: str, yes: bool) -> None:
    """Write down whether a wallet is loaded at each start; what else is in the file stays.

    Raises:
        ConfigError: the file cannot be read or written.
        DiskFullError: there is no room for it.
    """
    values = read_settings_file(path)
    told = values.get("wallet")
    names: list[object] = list(told) if isinstance(told, list) else []
    if yes and name in names:
        return
    values["wallet"] = [*names, name] if yes else [each for each in names if each != name]
    write_settings_file(path, values)


def keep_settings_file(path: Path | None) -> None:
    """Have the file there, so that a person finds it; None for no file.

    Raises:
        ConfigError: it cannot be written.
        DiskFullError: there is no room for it.
    """
    if path is not None and not path.exists():
        write_settings_file(path, {})


def _unreadable(detail: str) -> ConfigError:
    return ConfigError(f"Settings file could not be read:\n- {detail}")
