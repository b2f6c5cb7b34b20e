"""The calls of a node beside those of Bitcoin Core: the same answers, codes and texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.besidecore import BesideCore, beside_core
from tests.interop.corecalls import (
    Calls,
    Scene,
    of_drafts,
    of_scripts,
    of_the_chain,
    of_the_pool,
    of_the_rest,
    usages,
)
from tests.interop.optioncalls import of_options

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

PSBTS = json.loads((Path(__file__).parent.parent / "vectors" / "psbt.json").read_text())
KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
OTHER = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
X_ONLY = KEY[2:]
XPUB = (
    "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ"
    "76uZPStJRJCTKvosUCJZL5B"
)
DESCRIPTORS = [
    f"wsh(and_v(v:pk({KEY}),older(1)))",
    f"wsh(or_d(pk({KEY}),and_v(v:pkh({OTHER}),older(2))))",
    f"wsh(thresh(2,pk({KEY}),s:pk({OTHER}),sln:after(5)))",
    f"wsh(and_n(pk({KEY}),and_v(v:pk({OTHER}),after(4))))",
    f"wsh(andor(pk({KEY}),older(3),pk({OTHER})))",
    f"wsh(and_v(v:hash256({'11' * 32}),pk({KEY})))",
    "wsh(lltvln:after(1231488000))",
    f"wsh(and_v(v:pk({KEY}),pk({KEY})))",
    f"wsh(or_i(pk({KEY}),older(5)))",
    f"wsh(and_v(v:pk({KEY}),0))",
    f"wsh(pk_k({KEY}))",
    f"wsh(and_v(v:pk({KEY}),older(0)))",
    f"wsh(thresh(3,pk({KEY}),s:pk({OTHER})))",
    f"wsh(and_b(older(1),a:or_i(pk({KEY}),older(4194305))))",
    f"sh(and_v(v:pk({KEY}),older(1)))",
    f"tr({X_ONLY},{{and_v(v:pk({OTHER}),older(1)),multi_a(1,{KEY},{OTHER})}})",
    f"tr({X_ONLY},pkh({KEY}))",
    f"tr(musig({KEY},{OTHER}))",
    f"rawtr(musig({OTHER},{KEY}))",
    f"tr(musig({XPUB},{XPUB}/1)/0/*,pk({KEY}))",
    f"tr(musig({XPUB}/<0;1>/*,{KEY}))",
    f"tr(musig({KEY})/0)",
    "tr(musig())",
    f"wpkh(musig({KEY}))",
    f"wpkh({XPUB}/<0;1>/*)",
    f"wpkh({XPUB}/<0>/*)",
    f"wpkh({XPUB}/<0;0>/*)",
    f"wpkh([d34db33f/<0;1>]{XPUB}/0)",
    f"wsh(multi(1,{XPUB}/<0;1>/*,{XPUB}/<0;1;2>/*))",
    f"sh(tr({X_ONLY}))",
    f"wsh(multi_a(1,{KEY}))",
    f"tr({X_ONLY},multi(1,{KEY}))",
]


@pytest.fixture(name="both", scope="module")
def both_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BesideCore]:
    """Both nodes, with a chain of some blocks."""
    with beside_core(tmp_path_factory.mktemp("beside")) as both:
        both.core.rpc("generatetoaddress", 103, both.rig.alice.address())
        both.follow()
        yield both


def hold(both: BesideCore, calls: list[tuple[str, object]]) -> None:
    """Fails with every call that the two answer differently."""
    found = [both.compare(name, params) for name, params in calls]
    different = [each for each in found if each is not None]
    assert not different, "\n".join(map(str, different))


def test_psbts_of_the_bips(both: BesideCore) -> None:
    calls: list[tuple[str, object]] = []
    for text in [*PSBTS["valid"].values(), *PSBTS["invalid"].values()]:
        calls += [
            ("decodepsbt", [text]),
            ("analyzepsbt", [text]),
            ("finalizepsbt", [text]),
            ("finalizepsbt", [text, False]),
            ("combinepsbt", [[text, text]]),
            ("utxoupdatepsbt", [text]),
        ]
    hold(both, calls)


def test_descriptors(both: BesideCore) -> None:
    calls: list[tuple[str, object]] = []
    for text in DESCRIPTORS:
        calls.append(("getdescriptorinfo", [text]))
        kind, answer = both.of_core("getdescriptorinfo", [text])
        if kind == "result":
            calls += [
                ("deriveaddresses", [dict(answer)["descriptor"], params])
                for params in (None, 2, [1, 3])
            ]
    hold(both, calls)


@pytest.fixture(name="scene", scope="module")
def scene_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BesideCore, Scene]]:
    """Both nodes with payments in the chain and in the pool."""
    with beside_core(tmp_path_factory.mktemp("scene")) as both:
        yield both, Scene(both)


@pytest.mark.parametrize(
    "group",
    [of_the_chain, of_the_pool, of_scripts, of_drafts, of_the_rest, of_options],
    ids=lambda it: it.__name__,
)
def test_calls(scene: tuple[BesideCore, Scene], group: Callable[[Scene], Calls]) -> None:
    both, made = scene
    hold(both, group(made))


def test_usages(both: BesideCore) -> None:
    hold(both, list(usages(both)))


def test_lines_of_usage(both: BesideCore) -> None:
    for line in both.core.rpc("help").splitlines():
        name = line.partition(" ")[0]
        if name and name != "==" and name in both.rig.methods:
            assert both.rig.call("help", name).partition("\n")[0] == line
