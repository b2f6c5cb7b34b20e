"""S13 and L12 say no, and who it is, where wallets pay each other but for one thing."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from axon.rpc.amounts import Amount
from axon.swarm.lab.directservice import PAID_SAT
from axon.swarm.lab.faucet import FAUCET, mine, transfer
from axon.swarm.lab.topology import RunTopology
from tests.swarm.lab.checks import blamed, findings_of
from tests.swarm.lab.memoryrun import MemoryRun
from tests.swarm.lab.memorywallet import MemoryWallet


def paying_run(folder: Path, nodes: int = 2, wallets: int = 3) -> MemoryRun:
    return MemoryRun(folder, nodes, wallets=wallets, topology=RunTopology.WALLETS)


def test_wallets_pay_each_other_with_nodes_and_without(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    found = findings_of(run, "S13", "L12", harm=True)
    assert {name: item.holds for name, item in found.items()} == dict.fromkeys(found, True)
    assert list(found) == ["L12", "L12-kill", "S13"]
    assert found["S13"].tried == 12  # Two rounds of three payments, each told by two.
    assert "with all of 2 nodes dead 3 wallets" in found["L12-kill"].said
    assert len(run.nodes()) == 2


def test_where_nobody_listens_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert findings_of(MemoryRun(tmp_path, 2, wallets=2), "S13", "L12", harm=True) == {}


# L12.


@pytest.mark.parametrize("name", ["w1", "w3"])
def test_l12_says_who_takes_no_payment(tmp_path: Path, name: str) -> None:
    run = paying_run(tmp_path)
    run.wallet(name).direct.refuses = True
    payer = {"w1": "w3", "w3": "w2"}[name]
    finding = findings_of(run, "L12")["L12"]
    assert (finding.holds, finding.culprits) == (False, (payer,))
    assert f"{name} does not take its payment: it does not like it" in finding.said


def test_l12_says_whose_payment_no_node_gets(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    for name in ("w2", "w3"):
        run.wallet(name).direct.keeps_quiet = True
    finding = findings_of(run, "L12")["L12"]
    assert (finding.holds, finding.culprits) == (False, ("w2",))
    assert "its payment to w3 is not at n" in finding.said


def test_l12_says_who_does_not_see_it_settled(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    run.wallet("w2").bend["listdeals"] = lambda told: [each | {"receipt": False} for each in told]
    assert blamed(run, "L12") == {"L12": ("w1", "w2")}


def test_l12_kill_says_who_calls_settled_what_no_node_has(tmp_path: Path) -> None:
    run = paying_run(tmp_path)

    def is_rash(told: list[dict[str, object]]) -> list[dict[str, object]]:
        return [each | {"stage": "settled"} if not run.nodes() else each for each in told]

    run.wallet("w2").bend["listdeals"] = is_rash
    assert blamed(run, "L12", harm=True) == {"L12-kill": ("w2",)}


def test_l12_kill_says_whose_payment_is_lost_with_the_nodes(tmp_path: Path) -> None:
    run = paying_run(tmp_path)

    def forgets(wallet: MemoryWallet, told: object) -> object:
        wallet.direct.keeps_quiet = wallet.direct.keeps_quiet or not run.nodes()
        return told

    for name in ("w1", "w2"):
        run.wallet(name).bend["listdeals"] = partial(forgets, run.wallet(name))
    assert blamed(run, "L12", harm=True) == {"L12-kill": ("w1",)}


# S13.


def test_s13_says_who_calls_settled_what_no_block_has(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    settled = {"stage": "settled"}
    run.wallet("w1").rpc("createinvoice", Amount(PAID_SAT))
    run.wallet("w1").bend["listdeals"] = lambda told: [each | settled for each in told]
    assert blamed(run, "S13") == {"S13": ("w1",)}


def test_s13_says_who_calls_refused_what_the_other_has_settled(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    assert blamed(run, "L12", "S13") == {}
    run.wallet("w3").bend["listdeals"] = lambda told: [
        each | {"stage": "refused"} if each["role"] == "payee" else each for each in told
    ]
    assert blamed(run, "S13") == {"S13": ("w3",)}


def test_s13_says_who_pays_twice(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    assert blamed(run, "L12", "S13") == {}
    told = run.wallet("w2").rpc("listdeals")
    (bill,) = [each for each in told if each["role"] == "payer"]
    transfer(run.node("n1"), [bill["address"]], PAID_SAT)
    mine(run.node("n1"))
    assert blamed(run, "S13") == {"S13": ("w2",)}


def test_s13_says_who_still_vouches_for_a_spent_coin(tmp_path: Path) -> None:
    run = paying_run(tmp_path)
    assert blamed(run, "L12", "S13") == {}
    payer, payee = run.wallet("w1"), run.wallet("w2")
    for wallet in (payer, payee):
        wallet.direct.keeps_quiet = True
    invoice = payee.rpc("createinvoice", Amount(PAID_SAT))
    draft = payer.rpc("draftpayment", {invoice["address"]: Amount(PAID_SAT)})
    payer.rpc("payinvoice", invoice["uri"], draft["psbt"])
    rival = payer.rpc("draftpayment", {FAUCET.address(): Amount(PAID_SAT)})
    payer.rpc("sendpayment", rival["psbt"], "")
    run.pass_time(1)
    run.node("n1").find_block(FAUCET.script)
    run.pass_time(1)
    assert blamed(run, "S13") == {}, "the block is new, and it may hear of it in a moment"
    run.node("n1").find_block(FAUCET.script)
    run.pass_time(1)
    finding = findings_of(run, "S13")["S13"]
    assert (finding.holds, finding.culprits) == (False, ("w2",))
    assert "calls a coin unspent" in finding.said
