"""Files of settings of a node besides the configuration file that is read.

Another `bitcoin.conf` in the data directory, which nobody reads, would mislead its editor; and
`settings.json` has what a node has kept by itself.
"""

from __future__ import annotations

from pathlib import Path

from axon.cli.conf import CONF_NAME, Settings
from axon.cli.options import Value, as_text, split_key
from axon.errors import ConfigError
from axon.host.settingsfile import read_settings_file
from axon.rpc.amounts import Number, encode_json


def check_ignored_conf(settings: Settings, datadir: Path, home: Path) -> None:
    """Refuse a `bitcoin.conf` in the data directory that is not the file which was read.

    Args:
        datadir: as all settings have it.
        home: in which the default data directory lies.

    Raises:
        ConfigError: there is one, and `-allowignoredconf` is not set.
    """
    here = datadir / CONF_NAME
    if not here.exists() or settings.is_negated("conf"):
        return
    given = Settings(settings.known, settings.command_line)
    first = given.text("datadir")
    base = Path(first).absolute() if first else home / ".axon"
    read = base / (given.text("conf") or CONF_NAME)
    if read.exists() and read.samefile(here):
        return
    named = given.text("conf")
    source = f'command line argument "-conf={named}"' if named else f'data directory "{base}"'
    text = (
        f'Data directory "{datadir}" contains a "{CONF_NAME}" file which is ignored, because a '
        f'different configuration file "{read}" from {source} is being used instead. Possible ways '
        "to address this would be to:\n"
        f'- Delete or rename the "{CONF_NAME}" file in data directory "{datadir}".\n'
        "- Change datadir= or conf= options to specify one configuration file, not two, and use "
        "includeconf= to include any other configuration files."
    )
    if not settings.flag("allowignoredconf", False):
        raise ConfigError(
            f"{text}\n- Set allowignoredconf=1 option to treat this condition as a warning, not an "
            "error."
        )
    settings.warnings.append(text)


def settings_path(settings: Settings, folder: Path) -> Path | None:
    """Where the settings file is; None with `-nosettings`.

    Args:
        folder: the network's.
    """
    return settings.path("settings", folder, "settings.json")


def read_stored(settings: Settings, folder: Path) -> None:
    """Take in the settings file, if there is one.

    Raises:
        ConfigError: it cannot be read.
    """
    path = settings_path(settings, folder)
    for name, value in ({} if path is None else read_settings_file(path)).items():
        settings.stored_lines[name] = encode_json(value)
        key = split_key(name)
        if key.name not in settings.known:
            settings.warnings.append(f"Ignoring unknown rw_settings value {name}")
            continue
        values = value if isinstance(value, list) else [value]
        told = [_value(each) for each in values if each is not None]  # Null: it is not set.
        if told:
            settings.stored[name] = told


def _value(value: object) -> Value:
    if isinstance(value, Number):
        return value.text
    return value if isinstance(value, str | bool) else encode_json(value)


def files_to_load(settings: Settings) -> tuple[Path, ...]:
    """The files of `-loadblock`, from where the program was started; who names none is told."""
    files = tuple([Path(text).absolute() for text in settings.values("loadblock")])
    settings.notices += [
        f"Could not open blocks file {file}" for file in files if not file.is_file()
    ]
    return files


def blocks_dir(settings: Settings) -> Path | None:
    """Where block files are to be (`-blocksdir`); None for the data directory.

    Raises:
        ConfigError: there is no such folder.
    """
    if not settings.is_set("blocksdir"):
        return None
    value = settings.value("blocksdir")
    text = as_text(value) if value is not None else ""
    path = Path(text).absolute()
    if not text or not path.is_dir():
        raise ConfigError(f'Specified blocks directory "{text}" does not exist.')
    return path
