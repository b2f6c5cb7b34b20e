"""S5, S8, S10, S12 and L6 say no, and who it is, where all is well but for one thing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from axon.primitives.address import encode_address
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, TxOut
from axon.swarm.lab.checking import Chosen, check
from axon.swarm.lab.faucet import FAUCET
from axon.swarm.lab.manifest import WORDS
from axon.swarm.lab.secretscan import CHUNK_BYTES, find_leak, secrets_stay_home
from axon.swarm.lab.walletkeys import first_address
from axon.swarm.lab.walletsecrets import wallet_secrets
from axon.swarm.signer import Signer, Spendable
from tests.swarm.lab.checks import (
    MNEMONIC,
    SECRET_TEXT,
    blamed,
    findings_of,
    provide_words,
    with_paid_wallets,
)
from tests.swarm.lab.memorynode import MemoryNode
from tests.swarm.lab.memoryrun import MemoryRun
from tests.swarm.lab.memorywallet import MemoryWallet

# S5.


def rewrite(node: MemoryNode, depth: int) -> None:
    """A longer branch takes the place of a node's last blocks, and nobody else hears of it."""
    node.is_mute = node.is_deaf = True
    node.stand_on(node.chain[:-depth])
    for _ in range(depth + 1):
        node.find_block(FAUCET.script)


@pytest.mark.parametrize("name", ["n1", "n3"])
def test_s5_names_who_takes_old_blocks_back(tmp_path: Path, name: str) -> None:
    run = MemoryRun(tmp_path)

    def meanwhile(said: str) -> None:
        if said.startswith("L2"):
            rewrite(run.node(name), 3)

    found = {item.name: item for item in check(run, Chosen(("L2", "S5")), meanwhile)}["S5"]
    assert (found.holds, found.culprits) == (False, (name,))
    assert f"{name} has taken back more than 2 blocks" in found.said


