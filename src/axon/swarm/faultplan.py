"""A fault plan: what goes wrong and when, in words that the lab and the simulator both read.

    {"schema": "axon fault plan 1",
     "steps": [{"t": 0, "op": "kill", "target": "n3"},
               {"t": 60, "op": "restart", "target": "n3", "params": {"wipe": true}}]}

`t` counts seconds from the begin of the trouble. A target names components of the network that the
plan is carried out on; whether there are such is known only there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

from axon.errors import ConfigError
from axon.machine import SECOND, Instant
from axon.swarm import linkquality
from axon.swarm.linkquality import LinkQuality

SCHEMA: Final = "axon fault plan 1"

MAX_STEPS: Final = 10_000
MAX_PLAN_BYTES: Final = 4 << 20
"""Of a plan as a file: more than the longest one takes."""

MAX_T_S: Final = 30 * 24 * 3600
"""Nothing is planned for later than a month after the begin."""

MAX_TARGET: Final = 10_000
"""Characters; a partition of a thousand nodes takes 6,000."""

SLOW_FACTOR: Final = 100
"""By so much a component is slowed down where nothing else is said."""

Value = bool | int | float | str


class Op(StrEnum):
    """What is done to a target."""

    KILL = "kill"
    """Its program ends at once, as by SIGKILL. A file is gone, for all who share it."""
    RESTART = "restart"
    """A program that has ended starts again; one that runs is left alone. A file is put back."""
    STOP = "stop"
    """Its program is stopped where it is (SIGSTOP): connections stand, and nothing is done."""
    CONT = "cont"
    """A stopped program goes on."""
    SLOW = "slow"
    """All that it does takes longer; a factor of 1 ends that."""
    CUT = "cut"
    """Nothing comes through: between it and all others, or between the sides of `n1,n2|n3`."""
    LINK = "link"
    """Packets take longer or get lost on the way between it and all others, or between the sides of
    `n1,n2|n3`; what is said later of the same way replaces what was said before."""
    HEAL = "heal"
    """All cuts end, and all links are as they were."""
    CLOCK = "clock"
    """Its clock, or the clock of all that have their time from it, is wrong from now on; an offset
    of 0 sets it right."""
    LIE = "lie"
    """It withholds something from those who ask; an empty word ends that."""
    WIPE = "wipe"
    """What it has on its disk is gone; only of what does not run."""


class Way(StrEnum):
    """Which direction a cut stops, or a link shapes: into the first side, out of it, or both."""

    BOTH = "both"
    IN = "in"
    OUT = "out"


class Withheld(StrEnum):
    """What a lie keeps back."""

    NOTHING = ""
    BLOCKS = "blocks"
    TRANSACTIONS = "transactions"
    FILTERS = "filters"


@dataclass(frozen=True, slots=True)
class _Param:
    """One parameter of an operation: what it is if nothing is said, and what it may be."""

    usual: Value
    said: str
    least: float = 0
    most: float = 0
    words: tuple[str, ...] = ()

    def read(self, name: str, value: object) -> Value:
        """The value; ConfigError if it is none."""
        usual = self.usual
        if isinstance(usual, bool) or isinstance(value, bool):
            is_fit = isinstance(usual, bool) and isinstance(value, bool)
        elif isinstance(usual, str):
            is_fit = value in self.words
        else:
            is_fit = isinstance(value, (int, float)) and self.least <= value <= self.most
        if not is_fit:
            raise ConfigError(f"expected {self.said} for {name!r}, not {_shown(value)}")
        assert isinstance(value, bool | int | float | str), "checked"
        return value


_CLOCK_MOST_S: Final = 10 * 365 * 24 * 3600

_PARAMS: Final[dict[Op, dict[str, _Param]]] = {
    Op.KILL: {"silent": _Param(False, "true or false")},
    Op.RESTART: {"wipe": _Param(False, "true or false")},
    Op.SLOW: {"factor": _Param(SLOW_FACTOR, "a factor from 1 to 1,000,000", 1, 1_000_000)},
    Op.CUT: {
        "way": _Param(Way.BOTH.value, "both, in or out", words=tuple(Way)),
        "drops": _Param(True, "true or false"),
    },
    Op.LINK: {
        "latency_ms": _Param(0, "milliseconds", 0, linkquality.MAX_LATENCY_MS),
        "jitter_ms": _Param(0, "milliseconds", 0, linkquality.MAX_LATENCY_MS),
        "rate_bit_s": _Param(0, "bits a second, 0 for no limit", 0, linkquality.MAX_RATE_BIT_S),
        "loss_percent": _Param(0, "0 to 99 %", 0, linkquality.MAX_LOSS_PERCENT),
        "reorder_percent": _Param(0, "0 to 100 %", 0, 100),
        "duplicate_percent": _Param(0, "0 to 100 %", 0, 100),
        "way": _Param(Way.BOTH.value, "both, in or out", words=tuple(Way)),
    },
    Op.CLOCK: {"offset_s": _Param(0, "seconds, at most ten years", -_CLOCK_MOST_S, _CLOCK_MOST_S)},
    Op.LIE: {
        "withhold": _Param(
            Withheld.BLOCKS.value, "blocks, transactions or filters", words=tuple(Withheld)
        )
    },
}
"""What may be said of an operation beside its target, by name."""

_UNTARGETED: Final = frozenset((Op.HEAL,))

BETWEEN: Final = frozenset((Op.CUT, Op.LINK))
"""What is done to the ways between components, not to one of them; one `heal` ends it all."""


@dataclass(frozen=True, slots=True)
class FaultStep:
    """One thing that is done.

    Args:
        at_us: microseconds after the begin of the trouble.
        op: what.
        target: to which components; empty where none is meant.
        params: what else is said of it, by name; others are as usual.
    """

    at_us: Instant
    op: Op
    target: str = ""
    params: tuple[tuple[str, Value], ...] = ()

    def param(self, name: str) -> Value:
        """A parameter, the usual one if nothing was said."""
        return dict(self.params).get(name, _PARAMS[self.op][name].usual)

    def link(self) -> LinkQuality:
        """What a link is to be like.

        Raises:
            ConfigError: its parameters do not fit each other.
        """
        assert self.op is Op.LINK, "of nothing else"
        return LinkQuality.from_params(dict(self.params))

    def to_json(self) -> dict[str, object]:
        """For a file."""
        seconds = self.at_us / SECOND
        shown: dict[str, object] = {"t": int(seconds) if seconds.is_integer() else seconds}
        shown |= {"op": str(self.op), "target": self.target}
        return shown | ({"params": dict(self.params)} if self.params else {})

    @classmethod
    def from_json(cls, data: object) -> Self:
        """From a file.

        Raises:
            ConfigError: it is no step; the text says what was expected.
        """
        fields = _fields(data, "a step", ("t", "op", "target", "params"))
        t, target = fields.get("t"), fields.get("target", "")
        if isinstance(t, bool) or not isinstance(t, (int, float)) or not 0 <= t <= MAX_T_S:
            raise ConfigError(f"expected 't' in seconds, 0 to {MAX_T_S:,}, not {_shown(t)}")
        try:
            op = Op(str(fields.get("op")))
        except ValueError:
            known = ", ".join(Op)
            raise ConfigError(
                f"there is no op {_shown(fields.get('op'))}; known: {known}"
            ) from None
        if not isinstance(target, str) or len(target) > MAX_TARGET:
            raise ConfigError(f"expected a text for 'target', not {_shown(target)}")
        if bool(target) == (op in _UNTARGETED):
            needs = "no target" if op in _UNTARGETED else "a target"
            raise ConfigError(f"{op} has {needs}")
        known_params = _PARAMS.get(op, {})
        params = _fields(fields.get("params", {}), f"the params of {op}", tuple(known_params))
        read = tuple((name, known_params[name].read(name, value)) for name, value in params.items())
        made = cls(round(t * SECOND), op, target, read)
        if op is Op.LINK:
            made.link()
        return made


def step(t_s: float, op: Op, target: str = "", **params: Value) -> FaultStep:
    """A step as it is written in code."""
    return FaultStep(round(t_s * SECOND), op, target, tuple(params.items()))


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Steps in the order in which they are done."""

    steps: tuple[FaultStep, ...] = ()

    @classmethod
    def of(cls, steps: Iterable[FaultStep]) -> Self:
        """Put steps in order; of those at one time the earlier one is done first."""
        return cls(tuple(sorted(steps, key=lambda each: each.at_us)))

    def undone(self) -> FaultPlan:
        """What takes back all that lasts when the plan has been carried out; all of it at once.

        A component that was killed and has been restarted runs already; what was on its disk does
        not come back.
        """
        lasting: dict[tuple[Op, str], FaultStep] = {}
        for each in self.steps:
            for target in each.target.split(",") if each.op not in BETWEEN else ("",):
                _lasts(lasting, each, target)
        return FaultPlan(tuple(lasting.values()))

    def to_json(self) -> dict[str, object]:
        """For a file."""
        return {"schema": SCHEMA, "steps": [each.to_json() for each in self.steps]}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """From a file.

        Raises:
            ConfigError: it is no plan; the text says which step is wrong, and what was expected.
        """
        fields = _fields(data, "a fault plan", ("schema", "steps"))
        if fields.get("schema") != SCHEMA:
            raise ConfigError(f"expected the schema {SCHEMA!r}, not {_shown(fields.get('schema'))}")
        listed = fields.get("steps")
        if not isinstance(listed, list) or len(listed) > MAX_STEPS:
            raise ConfigError(f"expected a list of at most {MAX_STEPS:,} steps")
        steps = []
        for number, each in enumerate(listed, 1):
            try:
                steps.append(FaultStep.from_json(each))
            except ConfigError as error:
                raise ConfigError(f"step {number}: {error}") from None
        return cls.of(steps)

    @classmethod
    def read(cls, text: str) -> Self:
        """From the text of a file.

        Raises:
            ConfigError: it is no plan.
        """
        if len(text) > MAX_PLAN_BYTES:
            raise ConfigError(f"a fault plan has at most {MAX_PLAN_BYTES >> 20} MiB")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"a fault plan is JSON, and this is not: {error}") from None
        return cls.from_json(data)


