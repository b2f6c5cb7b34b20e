"""Wallets of a run: where they live, whom they know, what they are told, whose word is believed."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError
from axon.host.settings import LightSettings
from axon.primitives.address import encode_address
from axon.primitives.network import REGTEST
from axon.rpc.client import Unreachable
from axon.swarm.lab.manifest import PASSPHRASE, WORDS, ComponentKind, Manifest
from axon.swarm.lab.members import wallets_of
from axon.swarm.lab.nodeprocess import ProcessState
from axon.swarm.lab.plan import MAX_WALLETS, RunRequest, plan_run, plan_wallet
from axon.swarm.lab.processidentity import write_identity
from axon.swarm.lab.programs import arguments, read_arguments, wallet_settings
from axon.swarm.lab.startup import dialled
from axon.swarm.lab.topology import RunTopology, fixed_entry, with_one_entry
from axon.swarm.lab.walletkeys import (
    first_address,
    make_wallet,
    provide_passphrase,
    provide_words,
)
from axon.swarm.lab.walletprocess import WalletProcess
from axon.wallet.wallet import Wallet


def raised(folder: Path, topology: RunTopology, nodes: int = 3, wallets: int = 4) -> Manifest:
    return plan_run(folder, RunRequest(nodes, wallets=wallets, topology=topology), Random(7))


def settings_of(manifest: Manifest, name: str) -> LightSettings:
    """What the program of a wallet makes of what it is told."""
    item = manifest.components[name]
    told = arguments(manifest.folder_of(name), item, dialled(manifest, item))
    return wallet_settings(*read_arguments(told))


def test_a_wallet_finds_its_nodes_among_all(tmp_path: Path) -> None:
    manifest = raised(tmp_path, RunTopology.ORGANIC)
    told = settings_of(manifest, "w1")
    assert told.added == tuple(item.p2p for item in manifest.nodes)
    assert told.connect is None
    assert told.bind == manifest.components["w1"].host
    assert told.wallet_folder("w1") == wallets_of(manifest, ["w1"])[0].wallet_folder
    assert not told.dns_seed, "it stays on this machine"


@pytest.mark.parametrize(
    ("topology", "entries"),
    [
        (RunTopology.ONE_SERVER, ["n1", "n1", "n1", "n1"]),
        (RunTopology.FIXED_ADDRESS, ["n1", "n2", "n3", "n1"]),
    ],
)
def test_a_wallet_with_a_fixed_address_dials_no_other(
    tmp_path: Path, topology: RunTopology, entries: list[str]
) -> None:
    manifest = raised(tmp_path, topology)
    assert [item.entries for item in manifest.wallets] == [(name,) for name in entries]
    for item in manifest.wallets:
        told = settings_of(manifest, item.name)
        node = manifest.components[item.entries[0]]
        assert (told.connect, told.added) == ((node.p2p,), ())
    assert list(with_one_entry({item.name: item.entries for item in manifest.wallets})) == list(
        dict.fromkeys(entries)
    )


def test_wallets_that_pay_each_other_listen_where_others_find_them(tmp_path: Path) -> None:
    manifest = raised(tmp_path, RunTopology.WALLETS)
    assert [item.name for item in manifest.payable] == ["w1", "w2", "w3", "w4"]
    assert {item.p2p_port for item in manifest.wallets} == {12966}
    assert len({item.host for item in manifest.components.values()}) == 7
    assert settings_of(manifest, "w1").added == tuple(item.p2p for item in manifest.nodes)
    manifest.save()
    assert Manifest.load(tmp_path) == manifest
    assert not raised(tmp_path, RunTopology.ORGANIC).payable


def test_one_wallet_has_nobody_to_pay() -> None:
    RunRequest(2, wallets=2, topology=RunTopology.WALLETS).check()
    with pytest.raises(ConfigError, match="two wallets or more"):
        RunRequest(2, wallets=1, topology=RunTopology.WALLETS).check()


@pytest.mark.parametrize("topology", [RunTopology.ORGANIC, RunTopology.RING, RunTopology.STAR])
def test_elsewhere_no_entry_is_fixed(topology: RunTopology) -> None:
    assert fixed_entry(topology, ["n1", "n2"], 1) is None


@pytest.mark.parametrize(("nodes", "wallets"), [(1, 50), (30, 10), (500, 50)])
def test_everybody_has_an_address_of_his_own(tmp_path: Path, nodes: int, wallets: int) -> None:
    manifest = raised(tmp_path, RunTopology.ORGANIC, nodes, wallets)
    everybody = [*manifest.nodes, *manifest.wallets]
    everybody += [plan_wallet(manifest, ComponentKind.COLD, number, None) for number in (1, 2)]
    assert len({item.host for item in everybody}) == nodes + wallets + 2
    assert len({item.host.split(".")[1] for item in manifest.wallets}) == wallets
    assert all(0 < int(part) < 255 for item in everybody for part in item.host.split("."))


def test_so_many_wallets_cannot_be() -> None:
    with pytest.raises(ConfigError, match=f"0 to {MAX_WALLETS} wallets"):
        RunRequest(3, wallets=MAX_WALLETS + 1).check()


def served(folder: Path, **told: Any) -> WalletProcess:
    """A wallet whose process is this one, and what some process has written."""
    identity = write_identity(folder)
    wallet = WalletProcess("w1", folder, identity=identity)
    wallet.wallet_folder.mkdir(parents=True)
    (wallet.wallet_folder / "rpc.json").write_text(json.dumps(told))
    return wallet


def test_what_a_killed_process_has_left_is_not_believed(tmp_path: Path) -> None:
    wallet = served(tmp_path, port=1, pid=1)
    with pytest.raises(Unreachable, match="was killed"):
        wallet.rpc("uptime")
    assert not wallet.check_ready()


def test_who_has_said_nothing_is_silent(tmp_path: Path) -> None:
    wallet = WalletProcess("w1", tmp_path)
    with pytest.raises(Unreachable, match="has not said"):
        wallet.rpc("uptime")
    assert not wallet.view(ProcessState.RUNNING).answers


def test_wallets_by_name(tmp_path: Path) -> None:
    manifest = raised(tmp_path, RunTopology.ORGANIC)
    assert [wallet.name for wallet in wallets_of(manifest)] == ["w1", "w2", "w3", "w4"]
    assert [wallet.folder.name for wallet in wallets_of(manifest, ["w3"])] == ["w3"]


def test_secrets_stay_and_are_for_their_owner(tmp_path: Path) -> None:
    words, passphrase = provide_words(tmp_path / "w1"), provide_passphrase(tmp_path)
    assert provide_words(tmp_path / "w1") == words
    assert provide_words(tmp_path / "w2") != words
    assert provide_passphrase(tmp_path) == passphrase
    for path in (tmp_path / "w1" / WORDS, tmp_path / PASSPHRASE):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_wallet_made_twice_from_its_words_is_the_same(tmp_path: Path) -> None:
    words = provide_words(tmp_path / "w1")
    provide_passphrase(tmp_path)
    addresses = []
    for name in ("one.sqlite", "other.sqlite", "other.sqlite"):
        make_wallet(tmp_path / name, tmp_path / "w1" / WORDS, tmp_path / PASSPHRASE)
        with SqliteStore(tmp_path / name) as store:
            wallet = Wallet.load(store)
            assert wallet.network is REGTEST
            addresses.append(encode_address(wallet.watched_scripts()[0], REGTEST))
    assert addresses == [first_address(words)] * 3
