"""Statuses as the protocol defines them, from blocks, from the pool and read anew."""

from __future__ import annotations

from random import Random

from axon.chain.scriptindex import BlockTouches
from axon.electrum.statuses import ConfirmedPart, StatusBook, Subscribed
from axon.electrum.unconfirmed import Unconfirmed, UnconfirmedView, in_order
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.transaction import outpoint

SCRIPT, OTHER = b"s" * 32, b"o" * 32
CONFIRMED = (
    ("a6c9c361bd0bc536d6a22648efbf8f9b200e425ef6c3a7a9669dc444c532a347", 2472),
    ("9c42f84b2fcdaff676ba25d9d4941741cc0d1a01cce0c23fdc4c0b2afa38431c", 2473),
    ("770f2d4371b3fabb902dd9a103e2dd005fcd3971181078fca4a2a1d6ff127b30", 2473),
)
FIRST = "80b19848aed792565ab7c5a79b7c2a00fbf985741579396ebe0ab6098e607311"
SECOND = "e02a1dadfa83b996b24175df807b271ea5d02937ef5b35c195fac1e1bdc3198f"
CHILD = "bb4c8ab438c13b89ca80d1d5bee25b0b6b7f55673f4d801998ba97db161d9e85"
STATUS = "78e96c6562cafa71c115503b9411fdfdc595a45031e2ab76ff75162fe1b0590d"
"""The example of the protocol's documentation (protocol basics, status)."""


def txid(text: str) -> Txid:
    """A txid from reversed hex."""
    return Txid(from_hex(text))


def unconfirmed(name: str, fee_sat: int, spends: Txid) -> Unconfirmed:
    """A transaction of the example."""
    return Unconfirmed(
        txid(name), fee_sat, 150, ((outpoint(spends, 0), SCRIPT, 1_000),), ((SCRIPT, 900),)
    )


def example() -> UnconfirmedView:
    """The unconfirmed transactions of the example, the child first."""
    view = UnconfirmedView()
    view.add(unconfirmed(CHILD, 200, txid(FIRST)))
    view.add(unconfirmed(SECOND, 300, Txid(b"2" * 32)))
    view.add(unconfirmed(FIRST, 200, Txid(b"1" * 32)))
    return view


def test_the_example_of_the_documentation() -> None:
    view = example()
    history = in_order(view.touching(SCRIPT))
    assert history == [
        (0, txid(FIRST), 200),
        (0, txid(SECOND), 300),
        (-1, txid(CHILD), 200),
    ]
    part = ConfirmedPart([(height, txid(name)) for name, height in CONFIRMED])
    assert part.status(history) == STATUS


def test_nothing_at_all_has_no_status() -> None:
    assert ConfirmedPart().status([]) is None
    assert ConfirmedPart([(1, txid(FIRST))]).status([]) is not None
    assert ConfirmedPart().status([(0, txid(FIRST), 1)]) is not None


def test_blocks_bring_a_status_to_what_reading_anew_gives() -> None:
    rng, book = Random(1), StatusBook()
    found: Subscribed | None = Subscribed(ConfirmedPart())
    assert found is not None
    book.subscribe(1, SCRIPT, found)
    history: list[tuple[int, Txid]] = []
    for height in range(1, 8):
        txids = tuple([Txid(rng.randbytes(32)) for _ in range(4)])
        mine = [position for position in range(4) if rng.random() < 0.5]
        touched = {OTHER: [0], **({SCRIPT: mine} if mine else {})}
        block = BlockTouches(height, txids, touched)
        assert book.connected(block, block.touched) == ([SCRIPT] if mine else [])
        history += [(height, txids[position]) for position in mine]
        found = book.get(SCRIPT)
        assert found is not None
        assert found.confirmed is not None
        assert found.confirmed.status([]) == ConfirmedPart(history).status([])
    assert found is not None
    assert book.disconnected(BlockTouches(7, (), {SCRIPT: [0], OTHER: [1]})) == [SCRIPT]
    assert found.confirmed is None


def test_a_script_is_forgotten_with_its_last_client() -> None:
    book = StatusBook()
    found = Subscribed(ConfirmedPart())
    book.subscribe(1, SCRIPT, found)
    book.subscribe(2, SCRIPT, Subscribed(ConfirmedPart()))
    assert book.get(SCRIPT) is found
    assert list(found.clients) == [1, 2]
    book.subscribe(1, OTHER, Subscribed(ConfirmedPart()))
    book.unsubscribe(1, SCRIPT)
    assert SCRIPT in book
    book.unsubscribe(3, SCRIPT)  # Never was.
    assert SCRIPT in book
    book.unsubscribe(2, SCRIPT)
    assert SCRIPT not in book
    assert len(book) == 1