_ENDS: Final = {
    Op.KILL: step(0, Op.RESTART),
    Op.STOP: step(0, Op.CONT),
    Op.SLOW: step(0, Op.SLOW, factor=1),
    Op.CLOCK: step(0, Op.CLOCK, offset_s=0),
    Op.LIE: step(0, Op.LIE, withhold=Withheld.NOTHING.value),
    Op.CUT: step(0, Op.HEAL),
    Op.LINK: step(0, Op.HEAL),
}
"""What ends each operation that lasts."""

_ENDED_BY: Final = {Op.RESTART: Op.KILL, Op.CONT: Op.STOP, Op.HEAL: Op.HEAL}


def _lasts(lasting: dict[tuple[Op, str], FaultStep], done: FaultStep, target: str) -> None:
    """Note what ends a step; a step that ends an earlier one takes that back."""
    end = _ENDS.get(done.op)
    kind = Op.HEAL if done.op in BETWEEN else done.op
    if done.op in _ENDED_BY:
        lasting.pop((_ENDED_BY[done.op], target), None)
    elif end is not None and (end.op, end.params) == (done.op, done.params):
        lasting.pop((done.op, target), None)
    elif end is not None:
        lasting[kind, target] = replace(end, target=target)


def _fields(data: object, what: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(f"expected an object for {what}, not {_shown(data)}")
    for name in data:
        if name not in known:
            have = ", ".join(known) or "nothing"
            raise ConfigError(f"{what} has no {_shown(name)}; it has {have}")
    return data


def _shown(value: object) -> str:
    return repr(value)[:80]
