"""How far a wallet looks ahead, and what it says of blocks that it has not searched."""

from __future__ import annotations

import pytest

from axon.chain.store import MemoryStore
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN
from axon.wallet.errors import BadGap
from axon.wallet.lookahead import has_past, search_again, set_gap, unsearched_height
from axon.wallet.records import Keychain
from axon.wallet.scripts import LOOKAHEAD, MAX_GAP
from axon.wallet.wallet import Wallet
from tests.wallet.scene import Scene, new_wallet, paying


def restored(store: MemoryStore, gap: int = LOOKAHEAD) -> Wallet:
    """The same seed again, in an empty store."""
    source = new_wallet(MemoryStore()).source
    return Wallet.create(store, REGTEST, source, birthday_s=0, gap=gap, has_past=True)


def far_script(index: int) -> bytes:
    """Of an address that was given out in an earlier life."""
    wallet = restored(MemoryStore(), gap=index + 1)
    return wallet.ledger.book.script(Keychain.RECEIVE, index)


@pytest.mark.parametrize(("gap", "found"), [(LOOKAHEAD, 0), (26, 0), (27, COIN), (200, COIN)])
def test_a_restored_wallet_looks_as_far_as_it_is_told(gap: int, found: int) -> None:
    store = MemoryStore()
    scene = Scene(restored(store, gap))
    scene.mine(paying(far_script(26), COIN))
    assert scene.wallet.balance().confirmed_sat == found
    assert Wallet.load(store).balance().confirmed_sat == found, "also when it is opened again"
    assert Wallet.load(store).ledger.book.gap == gap


def test_a_wider_gap_finds_what_was_missed_when_blocks_are_searched_again() -> None:
    store = MemoryStore()
    scene = Scene(restored(store))
    scene.mine(paying(far_script(26), COIN))
    assert scene.wallet.balance().total_sat == 0
    set_gap(scene.wallet.ledger, 50)
    assert unsearched_height(scene.wallet.ledger) == -1, "nobody was told of these addresses here"
    scene.mine(paying(far_script(40), COIN, "later"))
    assert unsearched_height(scene.wallet.ledger) == 1, "one of them was given out elsewhere"
    assert unsearched_height(Wallet.load(store).ledger) == 1
    search_again(scene.wallet.ledger)
    scene.show(1)
    scene.show(2)
    assert scene.wallet.balance().confirmed_sat == 2 * COIN
    assert unsearched_height(Wallet.load(store).ledger) == -1


@pytest.mark.parametrize("gap", [0, -1, MAX_GAP + 1])
def test_what_cannot_be_looked_for_is_refused(gap: int) -> None:
    with pytest.raises(BadGap, match="1 to 10,000"):
        restored(MemoryStore(), gap)
    with pytest.raises(BadGap, match="1 to 10,000"):
        set_gap(new_wallet(MemoryStore()).ledger, gap)


def give_out(scene: Scene, count: int) -> list[int]:
    """Addresses, and a block after each; what is said to be unsearched after each."""
    said: list[int] = []
    for _ in range(count):
        scene.wallet.new_address(beyond_gap=True)
        said.append(unsearched_height(scene.wallet.ledger))
        scene.pass_blocks(1)
    return said


def test_an_address_that_came_to_be_watched_late_leaves_blocks_unsearched() -> None:
    store = MemoryStore()
    scene = Scene(restored(store))
    scene.pass_blocks(5)
    assert set(give_out(scene, LOOKAHEAD)) == {-1}, "these were watched from the start"
    assert give_out(scene, 3) == [5, 6, 7], "these came with the first three"
    assert unsearched_height(Wallet.load(store).ledger) == 7


def test_what_was_given_out_before_any_block_was_searched_is_searched() -> None:
    scene = Scene(restored(MemoryStore()))
    scene.wallet.new_address()
    scene.pass_blocks(5)
    assert give_out(scene, LOOKAHEAD + 1)[LOOKAHEAD - 1 :] == [-1, 5]


def test_a_rescan_is_due_no_more_after_it_was_done() -> None:
    store = MemoryStore()
    scene = Scene(restored(store))
    scene.pass_blocks(5)
    give_out(scene, LOOKAHEAD + 1)
    search_again(scene.wallet.ledger)
    assert unsearched_height(Wallet.load(store).ledger) == -1
    assert set(give_out(scene, LOOKAHEAD)) == {-1}, "these were ahead then"
    assert give_out(scene, 1) == [5 + LOOKAHEAD + 1]


def test_a_wallet_that_is_new_has_no_past_to_search() -> None:
    scene = Scene()
    assert not has_past(scene.wallet.ledger)
    scene.pass_blocks(5)
    scene.wallet.new_address()
    set_gap(scene.wallet.ledger, 100)
    assert scene.wallet.ledger.unsearched == {}
