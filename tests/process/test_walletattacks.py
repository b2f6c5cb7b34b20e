"""Attacks on wallets that listen or pay, in short: `make attack` has all of them, and longer.

Real time, because a flood is one; payments may take longer here, for other tests keep the machine
busy.
"""

from __future__ import annotations

from typing import Final

import pytest

from attacks.__main__ import WALLET_ATTACKS, raise_limit
from attacks.walletattack import WalletAttack, leaks, measure_wallet
from attacks.walletvictim import Scene
from tests.process.walletprocess import PASSPHRASE

pytestmark = pytest.mark.process

SECONDS: Final = 1.0
STRETCH: Final = 4.0

SHORT: Final = ("wallet-silent", "wallet-middle", "wallet-probing")


@pytest.mark.parametrize("name", SHORT)
def test_an_attack_on_a_wallet_costs_no_more_than_is_bounded(name: str) -> None:
    raise_limit()
    outcome = measure_wallet(WALLET_ATTACKS[name], SECONDS, STRETCH)
    assert not outcome.faults, (outcome.faults, outcome.met)


def test_what_is_beyond_a_bound_is_said() -> None:
    found: list[str] = []

    def leak(scene: Scene, seconds: float) -> None:
        del seconds
        log = next(scene.bob.folder.rglob("debug.log"))
        before = log.read_text()
        for secret in (PASSPHRASE, scene.invoice()["uri"], "Traceback"):
            log.write_text(before + secret)
            found.extend(leaks(scene))
        scene.bob.kill()

    killed = WalletAttack("killed", leak, pays=False, memory_mb=1)
    said = " ".join(measure_wallet(killed, 0.1).faults)
    assert "the wallet does not live" in said
    assert "MB of memory, at most 1" in said
    assert len(found) == 3
    assert "there is a traceback" in found[2]
