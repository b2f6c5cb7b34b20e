"""What an attack on a wallet is, what it may cost, and how it is measured."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from attacks.linkstrangers import LinkGone
from attacks.walletvictim import Honest, Met, Scene, scene
from axon.errors import AxonError

PAY_S: Final = 10.0
"""How long an honest payment may take while strangers attack, from the signature to the receipt."""

MEMORY_MB: Final = 100
"""What a listening wallet may have, libbitcoinkernel loaded, whatever comes."""

_LOGS: Final = ("debug.log", "errors.txt")


@dataclass(frozen=True, slots=True)
class WalletAttack:
    """One way to hurt a wallet that listens, or one that pays.

    Args:
        name: by which `docs/threats.md` and the command line call it.
        run: does it, for about so many seconds; asserts what is its own, and may say what was done.
        pay_s: so long may each honest payment take meanwhile.
        pays: Alice pays Bob meanwhile; else the attack itself is about her payments.
        memory_mb: Bob's wallet may have so much.
    """

    name: str
    run: Callable[[Scene, float], str | None]
    pay_s: float = PAY_S
    pays: bool = True
    memory_mb: float = MEMORY_MB


def rounds(seconds: float) -> Iterator[int]:
    """Numbers from 0, for so long."""
    until = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < until, itertools.count())


@dataclass(frozen=True, slots=True)
class WalletOutcome:
    """What an attack did.

    Args:
        attack: which.
        met: what the honest met.
        note: what the attack says of itself.
        faults: which bounds did not hold; empty if all is well.
    """

    attack: WalletAttack
    met: Met
    note: str
    faults: tuple[str, ...]

    def line(self) -> str:
        """Of the table."""
        memory = "/".join(f"{each:.0f}" for each in self.met.memory_mb)
        paid = self.met.payments_s
        times = f"{len(paid)} paid, longest {max(paid):.1f} s" if paid else "-"
        head = f"{self.attack.name:<24}{memory:>18}  {times}  {self.note}".rstrip()
        return "\n    BEYOND: ".join([head, *self.faults])


def measure_wallet(attack: WalletAttack, seconds: float, stretch: float = 1.0) -> WalletOutcome:
    """Attack wallets of their own for so long, and see what becomes of them.

    Args:
        stretch: payments may take so much longer, where other work may keep the machine busy.
    """
    faults: list[str] = []
    with scene() as here:
        note: str | None = None
        honest = Honest(here, pays=attack.pays)
        try:
            with honest:
                note = attack.run(here, seconds)
        except (AssertionError, AxonError, LinkGone, OSError) as fault:
            faults.append(f"{type(fault).__name__}: {fault}")
        met = honest.met
        faults += met.faults + _exceeded(attack, met, stretch)
        if not here.bob.is_alive:
            faults.append("the wallet does not live")
        elif attack.pays and not _pays(here):
            faults.append("nobody can pay afterwards")
        try:
            faults += leaks(here)
        except AxonError as fault:
            faults += [f"{fault}; said: {wallet.said()}" for wallet in (here.alice, here.bob)]
    return WalletOutcome(attack, met, note or "", tuple(faults))


def _exceeded(attack: WalletAttack, met: Met, stretch: float) -> list[str]:
    faults = []
    if met.memory_mb[1] > attack.memory_mb:
        faults.append(f"{met.memory_mb[1]:.0f} MB of memory, at most {attack.memory_mb:.0f}")
    slow = [each for each in met.payments_s if each > attack.pay_s * stretch]
    if slow:
        faults.append(f"a payment took {max(slow):.1f} s, at most {attack.pay_s * stretch:g}")
    return faults


def _pays(here: Scene) -> bool:
    """Whether Alice gets a receipt once nobody attacks any more."""
    with suppress(AxonError):
        made = here.invoice()
        here.begin(made["uri"], made["address"])
        return here.await_end(made["id"])["stage"] in ("accepted", "settled")
    return False


def leaks(here: Scene) -> list[str]:
    """Which logs hold what opens a wallet or says who is paid, and those that hold a traceback."""
    if not (here.alice.is_alive and here.bob.is_alive):
        return []
    secrets, found = here.secrets(), []
    for wallet in (here.alice, here.bob):
        for path in _logs(wallet.folder):
            text = path.read_text(errors="replace")
            if any(secret in text for secret in secrets):
                found.append(f"{wallet.name}: {path.name} holds a secret or an invoice")
            if "Traceback" in text:
                found.append(f"{wallet.name}: there is a traceback in {path.name}")
    return found


def _logs(folder: Path) -> list[Path]:
    return [path for name in _LOGS for path in sorted(folder.rglob(name))]
