"""How slow and how lossy a link is to be, in words: `latency=80ms±20 loss=1% rate=2mbit`.

A fault plan holds the same as numbers, the simulator and the lab as a `LinkModel`. What is not said
is as on a link that nobody shapes: no latency, no limit, no loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final, Self

from axon.drivers.linkmodel import LinkModel, Loss
from axon.errors import ConfigError
from axon.machine import MILLISECOND

MAX_LATENCY_MS: Final = 60_000
"""What comes later is as good as lost: TCP has sent it again many times."""

MIN_RATE_BIT_S: Final = 1_000
"""With less, a packet alone takes longer than a connection waits."""

MAX_RATE_BIT_S: Final = 100_000_000_000
MAX_LOSS_PERCENT: Final = 99
"""A link that loses everything is cut."""

_EXAMPLE: Final = "as in latency=80ms±20 loss=1% rate=2mbit reorder=2% duplicate=1%"
_TIMES: Final[Mapping[str, float]] = MappingProxyType({"us": 0.001, "ms": 1, "s": 1_000})
_RATES: Final[Mapping[str, float]] = MappingProxyType(
    {"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
)
_SHARES: Final[Mapping[str, float]] = MappingProxyType({"%": 1})
_SIGNS: Final = ("±", "+-", "+/-")


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """What is done to all packets of a link, in each direction that is meant.

    Args:
        latency_ms: one way, in the mean.
        jitter_ms: a packet takes as much more or less, evenly.
        rate_bit_s: that it carries; 0 for no limit.
        loss_percent: of packets that are lost.
        reorder_percent: of packets that others overtake.
        duplicate_percent: of packets that come twice.

    Raises:
        ConfigError: it is none; the text says what was expected.
    """

    latency_ms: float = 0
    jitter_ms: float = 0
    rate_bit_s: int = 0
    loss_percent: float = 0
    reorder_percent: float = 0
    duplicate_percent: float = 0

    def __post_init__(self) -> None:
        _within("latency", self.latency_ms, 0, MAX_LATENCY_MS, "ms")
        if not 0 <= self.jitter_ms <= self.latency_ms:
            raise ConfigError(
                f"expected a jitter from 0 to the latency ({self.latency_ms:g} ms), "
                f"not {self.jitter_ms:g} ms: nothing arrives before it is sent"
            )
        if self.rate_bit_s:
            _within("rate", self.rate_bit_s, MIN_RATE_BIT_S, MAX_RATE_BIT_S, "bit")
        if not 0 <= self.loss_percent <= MAX_LOSS_PERCENT:
            raise ConfigError(
                f"expected a loss from 0 to {MAX_LOSS_PERCENT} %, not {self.loss_percent:g} %; "
                "a link that loses everything is cut"
            )
        _within("reorder", self.reorder_percent, 0, 100, "%")
        _within("duplicate", self.duplicate_percent, 0, 100, "%")

    @classmethod
    def read(cls, words: Iterable[str]) -> Self:
        """From words such as `latency=80ms±20`.

        Raises:
            ConfigError: a word is none; the text says what was expected.
        """
        said: dict[str, float] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if not equals or name not in _READERS:
                known = ", ".join(_READERS)
                raise ConfigError(f"a link has {known}, {_EXAMPLE}; not {word!r:.80}")
            read = _READERS[name](name, value)
            if any(each in said for each in read):
                raise ConfigError(f"{name} is said twice")
            said |= read
        if not said:
            raise ConfigError(f"say what the link is to be like, {_EXAMPLE}")
        return cls.from_params(said)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """From the parameters of a step of a plan; others than these are passed over."""
        known = {each.name: params[each.name] for each in fields(cls) if each.name in params}
        if "rate_bit_s" in known:
            known["rate_bit_s"] = round(known["rate_bit_s"])
        return cls(**known)

    def params(self) -> dict[str, float]:
        """As a plan has them: those that are not as usual."""
        return {name: value for name, value in asdict(self).items() if value}

    def hurried(self, pace: int) -> Self:
        """What is like this by clocks that run so many times as fast as those of whoever does it.

        Nothing carries more than `MAX_RATE_BIT_S`.
        """
        return replace(
            self,
            latency_ms=self.latency_ms / pace,
            jitter_ms=self.jitter_ms / pace,
            rate_bit_s=min(self.rate_bit_s * pace, MAX_RATE_BIT_S),
        )

    def model(self) -> LinkModel:
        """The same for who carries packets or bytes."""
        least_us = round((self.latency_ms - self.jitter_ms) * MILLISECOND)
        spread_us = round(2 * self.jitter_ms * MILLISECOND)
        return LinkModel(
            latency_us=(least_us,),
            jitter_us=(0, spread_us) if spread_us else (0,),
            rate_bit_s=self.rate_bit_s,
            loss=Loss(self.loss_percent / 100) if self.loss_percent else None,
            reorder=self.reorder_percent / 100,
            duplicate=self.duplicate_percent / 100,
        )

    def __str__(self) -> str:
        parts = []
        if self.latency_ms:
            jitter = f"±{self.jitter_ms:g}" if self.jitter_ms else ""
            parts.append(f"latency={self.latency_ms:g}ms{jitter}")
        if self.loss_percent:
            parts.append(f"loss={self.loss_percent:g}%")
        if self.rate_bit_s:
            unit, size = [each for each in _RATES.items() if self.rate_bit_s >= each[1]][-1]
            parts.append(f"rate={self.rate_bit_s / size:g}{unit}")
        if self.reorder_percent:
            parts.append(f"reorder={self.reorder_percent:g}%")
        if self.duplicate_percent:
            parts.append(f"duplicate={self.duplicate_percent:g}%")
        return " ".join(parts) or "as usual"


def _within(what: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:
        raise ConfigError(f"expected a {what} from {least:g} to {most:g} {unit}, not {value:g}")


def _number(name: str, text: str, units: Mapping[str, float], usual: str = "") -> float:
    """A number with its unit, in the first of the units.

    Args:
        name: of what it says.
        text: of both.
        units: how much each is.
        usual: the unit where none is said; empty if one must be.
    """
    digits = text.rstrip("".join(units))
    unit = text[len(digits) :] or usual
    try:
        if unit in units:
            return float(digits) * units[unit]
    except ValueError:
        pass
    raise ConfigError(f"expected a number and a unit ({', '.join(units)}) for {name}, not {text!r}")


def _latency(name: str, text: str) -> dict[str, float]:
    for sign in _SIGNS:
        text = text.replace(sign, _SIGNS[0])
    mean, _, spread = text.partition(_SIGNS[0])
    said = {"latency_ms": _number(name, mean, _TIMES)}
    if spread or _SIGNS[0] in text:
        unit = mean.strip("0123456789.")
        said["jitter_ms"] = _number(f"the jitter of {name}", spread, _TIMES, unit)
    return said


def _rate(name: str, text: str) -> dict[str, float]:
    rate_bit_s = _number(name, text, _RATES)
    _within(name, rate_bit_s, MIN_RATE_BIT_S, MAX_RATE_BIT_S, "bit")
    return {"rate_bit_s": rate_bit_s}


def _share(name: str, text: str) -> dict[str, float]:
    return {f"{name}_percent": _number(name, text, _SHARES)}


_READERS: Final[Mapping[str, Callable[[str, str], dict[str, float]]]] = MappingProxyType(
    {
        "latency": _latency,
        "loss": _share,
        "rate": _rate,
        "reorder": _share,
        "duplicate": _share,
    }
)
"""What may be said of a link, by its word."""