def test_s5_names_who_stands_elsewhere(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    rewrite(run.node("n2"), 3)
    found = findings_of(run, "S5")["S5"]
    assert (found.holds, found.culprits) == (False, ("n2",))
    assert "n2 stands on more than 2 blocks" in found.said


def test_s5_lets_a_race_of_two_blocks_be(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    rewrite(run.node("n2"), 1)
    found = findings_of(run, "S5")["S5"]
    assert (found.holds, found.worst) == (True, 2)


# S8.


def twin(wallet: MemoryWallet) -> None:
    """It holds what w1 holds, as if two people had one seed."""
    wallet._signer = Signer("w1")


def keep_spent(wallet: MemoryWallet) -> None:
    """It does not see that coins are spent."""
    spent = Signer(wallet.name).pay([Spendable(next(iter(wallet._coins())), COIN)], [])
    wallet.bend["listunspent"] = lambda coins: [
        *coins,
        {**coins[0], "txid": spent.txid[::-1].hex(), "vout": 0},
    ]


def richer(wallet: MemoryWallet) -> None:
    """Its coins are larger than they are."""
    wallet.bend["listunspent"] = lambda coins: [
        {**coin, "amount": coin["amount"] + Decimal(1)} for coin in coins
    ]


def count_twice(wallet: MemoryWallet) -> None:
    wallet.bend["listunspent"] = lambda coins: [*coins, coins[0]]


@pytest.mark.parametrize(
    ("bend", "why"),
    [
        (twin, "that w1 holds, too"),
        (keep_spent, "which is spent or never was"),
        (richer, "it holds"),
        (count_twice, "counts one coin twice"),
    ],
)
def test_s8_names_the_wallet_that_counts_what_it_has_not(
    tmp_path: Path, bend: Callable[[MemoryWallet], None], why: str
) -> None:
    run = with_paid_wallets(tmp_path)
    bend(run.wallet("w2"))
    found = findings_of(run, "S8")["S8"]
    assert (found.holds, found.culprits) == (False, ("w2",))
    assert why in found.said


def pays_again(run: MemoryRun, name: str, change: dict[str, object]) -> None:
    """A wallet shows a second payment with the coin of its first one."""
    wallet = run.wallet(name)
    (first,) = [item for item in wallet.listtransactions(0) if item["category"] == "send"]
    again = {**first, "txid": "22" * 32, "state": "unconfirmed", **change}
    raw = wallet.gettransaction(first["txid"])["hex"]
    wallet.bend["listtransactions"] = lambda listed: [*listed, again]
    wallet.bend["gettransaction"] = lambda _: {"hex": raw}


def test_s8_names_the_wallet_that_pays_twice_with_one_coin(tmp_path: Path) -> None:
    run = with_paid_wallets(tmp_path)
    pays_again(run, "w1", {"addresses": ["somebody else"]})
    found = findings_of(run, "S8")["S8"]
    assert (found.holds, found.culprits) == (False, ("w1",))
    assert "spend one coin" in found.said


def test_s8_lets_a_fee_bump_be(tmp_path: Path) -> None:
    run = with_paid_wallets(tmp_path)
    pays_again(run, "w1", {"fee": Decimal(1)})
    assert blamed(run, "S8") == {}


def test_s8_names_who_stands_on_a_chain_that_spends_twice(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path)
    node = run.node("n2")
    node.is_mute = True
    place, coin = next(iter(node.coins.items()))
    spent = Spendable(place, coin.amount_sat)
    for amount_sat in (COIN, 2 * COIN):
        node.coins[place] = coin
        node.pool = {"payment": FAUCET.pay([spent], [TxOut(amount_sat, FAUCET.script)])}
        node.find_block(FAUCET.script)
    assert blamed(run, "S8") == {"S8": ("n2",)}


# S10.


def with_answer(method: str, answer: object) -> Callable[[MemoryNode], None]:
    def bend(node: MemoryNode) -> None:
        node.bend[method] = lambda _: answer

    return bend


def fat(node: MemoryNode) -> None:
    node.uses = (600 << 10, 60)


def greedy(node: MemoryNode) -> None:
    node.uses = (50_000, 201)


@pytest.mark.parametrize(
    ("bend", "what"),
    [
        (fat, "600 of 512 MB of memory"),
        (greedy, "201 of 200 open files"),
        (with_answer("getmempoolinfo", {"usage": 11, "maxmempool": 10}), "11 of 10 bytes of the"),
        (with_answer("getpeerinfo", [{"inflight": [1] * 17}]), "17 of 16 blocks asked of one"),
        (with_answer("getpeerinfo", [{}] * 201), "201 of 200 connections"),
        (with_answer("getaddrmaninfo", {"all_networks": {"total": 81_921}}), "81,921 of 81,920"),
        (with_answer("getorphantxs", [{"weight": 404_001}]), "404,001 of 404,000 weight units"),
    ],
)
def test_s10_names_who_uses_more_than_it_may(
    tmp_path: Path, bend: Callable[[MemoryNode], None], what: str
) -> None:
    run = MemoryRun(tmp_path)
    bend(run.node("n2"))
    found = findings_of(run, "S10")["S10"]
    assert (found.holds, found.culprits) == (False, ("n2",))
    assert f"n2 uses {what}" in found.said


# S12.


def with_secrets(folder: Path) -> MemoryRun:
    """A run whose first wallet has its words in the file for them, and whose nodes have logs."""
    run = MemoryRun(folder, 2, wallets=1)
    for item in (*run.manifest.nodes, *run.manifest.wallets):
        path = run.manifest.folder_of(item.name) / "regtest"
        path.mkdir(parents=True)
        (path / "debug.log").write_text("2023-11-14 all is well\n" * 9)
    provide_words(run)
    return run


def test_s12_derives_the_keys_that_the_wallet_has() -> None:
    (wif,) = [each for each in wallet_secrets(MNEMONIC, "w1") if each.about.endswith("WIF")][2:3]
    assert "private key 0/0" in wif.about
    (descriptor,) = parse_descriptor(f"wpkh({wif.data.decode()})", REGTEST)
    assert encode_address(descriptor.scripts(0)[0], REGTEST) == first_address(MNEMONIC)


def test_s12_finds_each_form_of_a_secret_wherever_it_is(tmp_path: Path) -> None:
    run = with_secrets(tmp_path)
    assert findings_of(run, "S12")["S12"].tried == 3
    secrets = list(wallet_secrets(MNEMONIC, "w1"))
    assert len(secrets) > 40
    log = run.manifest.folder_of("n2") / "regtest" / "debug.log"
    for secret in secrets:
        log.write_bytes(b"x" * 40 + secret.data + b"\n")
        found, _ = find_leak(log, secrets)
        assert found is not None
        assert found.data in secret.data, secret.about
    finding = secrets_stay_home(run)
    assert (finding.holds, finding.culprits) == (False, ("n2",))
    assert "n2/regtest/debug.log holds private key 1/2 of w1" in finding.said


def test_s12_finds_a_leak_behind_zeros_and_across_chunks(tmp_path: Path) -> None:
    run = with_secrets(tmp_path)
    blocks = run.manifest.folder_of("n1") / "blk00000.dat"
    secret = list(wallet_secrets(MNEMONIC, "w1"))[-1]
    for before in (3 * CHUNK_BYTES, CHUNK_BYTES - 5, 2 * CHUNK_BYTES - 1):
        blocks.write_bytes(bytes(before) + secret.data + bytes(CHUNK_BYTES))
        assert blamed(run, "S12") == {"S12": ("n1",)}
    blocks.write_bytes(b64encode(b"nothing of a wallet"))
    (tmp_path / "report.json").write_text('{"passphrase": "' + SECRET_TEXT + '"}')
    assert blamed(run, "S12") == {"S12": ("report.json",)}


def test_s12_is_not_decided_where_the_words_are_not_known(tmp_path: Path) -> None:
    run = with_secrets(tmp_path)
    (run.manifest.folder_of("w1") / WORDS).unlink()
    assert findings_of(run, "S12")["S12"].holds is None


# L6.


def test_l6_names_who_does_not_find_its_links_again(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 5)
    run.node("n3").on_start = lambda _: run.loners.add("n3")
    found = findings_of(run, "L6")["L6"]
    assert (found.holds, found.culprits) == (False, ("n3",))
    assert "1 node could part the others afterwards, 4 before" in found.said


def test_l6_names_who_does_not_hear_of_the_others(tmp_path: Path) -> None:
    run = MemoryRun(tmp_path, 5)

    def lose(node: MemoryNode) -> None:
        node.is_deaf = True
        node.stand_on(node.chain[:-1])
        run.loners.add("n5")

    run.node("n5").on_start = lose
    found = findings_of(run, "L6")["L6"]
    assert (found.holds, found.culprits) == (False, ("n5",))
    assert "do not come together" in found.said
