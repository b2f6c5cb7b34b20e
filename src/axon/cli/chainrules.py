"""The network that a node or a wallet is for: one of five, or a signet or a regtest made to order.

Who signs the blocks of a signet is said by `-signetchallenge`; from which heights regtest's rules
hold by `-testactivationheight`, when its test deployment counts signals by `-vbparams`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from axon.chain.deployments import NEVER_ACTIVE
from axon.cli.conf import Settings
from axon.errors import ConfigError
from axon.primitives.network import NETWORKS, REGTEST, SIGNET, Network, signet_of
from axon.primitives.script import MAX_SCRIPT_SIZE

_BURIED: Final = frozenset({"bip34", "cltv", "csv", "dersig", "segwit"})
_MAX_HEIGHT: Final = (1 << 31) - 2
_VBPARAMS: Final = "deployment:start:end[:min_activation_height]"


def read_network(settings: Settings) -> Network:
    """The network that is selected, as it was made to order.

    Raises:
        ConfigError: one of the options cannot be read.
    """
    network = NETWORKS[settings.chain]
    if network is SIGNET:
        return _signet(settings)
    return _regtest(settings) if network is REGTEST else network


def _signet(settings: Settings) -> Network:
    given = settings.values("signetchallenge")
    if not given:
        return SIGNET
    if len(given) > 1:
        raise ConfigError("-signetchallenge cannot be multiple values.")
    try:
        challenge = bytes.fromhex(given[0])
    except ValueError:
        challenge = None
    if challenge is None or 2 * len(challenge) != len(given[0]):
        raise ConfigError(f"-signetchallenge must be hex, not '{given[0]}'.")
    if len(challenge) > MAX_SCRIPT_SIZE:
        raise ConfigError(f"-signetchallenge is longer than {MAX_SCRIPT_SIZE:,} bytes.")
    return SIGNET if challenge == SIGNET.signet_challenge else signet_of(challenge)


def _regtest(settings: Settings) -> Network:
    heights = dict(map(_height, settings.values("testactivationheight")))
    network = replace(
        REGTEST,
        bip34_height=heights.get("bip34", REGTEST.bip34_height),
        bip65_height=heights.get("cltv", REGTEST.bip65_height),
        bip66_height=heights.get("dersig", REGTEST.bip66_height),
        csv_height=heights.get("csv", REGTEST.csv_height),
        segwit_height=heights.get("segwit", REGTEST.segwit_height),
    )
    for text in settings.values("vbparams"):
        network = replace(network, testdummy=_testdummy(text))
    return network


def _height(text: str) -> tuple[str, int]:
    """Of which rule a value of `-testactivationheight` speaks, and from which height it holds."""
    form = "for -testactivationheight=name@height."
    name, found, digits = text.partition("@")
    if not found:
        raise ConfigError(f"Invalid format ({text}) {form}")
    height = _integer(digits, _MAX_HEIGHT)
    if height is None or height < 0:
        raise ConfigError(f"Invalid height value ({text}) {form}")
    if name not in _BURIED:
        raise ConfigError(f"Invalid name ({text}) {form}")
    return name, height


def _testdummy(text: str) -> tuple[int, int, int] | None:
    """What a value of `-vbparams` says; None for never."""
    name, *numbers = text.split(":")
    if len(numbers) not in (2, 3):
        raise ConfigError(f"Version bits parameters malformed, expecting {_VBPARAMS}")
    names = ("nStartTime", "nTimeout", "min_activation_height")
    read: list[int] = []
    for what, number in zip(names, numbers, strict=False):
        found = _integer(number, (1 << 63) - 1)
        if found is None:
            raise ConfigError(f"Invalid {what} ({number})")
        read.append(found)
    if name != "testdummy":
        raise ConfigError(f"Invalid deployment ({name})")
    start, timeout, min_height = (*read, 0)[:3]
    return None if start == NEVER_ACTIVE else (start, timeout, min_height)


def _integer(text: str, most: int) -> int | None:
    """A whole number in decimal digits and no further than this from 0; None if it is none."""
    if not re.fullmatch(r"-?[0-9]{1,20}", text):
        return None
    number = int(text)
    return number if -most - 1 <= number <= most else None
