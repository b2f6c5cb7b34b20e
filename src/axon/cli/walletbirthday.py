"""A birthday: the day, or the block, before which nothing was paid to a wallet or a key."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.walletoptions import WalletOptions
from axon.drivers.aio.clock import Clock
from axon.errors import ConfigError
from axon.host.lightstorage import LightStorage
from axon.machine import SECOND

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def add_birthday(parser: Any, about: str) -> None:
    """Add the option.

    Args:
        about: what it is for.
    """
    parser.add_argument("--birthday", metavar="DATE|HEIGHT", help=about)


def birthday_s(options: WalletOptions) -> int:
    """From when on blocks concern a wallet that existed before.

    Raises:
        UsageError: neither a date nor a height, or in the future.
        ConfigError: the header of the height is not known here.
    """
    text: str | None = options.arguments.birthday
    if text is None:
        return options.light.network.genesis.header.time
    if _DATE.fullmatch(text):
        try:
            date_s = int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
        except ValueError:
            pass
        else:
            if date_s > Clock().now() // SECOND:
                raise UsageError(
                    f"the birthday {text} is in the future: name the day when the wallet was made,"
                    " or one before it"
                )
            return date_s
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise UsageError(f"expected a birthday such as 2024-05-31, or a height, not {text[:40]!r}")
    storage = LightStorage(options.light.light_folder, options.light.network)
    try:
        best = storage.headers.best
        entry = best.ancestor(int(text)) if int(text) <= best.height else None
    finally:
        storage.close()
    if entry is None:
        raise ConfigError(
            f"the header at height {text} is not known here yet: give a date instead, as in"
            " --birthday 2024-05-31"
        )
    return entry.time
