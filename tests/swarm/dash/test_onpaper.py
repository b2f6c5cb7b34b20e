"""A run as a network on paper: nobody is left out, nobody knows more than it does."""

from __future__ import annotations

import pytest

from axon.errors import ConfigError
from axon.swarm.blueprint import MinerPlan, WalletPlan
from axon.swarm.dash.onpaper import MAX_NODES, on_paper
from axon.swarm.lab.manifest import Manifest, NodeProgram
from tests.swarm.dash.runs import planned


def test_all_of_a_run_is_on_the_paper() -> None:
    manifest = planned(5, miners=2, wallets=2)
    manifest.change("n2", dials=("n1",), relays=False)
    manifest.change("w1", dials=("n4",), knows=())
    found = on_paper(manifest)
    assert set(found.components()) == set(manifest.components)
    assert (found.nodes[1].dials, found.nodes[1].relays) == (("n1",), False)
    assert found.nodes[0].knows == manifest.components["n1"].knows
    assert found.wallets[0] == WalletPlan("w1", ("n4",))
    assert found.miners[0] == MinerPlan("m1", (manifest.components["m1"].node,))
    assert found.newcomer_wallet == WalletPlan("c1", ("n4",))


def test_who_listens_listens_on_the_paper_and_who_comes_new_does_not() -> None:
    manifest = planned(2, miners=1, wallets=2)
    manifest.change("w2", p2p_port=12966)
    assert on_paper(manifest).payees == ("w2",)
    manifest.change("w1", p2p_port=12966)
    newcomer = on_paper(manifest).newcomer_wallet
    assert newcomer is not None
    assert not newcomer.listens


def test_whoever_comes_new_has_no_name_of_a_node() -> None:
    drawn = planned(2, miners=1, wallets=1)
    raw = drawn.encode().replace(b'"n2"', b'"j1"')  # A topology's file may call it so.
    found = on_paper(Manifest.decode(drawn.folder, raw, "here"))
    assert [node.name for node in found.nodes] == ["n1", "j1"]
    assert found.newcomer_node is not None
    assert found.newcomer_node.name == "j2"


def test_what_is_not_simulated_is_refused() -> None:
    mixed = planned(3, miners=1, wallets=1)
    mixed.change("n2", program=NodeProgram.BITCOIND)
    with pytest.raises(ConfigError, match="Bitcoin Core"):
        on_paper(mixed)
    with pytest.raises(ConfigError, match=f"up to {MAX_NODES} nodes"):
        on_paper(planned(MAX_NODES + 1, miners=1, wallets=1))
    for miners, wallets in ((0, 1), (1, 0)):
        with pytest.raises(ConfigError, match="without a miner and a wallet"):
            on_paper(planned(3, miners=miners, wallets=wallets))
