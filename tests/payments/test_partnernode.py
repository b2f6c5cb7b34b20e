"""Wallets that know wallets: what they learn of each other, and what a liar cannot do."""

from __future__ import annotations

import pytest

from axon.p2p.filterdownload import FilterDownload
from axon.payments.partnerevents import PartnerClosed, PartnerOpened
from tests.node.lightnetwork import network
from tests.payments.partnerworld import ServingWallet


def bob_and_carol(
    seed: int, *, keep: bool = True, finds: bool = False
) -> tuple[ServingWallet, ServingWallet]:
    """Bob, who serves and has a node; Carol, who knows nobody but him, and has no way to it."""
    net = network(seed, 1)
    bob = ServingWallet(net, 1, contacts=(0,))
    bob.until(lambda: bob.spv.is_synced)
    address = bob.serve()
    net.simulation.admit_only(0, frozenset((bob.home.host,)))
    carol = ServingWallet(net, 2, contacts=(0,), named=(address,), keep=keep, finds=finds)
    return bob, carol


@pytest.mark.parametrize("keep", [True, False])
def test_a_wallet_that_knows_a_wallet_needs_a_node_for_matched_blocks_only(
    monkeypatch: pytest.MonkeyPatch, *, keep: bool
) -> None:
    bob, carol = bob_and_carol(70, keep=keep)
    asked: list[object] = []
    monkeypatch.setattr(FilterDownload, "_ask", lambda *given: asked.append(given))
    address = bob.serve()

    def has_all() -> bool:
        return carol.partners()[address].filters == 112

    carol.until(lambda: carol.height == 112)
    carol.until(has_all)
    assert carol.partners()[address].headers == 112
    assert carol.naive.scanned is None
    carol.net.simulation.admit_only(0, frozenset((bob.home.host, carol.home.host)))
    carol.until(lambda: carol.spv.is_synced)
    assert carol.naive.balance_sat == bob.naive.balance_sat > 0
    assert not asked, "no filter was asked of the node"
    assert any(isinstance(fact, PartnerOpened) and fact.is_dialled for fact in carol.facts)
    assert any(isinstance(fact, PartnerOpened) and not fact.is_dialled for fact in bob.facts)
    assert not any(isinstance(fact, PartnerClosed) for fact in carol.facts)
