"""Which lines a log is to have: the options about logging, Core's by name and meaning."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from axon.cli.conf import Settings
from axon.errors import ConfigError
from axon.host.logfile import ALL, CATEGORIES, LEVELS, LogSettings


def log_settings(settings: Settings, folder: Path) -> LogSettings:
    """Read the options about logging.

    Args:
        folder: the network's.

    Raises:
        ConfigError: an unknown category or level.
    """
    debug = settings.values("debug")
    for place in range(len(debug), 0, -1):
        if debug[place - 1] in ("0", "none"):
            debug = debug[place:]
            break
    chosen = _chosen("debug", debug)
    excluded = _chosen("debugexclude", settings.values("debugexclude"))
    level, levels = _levels(settings.values("loglevel"))
    categories = tuple(name for name in CATEGORIES if name in chosen and name not in excluded)
    return LogSettings(
        file=settings.path("debuglogfile", folder, "debug.log"),
        console=settings.flag("printtoconsole", not settings.flag("daemon", False)),
        categories=categories,
        level=level,
        levels=levels,
        timestamps=settings.flag("logtimestamps", True),
        microseconds=settings.flag("logtimemicros", False),
        thread_names=settings.flag("logthreadnames", False),
        source_locations=settings.flag("logsourcelocations", False),
        always_level=settings.flag("loglevelalways", False),
        shrink=settings.flag("shrinkdebugfile", not categories),
        peer_addresses=settings.flag("logips", False),
    )


def _chosen(option: str, names: Iterable[str]) -> list[str]:
    chosen: list[str] = []
    for name in names:
        if name not in CATEGORIES and name not in ALL:
            raise ConfigError(f"Unsupported logging category -{option}={name}.")
        chosen += CATEGORIES if name in ALL else [name]
    return chosen


def _levels(texts: Iterable[str]) -> tuple[str, dict[str, str]]:
    level, levels = "debug", {}
    known = ", ".join(LEVELS)
    for text in texts:
        category, colon, name = text.rpartition(":")
        if not colon:
            if name not in LEVELS:
                raise ConfigError(
                    f"Unsupported global logging level -loglevel={text}. Valid values: {known}."
                )
            level = name
        elif category not in CATEGORIES or name not in LEVELS:
            raise ConfigError(
                f"Unsupported category-specific logging level -loglevel={text}. "
                "Expected -loglevel=<category>:<loglevel>. "
                f"Valid categories: {', '.join(CATEGORIES)}. Valid loglevels: {known}."
            )
        else:
            levels[category] = name
    return level, levels
