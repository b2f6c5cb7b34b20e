"""Each judge of liveness (L) says no, and who it is, where all is well but for one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from axon.primitives.transaction import OutPoint
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.topology import RunTopology
from tests.swarm.lab.checks import blamed, findings_of, with_paid_wallets
from tests.swarm.lab.memorynode import MemoryCoin, MemoryNode
from tests.swarm.lab.memoryrun import MemoryRun, refuse_start
from tests.swarm.lab.memorywallet import MemoryWallet

# L1.


@pytest.mark.parametrize("name", ["n2", "n3"])
def test_l1_names_who_stays_behind(tmp_path: Path, name: str) -> None:
    run = MemoryRun(tmp_path)
    run.node(name).is_deaf = True
    assert blamed(run, "L1") == {"L1": (name,)}


def test_l1_asks_for_one_block_on_each_side_only(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 4)
    run.manifest.sides = (("n1", "n2"), ("n3", "n4"))
    assert blamed(run, "L1") == {}
    assert len({node.spot.hash for node in run.nodes()}) == 2
    run.node("n4").is_deaf = True
    assert blamed(run, "L1") == {"L1": ("n4",)}


def test_l1_plan_and_l1_kill_name_the_hub_of_a_star(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 4, topology=RunTopology.STAR)
    found = blamed(run, "L1", harm=True)
    assert found == {"L1-plan": ("n1",), "L1-kill": ("n1",)}


def test_l1_kill_names_at_whose_death_another_hears_nothing(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3)
    run.carries = lambda: run.node("n3").is_up
    assert blamed(run, "L1", harm=True) == {"L1-kill": ("n3",)}


class AbruptRun(MemoryRun):
    """Who is killed takes along what it has just said, but for what `hears` still hears of it."""

    hears = ""

    def kill(self, names: Sequence[str]) -> None:
        self._told = [told for told in self._told if told[1].name == self.hears]
        super().kill(names)


@pytest.mark.parametrize("hears", ["", "n1", "n3"])
def test_a_block_that_few_or_none_have_heard_of_at_a_death_is_nobodys_fault(
    tmp_path: Path, hears: str
) -> None:
    """It ties with the next one that another node finds."""
    run = AbruptRun(tmp_path)
    run.hears = hears
    assert blamed(run, "L1", "S6", harm=True) == {}


# L2.


def test_l2_names_who_hears_late_of_a_block_or_a_payment(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 4)
    run.node("n2").block_delay_s = 5.2
    assert blamed(run, "L2")["L2"][0] == "n2"
    run = MemoryRun(tmp_path, 4)
    run.node("n3").payment_delay_s = 60.2
    found = findings_of(run, "L2")["L2"]
    assert (found.holds, found.culprits[:1]) == (False, ("n3",))
    run = MemoryRun(tmp_path, 4)
    run.node("n4").is_deaf = True
    assert blamed(run, "L2") == {"L2": ("n4",)}


# L3.


def cannot_draft(wallet: MemoryWallet) -> None:
    """It finds nothing to pay with."""

    def refuse(_: object) -> object:
        raise RpcError(Code.INSUFFICIENT_FUNDS, "nothing")

    wallet.bend["draftpayment"] = refuse


def sees_no_block(wallet: MemoryWallet) -> None:
    """It looks at no new block."""
    wallet.is_blind = True


def is_on_a_branch(wallet: MemoryWallet) -> None:
    """It stands high enough, and somewhere else."""
    wallet.bend["getblockhash"] = lambda _: "11" * 32


def offers_nobody(wallet: MemoryWallet) -> None:
    """It keeps its payments to itself."""
    wallet.keeps_payments = True


def never_sees_it_confirmed(wallet: MemoryWallet) -> None:
    """Its payments wait for ever."""
    wallet.bend["gettransaction"] = lambda told: {**told, "confirmations": 0}


UNSERVED = pytest.mark.parametrize(
    ("bend", "why"),
    [
        (sees_no_block, "not read within"),
        (is_on_a_branch, "not read within"),
        (cannot_draft, "it cannot pay"),
        (offers_nobody, "not paid within"),
        (never_sees_it_confirmed, "not saw it confirmed within"),
    ],
)


@UNSERVED
@pytest.mark.parametrize("name", ["w1", "w2"])
def test_l3_names_the_wallet_that_cannot_be_served(
    tmp_path: Path, bend: Callable[[MemoryWallet], None], why: str, name: str
) -> None:
    run = with_paid_wallets(tmp_path)
    bend(run.wallet(name))
    found = findings_of(run, "L3")["L3"]
    assert (found.holds, found.culprits) == (False, (name,))
    assert f"{name} is not served: {why}" in found.said


def test_l3_names_the_wallets_whose_payments_do_not_reach_the_miner(tmp_path: Path) -> None:
    run = with_paid_wallets(tmp_path)
    run.node("n1").payment_delay_s = 1_000
    found = findings_of(run, "L3")["L3"]
    assert (found.holds, found.culprits) == (False, ("w1", "w2"))
    assert "its payment is not at n1" in found.said


@UNSERVED
def test_l3_cold_names_the_new_wallet_that_cannot_be_served(
    tmp_path: Path, bend: Callable[[MemoryWallet], None], why: str
) -> None:
    run = with_paid_wallets(tmp_path)
    run.on_new_wallet = bend
    found = findings_of(run, "L3")
    assert found["L3"].holds
    assert (found["L3-cold"].holds, found["L3-cold"].culprits) == (False, ("c1",))
    assert why.replace("read", "read from nothing") in found["L3-cold"].said


def test_l3_cold_names_the_new_wallet_that_does_not_find_its_money(tmp_path: Path) -> None:
    def is_poor(wallet: MemoryWallet) -> None:
        wallet.bend["getbalance"] = lambda _: Decimal(0)

    run = with_paid_wallets(tmp_path)
    run.on_new_wallet = is_poor
    assert blamed(run, "L3") == {"L3-cold": ("c1",)}


def test_l3_without_wallets_names_the_client_whom_nobody_answers(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 2, topology=RunTopology.FIXED_ADDRESS)
    run.kill(["n2"])
    assert blamed(run, "L3") == {"L3": ("n2",), "L3-plan": ("n1", "n2")}
    run = MemoryRun(tmp_path, 2)
    run.kill(["n2"])
    assert blamed(run, "L3") == {}, "the other answers"


def test_l3_plan_and_l3_kill_name_whom_a_wallet_needs(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3, wallets=2, topology=RunTopology.ONE_SERVER)
    assert blamed(run, "L3", harm=True) == {"L3-plan": ("n1",), "L3-kill": ("n1",)}
    run = MemoryRun(tmp_path, 3, wallets=2, topology=RunTopology.FIXED_ADDRESS)
    assert blamed(run, "L3", harm=True) == {"L3-plan": ("n1", "n2"), "L3-kill": ("n1", "n2")}


# L4.


def test_l4_names_the_miner_that_finds_nothing(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3, miners=1)
    run.mining["m1"] = False
    assert blamed(run, "L4") == {"L4": ("m1",)}


def test_l4_sees_that_the_blocks_of_a_miner_stay_where_they_are(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3, miners=1)
    run.node("n1").is_mute = True
    assert blamed(run, "L4") == {"L4": ("m1",)}


# L7.


@pytest.mark.parametrize("name", ["n1", "n3"])
def test_l7_names_who_tells_a_new_node_nothing(tmp_path: Path, name: str) -> None:
    run = MemoryRun(tmp_path, 3)
    run.node(name).is_mute = True
    assert blamed(run, "L7") == {"L7": (name,)}
    assert set(run.manifest.components) == {"n1", "n2", "n3"}, "nobody stays who came for this"


def test_l7_sees_that_the_new_node_does_not_serve_the_next(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3)
    run.on_new_node = keep_mute
    assert blamed(run, "L7") == {"L7": ("n1",)}


def keep_mute(node: MemoryNode) -> None:
    """It takes, and does not give."""
    node.is_mute = True


# L8.


def hides_payments(run: MemoryRun) -> None:
    """The second node leaves out of its blocks what it has taken."""
    run.node("n2").leaves_out_payments = True


def tells_nobody(run: MemoryRun) -> None:
    """Nobody can regrow from the second node."""
    run.node("n2").is_mute = True


def has_its_own_coins(run: MemoryRun) -> None:
    """The first node has a coin that its blocks do not make."""
    run.node("n1").coins[OutPoint(bytes(36))] = MemoryCoin(1, b"", 1, False)


def does_not_serve(run: MemoryRun) -> None:
    """A wallet hears of no block of the second node."""
    run.deserters = {"n2"}


@pytest.mark.parametrize(
    ("bend", "culprit", "why"),
    [
        (hides_payments, "n2", "without the payment it had taken"),
        (tells_nobody, "n2", "not within 60 s"),
        (has_its_own_coins, "n1", "they say"),
        (does_not_serve, "n2", "w1 is not served"),
    ],
)
def test_l8_names_the_node_that_cannot_be_the_last(
    tmp_path: Path, bend: Callable[[MemoryRun], None], culprit: str, why: str
) -> None:
    run = MemoryRun(tmp_path, 3, wallets=1)
    bend(run)
    found = findings_of(run, "L8")["L8"]
    assert (found.holds, found.culprits) == (False, (culprit,))
    assert why in found.said
    assert len(run.nodes()) == 3, "all nodes run again"


def test_l8_names_the_node_that_does_not_come_back(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3)
    run.node("n3").on_start = refuse_start
    found = findings_of(run, "L8")["L8"]
    assert (found.holds, found.culprits) == (False, ("n3",))
    assert "n3 has left at its start" in found.said
