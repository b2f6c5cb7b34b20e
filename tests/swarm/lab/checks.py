"""Runs the checks of the lab on a network in memory."""

from __future__ import annotations

from pathlib import Path

from axon.swarm.invariants import Finding
from axon.swarm.lab.checking import Chosen, check
from axon.swarm.lab.manifest import PASSPHRASE, WORDS
from tests.swarm.lab.memoryrun import MemoryRun

MNEMONIC = "abandon " * 11 + "about"
SECRET_TEXT = "5ec2e7" * 4


def findings_of(run: MemoryRun, *names: str, harm: bool = False) -> dict[str, Finding]:
    """What the checks of these invariants find."""
    found = check(run, Chosen(names, harm), lambda _: None)
    assert len({item.name for item in found}) == len(found)
    return {item.name: item for item in found}


def blamed(run: MemoryRun, *names: str, harm: bool = False) -> dict[str, tuple[str, ...]]:
    """What does not hold, and who is to blame."""
    found = findings_of(run, *names, harm=harm)
    return {name: item.culprits for name, item in found.items() if not item.holds}


def with_paid_wallets(folder: Path) -> MemoryRun:
    """A network whose two wallets were paid."""
    run = MemoryRun(folder, 3, wallets=2)
    assert blamed(run, "L3") == {}
    return run


def provide_words(run: MemoryRun) -> None:
    """Write the files in which the lab keeps what opens its wallets."""
    for item in run.manifest.wallets:
        folder = run.manifest.folder_of(item.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WORDS).write_text(MNEMONIC)
    (run.manifest.folder / PASSPHRASE).write_text(SECRET_TEXT)
