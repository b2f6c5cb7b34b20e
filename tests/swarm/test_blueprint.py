"""Networks on paper: what names nobody, or two, is refused."""

from __future__ import annotations

import pytest

from axon.errors import ConfigError
from axon.swarm.blueprint import (
    Blueprint,
    ComponentClass,
    MinerPlan,
    NodePlan,
    SharedPlan,
    UplinkPlan,
    WalletPlan,
)

NODE = NodePlan("n1")


def test_components_and_links() -> None:
    shared = SharedPlan("h1", ComponentClass.HOST, ("n1", "n2"))
    found = Blueprint(
        "small",
        (NodePlan("n1", dials=()), NodePlan("n2", dials=("n1",)), NodePlan("n3", dials=())),
        (WalletPlan("w1", dials=("n1",)),),
        (MinerPlan("m1", ("n1", "n2")),),
        {"s1": ("n1",)},
        (shared,),
    )
    assert [str(kind) for kind in found.components().values()] == [
        *("node", "node", "node", "wallet", "miner", "seed", "host")
    ]
    assert found.links() == ["n1-n2"], "n3 dials nobody, and nobody dials it"
    assert found.members("h1") == ("n1", "n2")
    assert found.members("n3") == ("n3",)


def test_whom_a_wallet_pays_directly() -> None:
    names = ("w1", "w2", "w3")
    some = tuple(WalletPlan(name, listens=name != "w2") for name in names)
    found = Blueprint("small", (NODE,), some)
    assert found.payees == ("w1", "w3")
    assert [found.payee_of(name, ()) for name in names] == ["w3", "w3", "w1"]
    assert found.payee_of("w2", ("w3",)) == "w1"
    assert found.all_links() == ["w1-w2", "w1-w3", "w2-w3"]
    assert found.payers(("w3",)) == ["w1", "w2"]
    assert found.payers(("w2", "w3")) == [], "one alone pays nobody"
    alone = Blueprint("small", (NODE,), (WalletPlan("w1", listens=True), WalletPlan("w2")))
    assert alone.payers(()) == ["w2"], "nobody listens whom w1 could pay"
    assert alone.payee_of("w2", ("w1",)) == ""
    assert Blueprint("small", (NODE,), (WalletPlan("w1"), WalletPlan("w2"))).all_links() == []


def test_who_is_on_a_host_goes_with_it_and_who_uses_a_clock_does_not() -> None:
    shared = (
        SharedPlan("h1", ComponentClass.HOST, ("n1",)),
        SharedPlan("t1", ComponentClass.CLOCK, ("n1",)),
    )
    found = Blueprint("small", (NODE,), shared=shared)
    assert (found.members("h1"), found.users("h1")) == (("n1",), ())
    assert (found.members("t1"), found.users("t1")) == (("t1",), ("n1",))
    assert found.users("n1") == ()


@pytest.mark.parametrize(
    ("nodes", "others", "said"),
    [
        ((), {}, "a network has 1 to 1,000 nodes, not 0"),
        ((NODE, NODE), {}, "there are two components 'n1'"),
        ((NodePlan("n1", dials=("n2",)),), {}, "n1 names 'n2', which this network does not have"),
        ((NodePlan("n1", admits=("n2",)),), {}, "n1 names 'n2', which this network does not have"),
        ((NODE,), {"wallets": (WalletPlan("w1", knows=("n7",)),)}, "w1 names 'n7'"),
        ((NODE,), {"miners": (MinerPlan("m1", ("n7",)),)}, "m1 names 'n7'"),
        ((NODE,), {"seeds": {"s1": ("n7",)}}, "s1 names 'n7'"),
        ((NODE,), {"newcomer_node": NodePlan("j1", seeds=("s9",))}, "j1 names 's9'"),
        ((NodePlan("../n1"),), {}, "'../n1' is no name of a component"),
        ((NodePlan("/etc"),), {}, "'/etc' is no name of a component"),
        ((NodePlan("n1,n2"),), {}, "'n1,n2' is no name of a component"),
        ((NODE,), {"seeds": {"s 1": ()}}, "'s 1' is no name of a component"),
        ((NODE,), {"wallets": (WalletPlan("w1", dials=("w1",)),)}, "w1 names 'w1', a wallet,"),
        ((NODE,), {"wallets": (WalletPlan("w1", seeds=("n1",)),)}, "w1 names 'n1', a node,"),
        ((NODE,), {"miners": (MinerPlan("m1", ()),)}, "m1 asks no node for what to mine"),
        ((NODE,), {"uplinks": (UplinkPlan("u1", (("u1",), ())),)}, "u1 names 'u1', a link,"),
        (
            (NODE,),
            {"shared": (SharedPlan("h1", ComponentClass.SEED, ("n1",)),)},
            "h1 is shared, and a seed is not",
        ),
        (
            (NODE,),
            {
                "miners": (MinerPlan("m1", ("n1",)),),
                "shared": (SharedPlan("x1", ComponentClass.PROXY, ("m1",)),),
            },
            "x1 names 'm1', a miner, where none can be",
        ),
        ((NodePlan("n1", keeps_blocks=287),), {}, "n1 keeps all blocks (0), or 288 to 10,000"),
        ((NodePlan("n1", keeps_blocks=10**9),), {}, "n1 keeps all blocks (0), or 288 to 10,000"),
        (
            (NODE,),
            {"seeds": {f"s{number}": () for number in range(5_000)}},
            "a network has at most 5,000 components",
        ),
    ],
)
def test_what_cannot_be_raised_is_refused(
    nodes: tuple[NodePlan, ...], others: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        Blueprint("wrong", nodes, **others)  # type: ignore[arg-type]
    assert str(refused.value).startswith(said)
