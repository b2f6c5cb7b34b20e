"""Each judge of safety (S) says no, and who it is, where all is well but for one thing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from axon.primitives.transaction import COIN, OutPoint
from axon.swarm.lab.checking import Chosen, check
from axon.swarm.lab.faucet import FAUCET
from tests.swarm.lab.checks import blamed, findings_of, with_paid_wallets
from tests.swarm.lab.memorynode import MemoryCoin, MemoryNode
from tests.swarm.lab.memoryrun import MemoryRun, refuse_start
from tests.swarm.lab.memorywallet import MemoryWallet

# S1 and S3.


def test_s1_and_s3_name_who_inflates(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    run.node("n2").is_credulous = True
    run.node("n2").find_block(FAUCET.script, extra_sat=1)
    run.pass_time(1)
    found = findings_of(run, "S1", "S3")
    assert (found["S1"].holds, found["S1"].culprits) == (False, ("n2",))
    assert "bad-cb-amount" in found["S1"].said
    assert (found["S3"].holds, found["S3"].culprits) == (False, ("n2",))


@pytest.mark.parametrize("name", ["n1", "n2", "n3"])
def test_s3_names_who_has_a_coin_out_of_nothing(tmp_path: Path, name: str) -> None:
    run = MemoryRun(tmp_path)
    run.node(name).coins[OutPoint(bytes(36))] = MemoryCoin(1, FAUCET.script, 1, False)
    found = findings_of(run, "S1", "S3")
    assert found["S1"].holds
    assert (found["S3"].holds, found["S3"].culprits) == (False, (name,))


def test_s3_names_who_splits_a_coin_in_two(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    coins = run.node("n2").coins
    coins[OutPoint(bytes(36))] = MemoryCoin(0, FAUCET.script, 1, False)
    assert blamed(run, "S3") == {"S3": ("n2",)}


# S2.


@pytest.mark.parametrize("name", ["n1", "n2", "n3"])
def test_s2_names_whose_coins_differ_though_their_sum_does_not(tmp_path: Path, name: str) -> None:
    run = MemoryRun(tmp_path)
    coins = run.node(name).coins
    place, coin = coins.popitem()
    coins[OutPoint(bytes(36))] = coin
    assert place != OutPoint(bytes(36))
    assert blamed(run, "S2", "S3") == {"S2": (name,)}


def test_s2_names_who_tells_another_balance(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    run.node("n3").bend["scantxoutset"] = less("total_amount")
    assert blamed(run, "S2") == {"S2": ("n3",)}


def test_s2_names_the_wallet_that_shows_more_than_there_is(tmp_path: Path) -> None:
    run = with_paid_wallets(tmp_path)
    run.wallet("w2").bend["listtransactions"] = in_each(amount=Decimal(7))
    assert blamed(run, "S2") == {"S2": ("w2",)}


def less(key: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Tells one satoshi less."""
    return lambda told: {**told, key: told[key] - Decimal(1) / COIN}


