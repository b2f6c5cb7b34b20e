"""Orders: what programs of the lab are told to do wrong, and nobody else's programs are."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from axon.host.conditions import Conditions
from axon.machine import SECOND, Effect, Event, Instant, PeerId, Transmit
from axon.swarm.faultplan import Withheld
from axon.swarm.lab.orders import CALL, Conduct, Orders

SOURCE = Path(__file__).parents[3] / "src" / "axon"


class Talker:
    """A machine that sends a block whatever happens."""

    def handle(self, event: Event, now: Instant) -> list[Effect]:  # noqa: ARG002
        return self.tick(now)

    def tick(self, now: Instant) -> list[Effect]:  # noqa: ARG002
        return [Transmit(PeerId(1), b"\xfa\xbf\xb5\xda" + b"block".ljust(12, b"\0") + bytes(8))]

    def deadline(self) -> Instant | None:
        return None


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = signal.getsignal(CALL)
    yield
    signal.signal(CALL, before)


def test_orders_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert Orders.read(tmp_path) == Orders()
    orders = Orders(Withheld.BLOCKS, rests=True, pace=60, begin=5, told=7, offset_s=-3)
    orders.write(tmp_path)
    assert Orders.read(tmp_path) == orders


def test_a_clock_runs_at_its_pace_from_where_it_began() -> None:
    orders = Orders(pace=60, begin=1_000 * SECOND, told=5 * SECOND, offset_s=3)
    assert orders.time_at(1_000 * SECOND) == 8 * SECOND
    assert orders.time_at(1_002 * SECOND) == 128 * SECOND
    assert Orders(offset_s=-3).time_at(1_000 * SECOND) == 997 * SECOND


def test_a_node_lies_from_the_call_on_and_until_the_next(tmp_path: Path) -> None:
    conduct = Conduct(tmp_path)
    called: list[Callable[[], None]] = []
    conduct.listen(lambda _number, handler: called.append(handler))
    machine = conduct.disguise(Talker())
    assert machine.tick(0)
    Orders(Withheld.BLOCKS).write(tmp_path)
    assert machine.tick(0)
    called[0]()
    assert not machine.tick(0)
    Orders().write(tmp_path)
    called[0]()
    assert machine.tick(0)


def test_a_clock_jumps_when_told_to(tmp_path: Path) -> None:
    conduct = Conduct(tmp_path)
    clock = conduct.clock()
    before = clock.now()
    Orders(offset_s=3_600).write(tmp_path)
    conduct.obey()
    assert 3_600 * SECOND <= clock.now() - before < 3_700 * SECOND


def test_one_who_was_told_to_lie_still_does_after_a_restart(tmp_path: Path) -> None:
    Orders(Withheld.BLOCKS).write(tmp_path)
    assert not Conduct(tmp_path).disguise(Talker()).tick(0)


def test_who_is_not_of_a_lab_cannot_be_told() -> None:
    """A node that `axon node` or a library starts is itself, and nothing there reads orders."""
    machine = Talker()
    assert Conditions().disguise(machine) is machine
    readers = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if "lab.orders" in path.read_text() or "lab.programs" in path.read_text()
    }
    assert all(name.startswith("swarm/lab/") for name in readers), readers
