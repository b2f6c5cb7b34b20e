"""Settings from the command line and from `bitcoin.conf`, put together as Bitcoin Core does it.

The command line comes first, then the network's section of the file, then what stands before all
sections. On the command line the last of several values counts, in the file the first. Network-only
options outside of a section count for mainnet alone.

Core's oddities are kept, since files rely on them: a negated option before all sections counts for
every network, and a value given after a negation on the command line brings the file's values back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.cli.options import Option, Value, as_flag, as_int, as_text, interpret, split_key
from axon.errors import ConfigError
from axon.primitives.network import NETWORKS
from axon.rpc.amounts import encode_json

CONF_NAME: Final = "bitcoin.conf"
MAX_CONF_BYTES: Final = 1 << 20
"""A configuration file is written by hand; what is larger was named by mistake."""

_BLANK: Final = " \t\r\n"
_SELECTORS: Final = {"regtest": "regtest", "signet": "signet", "testnet": "test"} | {
    "testnet4": "testnet4"
}


@dataclass(frozen=True, slots=True)
class ConfLine:
    """One `name=value` of a configuration file; `name` has its section in front."""

    name: str
    value: str


def parse_conf(text: str) -> tuple[list[ConfLine], list[tuple[str, int]]]:
    """The settings of a configuration file, and its sections with their line numbers.

    Raises:
        ConfigError: a line is no setting; the text says which.
    """
    settings: list[ConfLine] = []
    sections: list[tuple[str, int]] = []
    prefix = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line, comment, _ = raw.partition("#")
        line = line.strip(_BLANK)
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            sections.append((line[1:-1], number))
            prefix = line[1:-1] + "."
        elif line.startswith("-"):
            raise ConfigError(
                f"parse error on line {number}: {line}, "
                "options in configuration file must be specified without leading -"
            )
        elif "=" not in line:
            hint = f", if you intended to specify a negated option, use {line}=1 instead"
            raise ConfigError(
                f"parse error on line {number}: {line}{hint if line.startswith('no') else ''}"
            )
        else:
            name, _, value = line.partition("=")
            name = prefix + name.strip(_BLANK)
            if comment and "rpcpassword" in name:
                raise ConfigError(
                    f"parse error on line {number}, "
                    "using # in rpcpassword can be ambiguous and should be avoided"
                )
            settings.append(ConfLine(name, value.strip(_BLANK)))
            section, dot, _ = name.rpartition(".")
            if dot and len(prefix) <= len(section):
                sections.append((section, number))
    return settings, sections


@dataclass(slots=True)
class Settings:
    """All that was set, and who asks for it finds what counts.

    Args:
        known: the options there are.
        command_line: as `parse_command_line` gives it.
        conf: by section (empty before all sections), then by name.
        stored: of the settings file; it counts before the configuration file.
        stored_lines: all names of the settings file with their values as JSON, for the log.
        chain: the network's name, once it is known; it selects the section.
        warnings: sentences for the log.
        notices: sentences for the log, and for whoever starts the program.
    """

    known: Mapping[str, Option] = field(repr=False)
    command_line: dict[str, list[Value]] = field(default_factory=dict, repr=False)
    conf: dict[str, dict[str, list[Value]]] = field(default_factory=dict, repr=False)
    stored: dict[str, list[Value]] = field(default_factory=dict, repr=False)
    stored_lines: dict[str, str] = field(default_factory=dict, repr=False)
    chain: str = ""
    warnings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add_conf(self, text: str, file_name: str) -> None:
        """Take in one configuration file.

        Raises:
            ConfigError: it cannot be read, or sets what cannot be set there.
        """
        lines, sections = parse_conf(text)
        for line in lines:
            key = split_key(line.name)
            if key.name == "conf":
                raise ConfigError(
                    "conf cannot be set in the configuration file; "
                    "use includeconf= if you want to include additional config files"
                )
            option = self.known.get(key.name)
            if option is None:
                self.warnings.append(f"Ignoring unknown configuration value {line.name}")
                continue
            value = interpret(key, option, line.value)
            self.conf.setdefault(key.section, {}).setdefault(key.name, []).append(value)
        self.notices += [
            f"{file_name}:{number} Section [{section}] is not recognized."
            for section, number in sections
            if section not in NETWORKS
        ]

    def _spans(self, name: str) -> Iterator[tuple[list[Value], str | None]]:
        """The values of an option by source: a section, or None for what comes before them."""
        for source in (self.command_line, self.stored):
            if name in source:
                yield source[name], None
        for section in dict.fromkeys((self.chain, "")):
            values = self.conf.get(section, {}).get(name)
            if values:
                yield values, section

    def _skips_default(self, name: str) -> bool:
        """Whether what stands before all sections is not meant for this network."""
        option = self.known.get(name)
        return option is not None and option.network_only and self.chain != "main"

    def value(self, name: str) -> Value | None:
        """The value that counts; None if the option is not set."""
        for values, section in self._spans(name):
            negated = values[-1] is False
            if section == "" and self._skips_default(name) and not negated:
                continue
            standing = _after_negation(values)
            if standing:
                return standing[-1] if section is None else standing[0]
            return False
        return None

    def values(self, name: str) -> list[str]:
        """All values of an option that may be given several times."""
        found: list[str] = []
        done = dropped = False
        for values, section in self._spans(name):
            if section == "" and self._skips_default(name):
                continue
            standing = _after_negation(values)
            revived = section is not None and not dropped
            if not done or revived:
                found += [as_text(value) for value in standing]
            done |= len(standing) < len(values)
            dropped |= values[-1] is False and not found
        return found

    def is_set(self, name: str) -> bool:
        """Whether the option is set at all, even if to nothing."""
        return self.value(name) is not None

    def is_negated(self, name: str) -> bool:
        """Whether what counts is `-nox`."""
        return self.value(name) is False

    def flag(self, name: str, default: bool) -> bool:
        """The option as on or off."""
        value = self.value(name)
        return default if value is None else as_flag(value)

    def number(self, name: str, default: int) -> int:
        """The option as a whole number."""
        value = self.value(name)
        return default if value is None else as_int(value)

    def text(self, name: str, default: str = "") -> str:
        """The option as text."""
        value = self.value(name)
        return default if value is None else as_text(value)

    def path(self, name: str, base: Path, default: str) -> Path | None:
        """The option as a path, relative to a folder; None if it is negated."""
        if self.is_negated(name):
            return None
        return base / (self.text(name) or default)

    def select_chain(self) -> str:
        """The network's name by the options that select it.

        Raises:
            ConfigError: several are selected, or an unknown one.
        """
        chosen = [chain for name, chain in _SELECTORS.items() if self._selects(name)]
        named = self.value("chain")
        if len(chosen) + (named is not None) > 1:
            raise ConfigError(
                "Invalid combination of -regtest, -signet, -testnet, -testnet4 and -chain. "
                "Can use at most one."
            )
        chain = as_text(named) if named is not None else next(iter(chosen), "main")
        if chain not in NETWORKS:
            raise ConfigError(f"Unknown chain {chain}.")
        return chain

    def _selects(self, name: str) -> bool:
        """Whether `-regtest` or one like it is on; here a negation hides nothing behind it."""
        for values, _ in self._spans(name):
            if values[-1] is not False:
                return as_flag(values[-1])
        return False

    def refuse_misplaced(self) -> None:
        """Refuse network-only options that stand before all sections and so count for nothing.

        Raises:
            ConfigError: there are some.
        """
        misplaced = sorted(
            name
            for name, values in self.conf.get("", {}).items()
            if self._skips_default(name)
            and values[-1] is not False
            and name not in self.command_line
            and name not in self.stored
            and name not in self.conf.get(self.chain, {})
        )
        if misplaced:
            raise ConfigError(
                "\n".join(
                    f"Config setting for -{name} only applied on {self.chain} network "
                    f"when in [{self.chain}] section."
                    for name in misplaced
                )
            )

    def told(self) -> list[str]:
        """Everything that was set, a line each for the log; secrets are not shown."""
        lines = [
            f"Config file arg: {f'[{section}] ' if section else ''}{self._shown(name, value)}"
            for section, settings in self.conf.items()
            for name, values in settings.items()
            for value in values
        ]
        lines += [
            f"Setting file arg: {name} = {'****' if self._is_secret(name) else text}"
            for name, text in self.stored_lines.items()
        ]
        return lines + [
            f"Command-line arg: {self._shown(name, value)}"
            for name, values in self.command_line.items()
            for value in values
        ]

    def _shown(self, name: str, value: Value) -> str:
        return f"{name}={'****' if self._is_secret(name) else encode_json(value)}"

    def _is_secret(self, name: str) -> bool:
        option = self.known.get(split_key(name).name)
        return option is not None and option.secret


def _after_negation(values: list[Value]) -> list[Value]:
    for place in range(len(values), 0, -1):
        if values[place - 1] is False:
            return values[place:]
    return values


def load_settings(
    known: Mapping[str, Option], command_line: dict[str, list[Value]], home: Path
) -> tuple[Settings, Path]:
    """Read the configuration file, select the network.

    Args:
        home: the folder in which the default data directory lies.

    Returns:
        The settings and the data directory; it need not exist if it is the default one.

    Raises:
        ConfigError: something in it cannot be used.
    """
    settings = Settings(known, command_line)
    datadir = _datadir(settings, home)
    if settings.text("datadir") and not datadir.is_dir():
        name = settings.text("datadir")
        raise ConfigError(f'Specified data directory "{name}" does not exist.')
    with _reading():
        _read_file(settings, datadir)
    chain = settings.select_chain()
    with _reading():
        _read_included(settings, datadir, chain)
        datadir = _datadir(settings, home)
        if settings.text("datadir") and not datadir.is_dir():
            name = settings.text("datadir")
            raise ConfigError(f'specified data directory "{name}" does not exist.')
    settings.chain = settings.select_chain()
    return settings, datadir


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"Error reading configuration file: {error}") from error


def _datadir(settings: Settings, home: Path) -> Path:
    name = settings.text("datadir")
    return Path(name).absolute() if name else home / ".axon"


def _read_file(settings: Settings, datadir: Path) -> None:
    path = settings.path("conf", datadir, CONF_NAME)
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f'Config file "{path}" is a directory.')
    if not path.is_file():
        if settings.is_set("conf"):
            raise ConfigError(f'specified config file "{path}" could not be opened.')
        return
    settings.add_conf(_read(path), str(path))


def _read_included(settings: Settings, datadir: Path, chain: str) -> None:
    if "includeconf" in settings.command_line:
        return
    names = [
        as_text(value)
        for section in dict.fromkeys((chain, ""))
        for value in _after_negation(settings.conf.get(section, {}).get("includeconf", []))
    ]
    for name in names:
        included = datadir / name
        if included.is_dir():
            raise ConfigError(f'Included config file "{included}" is a directory.')
        if not included.is_file():
            raise ConfigError(f"Failed to include configuration file {name}")
        text = _read(included)
        lines, _ = parse_conf(text)
        settings.notices += [
            f"-includeconf cannot be used from included files; ignoring -includeconf={line.value}"
            for line in lines
            if split_key(line.name).name == "includeconf"
        ]
        settings.add_conf(text, name)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONF_BYTES + 1)
    except OSError as error:
        raise ConfigError(f'config file "{path}" could not be opened: {error.strerror}') from error
    if len(data) > MAX_CONF_BYTES:
        raise ConfigError(f'config file "{path}" is larger than {MAX_CONF_BYTES} bytes')
    return data.decode("utf-8", "surrogateescape")
