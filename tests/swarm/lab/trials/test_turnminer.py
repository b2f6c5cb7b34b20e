"""A miner of a trial asks its nodes in turn, and hands what it found to another one."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest

from axon.rpc.client import Unreachable
from axon.swarm.faultplan import Withheld
from axon.swarm.lab.orders import CALL, Conduct, Orders
from axon.swarm.lab.trials import turnminer
from axon.swarm.lab.trials.turnminer import TurnMiner, mine

NODES = (("n1", "c1", ""), ("n2", "c2", ""), ("n3", "c3", ""))


class Client:
    """A node; each call is written down."""

    calls: ClassVar[list[tuple[str, str]]] = []
    down: ClassVar[set[str]] = set()
    limits: ClassVar[list[float | None]] = []

    def __init__(
        self,
        url: str,
        *,
        cookie: str,  # noqa: ARG002
        timeout_s: float | None,
        connect: object,
    ) -> None:
        assert connect is None, "it is in this namespace"
        self.url = url
        Client.limits.append(timeout_s)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, method: str, *_: object) -> Any:
        if self.url in Client.down:
            raise Unreachable("it is down")
        Client.calls.append((self.url, method))
        return {"generateblock": {"hash": "aa"}, "generatetoaddress": ["aa"]}.get(method, "00")


class Rounds(Event):
    """Set after so many waits."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._left = rounds

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        self._left -= 1
        return self._left < 0


@pytest.fixture
def conduct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Conduct:
    monkeypatch.setattr(turnminer, "RpcClient", Client)
    Client.calls, Client.down, Client.limits = [], set(), []
    before = signal.getsignal(CALL)
    made = Conduct(tmp_path)
    signal.signal(CALL, before)
    return made


def miner(folder: Path, *, censors: bool = False, waits: bool = False) -> TurnMiner:
    return TurnMiner(folder, 1.0, 7, censors, waits, NODES)


def found_at() -> list[str]:
    return [url for url, method in Client.calls if method.startswith("generate")]


def test_nodes_are_asked_in_turn_and_the_next_gets_the_block(
    tmp_path: Path, conduct: Conduct
) -> None:
    mine(miner(tmp_path), conduct, Rounds(4))
    assert found_at() == ["n1", "n2", "n3", "n1"]
    given = [url for url, method in Client.calls if method == "submitblock"]
    assert given == ["n2", "n3", "n1", "n2"]


def test_one_that_is_down_is_passed_over(tmp_path: Path, conduct: Conduct) -> None:
    Client.down = {"n1"}
    mine(miner(tmp_path), conduct, Rounds(3))
    assert found_at() == ["n2", "n2", "n3"]


def test_one_who_waits_asks_always_the_first_without_a_limit(
    tmp_path: Path, conduct: Conduct
) -> None:
    mine(miner(tmp_path, waits=True), conduct, Rounds(2))
    assert found_at() == ["n1", "n1"]
    assert Client.limits == [None, turnminer.ASK_LIMIT_S] * 2


def test_it_rests_and_censors_by_orders(tmp_path: Path, conduct: Conduct) -> None:
    Orders(rests=True).write(tmp_path)
    conduct.obey()
    mine(miner(tmp_path), conduct, Rounds(3))
    assert not Client.calls
    Orders(Withheld.TRANSACTIONS).write(tmp_path)
    conduct.obey()
    mine(miner(tmp_path), conduct, Rounds(1))
    assert Client.calls[0] == ("n1", "generateblock")
