"""Fault plans as files: what is written is read again, and what is no plan is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import ConfigError
from axon.machine import SECOND
from axon.swarm.faultplan import MAX_STEPS, SCHEMA, SLOW_FACTOR, FaultPlan, FaultStep, Op, step

STEPS = (
    st.builds(
        step,
        st.integers(0, 10**6).map(lambda thousandths: thousandths / 1000),
        st.sampled_from([Op.RESTART, Op.STOP, Op.CONT, Op.WIPE, Op.KILL]),
        st.sampled_from(["n1", "n1,n2", "host:h1"]),
    )
    | st.builds(
        lambda t, out: step(t, Op.CUT, "n1|n2", way=out), st.integers(0, 99), st.just("out")
    )
    | st.builds(
        lambda t, f: step(t, Op.SLOW, "n1", factor=f), st.integers(0, 99), st.integers(1, 9)
    )
    | st.builds(
        lambda t, ms: step(t, Op.LINK, "n1-n2", latency_ms=ms, jitter_ms=ms, way="in"),
        st.integers(0, 99),
        st.integers(0, 60_000),
    )
    | st.builds(lambda t: step(t, Op.HEAL), st.integers(0, 99))
)


@given(st.lists(STEPS, max_size=8))
def test_what_is_written_is_read_again(steps: list[FaultStep]) -> None:
    plan = FaultPlan.of(steps)
    assert FaultPlan.read(json.dumps(plan.to_json())) == plan
    moments = [each.at_us for each in plan.steps]
    assert moments == sorted(moments)


def test_what_is_not_said_is_as_usual() -> None:
    slow = FaultStep.from_json({"t": 1.5, "op": "slow", "target": "n1"})
    assert (slow.at_us, slow.param("factor")) == (1.5 * SECOND, SLOW_FACTOR)
    assert step(0, Op.CUT, "n1").param("way") == "both"
    assert step(0, Op.LIE, "n1", withhold="filters").param("withhold") == "filters"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "expected an object for a step"),
        ({}, "expected 't' in seconds"),
        ({"t": True, "op": "kill", "target": "n1"}, "expected 't' in seconds"),
        ({"t": -1, "op": "kill", "target": "n1"}, "expected 't' in seconds"),
        ({"t": 1e9, "op": "kill", "target": "n1"}, "expected 't' in seconds"),
        ({"t": float("nan"), "op": "kill", "target": "n1"}, "expected 't' in seconds"),
        ({"t": 0, "op": "burn", "target": "n1"}, "there is no op 'burn'; known: kill, restart"),
        ({"t": 0, "op": "kill"}, "kill has a target"),
        ({"t": 0, "op": "heal", "target": "n1"}, "heal has no target"),
        ({"t": 0, "op": "kill", "target": 7}, "expected a text for 'target'"),
        ({"t": 0, "op": "kill", "target": "n1", "who": 1}, "a step has no 'who'; it has t, op"),
        (
            {"t": 0, "op": "stop", "target": "n1", "params": {"for": 1}},
            "the params of stop has no 'for'; it has nothing",
        ),
        (
            {"t": 0, "op": "slow", "target": "n1", "params": {"factor": 0}},
            "expected a factor from 1 to 1,000,000 for 'factor', not 0",
        ),
        (
            {"t": 0, "op": "slow", "target": "n1", "params": {"factor": True}},
            "expected a factor",
        ),
        (
            {"t": 0, "op": "cut", "target": "n1", "params": {"way": "up"}},
            "expected both, in or out for 'way', not 'up'",
        ),
        ({"t": 0, "op": "kill", "target": "n1", "params": {"silent": 1}}, "expected true or false"),
        (
            {"t": 0, "op": "link", "target": "n1-n2", "params": {"loss_percent": 101}},
            "expected 0 to 99 % for 'loss_percent', not 101",
        ),
        (
            {"t": 0, "op": "link", "target": "n1-n2", "params": {"jitter_ms": 5}},
            "expected a jitter from 0 to the latency (0 ms), not 5 ms",
        ),
        (
            {"t": 0, "op": "link", "target": "n1-n2", "params": {"rate": "2mbit"}},
            "the params of link has no 'rate'; it has latency_ms, jitter_ms, rate_bit_s",
        ),
    ],
)
def test_what_is_no_step_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        FaultPlan.from_json({"schema": SCHEMA, "steps": [wrong]})
    assert str(refused.value).startswith(f"step 1: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "a fault plan is JSON"),
        ("[" * 100_000, "a fault plan is JSON"),
        ("[]", "expected an object for a fault plan"),
        ("{}", "expected the schema 'axon fault plan 1'"),
        (json.dumps({"schema": SCHEMA}), "expected a list of at most 10,000 steps"),
        (json.dumps({"schema": SCHEMA, "steps": [0] * (MAX_STEPS + 1)}), "expected a list of at"),
        (" " * (5 << 20), "a fault plan has at most 4 MiB"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        FaultPlan.read(text)
    assert str(refused.value).startswith(said)


def test_what_lasts_is_taken_back() -> None:
    plan = FaultPlan.of(
        [
            step(0, Op.KILL, "n1,n2"),
            step(1, Op.RESTART, "n2"),
            step(2, Op.STOP, "n3"),
            step(3, Op.SLOW, "n4"),
            step(4, Op.SLOW, "n4", factor=1),
            step(5, Op.CUT, "n1|n2"),
            step(6, Op.LIE, "n5", withhold="filters"),
            step(7, Op.LINK, "n1-n3", loss_percent=5),
        ]
    )
    assert plan.undone().steps == (
        step(0, Op.RESTART, "n1"),
        step(0, Op.CONT, "n3"),
        step(0, Op.HEAL),
        step(0, Op.LIE, "n5", withhold=""),
    )
    healed = FaultPlan((*plan.steps, *plan.undone().steps))
    assert not healed.undone().steps