def in_each(**changes: object) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Tells something else in each entry."""
    return lambda told: [{**entry, **changes} for entry in told]


# S4.


def test_s4_names_who_has_less_work_than_before(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)

    def lose_two(_: str) -> None:
        node = run.node("n2")
        node.stand_on(node.chain[:-2])
        node.is_deaf = True

    found = check(run, Chosen(("S4", "L2")), lose_two)
    (most_work,) = [item for item in found if item.name == "S4"]
    assert (most_work.holds, most_work.culprits) == (False, ("n2",))
    assert "less work than when" in most_work.said


def test_s4_names_who_does_not_stand_on_the_most_work_it_holds(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    run.node("n2").is_stuck = True
    run.node("n1").find_block(FAUCET.script)
    run.pass_time(1)
    found = findings_of(run, "S4")["S4"]
    assert (found.holds, found.culprits) == (False, ("n2",))


@pytest.mark.parametrize("status", ["invalid", "headers-only"])
def test_s4_lets_a_branch_be_that_cannot_be_stood_on(tmp_path: Path, status: str) -> None:
    run = MemoryRun(tmp_path)
    run.node("n2").bend["getchaintips"] = lambda tips: [*tips, {"height": 999, "status": status}]
    assert blamed(run, "S4") == {}


# S6.


def damage(node: MemoryNode) -> None:
    """A coin has gone on the disk."""
    node.coins.popitem()


def forget(node: MemoryNode) -> None:
    """The last block has gone, and others take their time to tell it again."""
    node.stand_on(node.chain[:-1])
    node.start_s = 0


def go_deaf(node: MemoryNode) -> None:
    """It comes back, and hears nothing from then on."""
    node.is_deaf = True


def dawdle(node: MemoryNode) -> None:
    """It takes longer to start than it may."""
    node.start_s = 20.2


@pytest.mark.parametrize(
    ("on_start", "why"),
    [
        (damage, "its coins differ"),
        (forget, "and came back with"),
        (go_deaf, "does not come onto one block"),
        (dawdle, "answered after"),
        (refuse_start, "does not come back"),
    ],
)
@pytest.mark.parametrize("name", ["n1", "n3"])
def test_s6_names_who_does_not_come_back_whole(
    tmp_path: Path, on_start: Callable[[MemoryNode], None], why: str, name: str
) -> None:
    run = MemoryRun(tmp_path)
    run.node(name).on_start = on_start
    found = findings_of(run, "S6")["S6"]
    assert (found.holds, found.culprits[:1]) == (False, (name,))
    assert why in found.said


def test_s6_names_the_only_node_if_it_has_lost_its_last_block(tmp_path: Path) -> None:
    def on_another(node: MemoryNode) -> None:
        node.stand_on(node.chain[:-1])
        node.find_block(FAUCET.script)

    run = MemoryRun(tmp_path, 1)
    run.node("n1").on_start = on_another
    found = findings_of(run, "S6")["S6"]
    assert (found.holds, found.culprits) == (False, ("n1",))
    assert "the block before its death is gone" in found.said


# S7.


def claim(key: str, value: object) -> Callable[[MemoryWallet], None]:
    """A wallet tells something else in each entry of its history."""

    def bend(wallet: MemoryWallet) -> None:
        wallet.bend["listtransactions"] = in_each(**{key: value})

    return bend


def prove_another(wallet: MemoryWallet) -> None:
    """It proves the coinbase in place of its payment."""
    last = wallet.chain[-1].transactions[0]
    proof = wallet.gettxoutproof(last.txid[::-1].hex())
    wallet.bend["gettxoutproof"] = lambda _: proof


def garble(wallet: MemoryWallet) -> None:
    """Its proofs lead to no root."""
    wallet.bend["gettxoutproof"] = lambda proof: proof[:-70] + "00" * 32 + proof[-6:]


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (claim("confirmations", 1000), "1000 confirmations, and"),
        (claim("txid", "11" * 32), "no proof"),
        (claim("blockhash", "11" * 32), "not in the chain"),
        (prove_another, "no proof"),
        (garble, "no proof"),
    ],
)
@pytest.mark.parametrize("name", ["w1", "w2"])
def test_s7_names_the_wallet_that_shows_what_is_not_proved(
    tmp_path: Path, bend: Callable[[MemoryWallet], None], why: str, name: str
) -> None:
    run = with_paid_wallets(tmp_path)
    bend(run.wallet(name))
    found = findings_of(run, "S7")["S7"]
    assert (found.holds, found.culprits) == (False, (name,))
    assert why in found.said


def test_s7_counts_what_it_has_looked_at(tmp_path: Path) -> None:
    found = findings_of(with_paid_wallets(tmp_path), "S7")["S7"]
    assert (found.holds, found.tried) == (True, 4), "a gift and a payment of each of two wallets"


def test_s7_is_not_decided_where_no_wallet_stands_with_a_node(tmp_path: Path) -> None:
    run = with_paid_wallets(tmp_path)
    for wallet in run.wallets():
        wallet.is_blind = True
    run.node("n1").find_block(FAUCET.script)
    run.pass_time(1)
    assert findings_of(run, "S7")["S7"].holds is None


# S9.


def test_s9_names_who_bans_its_friend(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 3, wallets=1)
    for friend in ("n1", "w1"):
        host = run.manifest.components[friend].host
        run.node("n2").banned = [host]
        assert blamed(run, "S9") == {"S9": ("n2",)}
        run.manifest.change("n2", bans=(host,))
        assert blamed(run, "S9") == {}, "a partition asked for it"
        run.manifest.change("n2", bans=())
    run.node("n2").banned = ["203.0.113.7"]
    assert blamed(run, "S9") == {}, "a stranger"


def test_s9_names_who_blames_its_friend(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    host = run.manifest.components["n1"].host
    run.node("n3").log = [f"Misbehaving: peer=4, peeraddr={host}:18444: too many headers"]
    assert blamed(run, "S9") == {"S9": ("n3",)}
    run.node("n3").log = ["Misbehaving: peer=4, peeraddr=203.0.113.7:18444: too many headers"]
    assert blamed(run, "S9") == {}, "a stranger"
