"""A served wallet holds no passphrase, word or key once the call that needed it is answered."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer
from tests.process.conftest import MakeNode
from tests.process.walletprocess import PASSPHRASE, Terminal, WalletProcess

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        platform.libc_ver()[0] != "glibc", reason="reads /proc, and glibc's allocator is told"
    ),
]

SETTLE_S: Final = 30.0
_REGION: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")


def copies(pid: int, secret: str) -> int:
    """How often a secret is in the memory of a process, in any form in which Python keeps texts."""
    forms = [secret.encode(form) for form in ("utf-8", "utf-16-le", "utf-32-le")]
    found = 0
    try:
        with (
            Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory,
            Path(f"/proc/{pid}/maps").open() as regions,
        ):
            for line in regions:
                if (region := _REGION.match(line)) and "[v" not in line:
                    start, end = (int(bound, 16) for bound in region.groups())
                    memory.seek(start)
                    held = memory.read(end - start)
                    found += sum(held.count(form) for form in forms)
    except PermissionError:
        pytest.skip("this machine lets nobody read another process's memory")
    return found


@pytest.fixture(name="node")
def node_fixture(make_node: MakeNode) -> NodeProcess:
    node = make_node(trusted_door=True).start()
    node.rpc("generatetoaddress", 1, Signer("Bob").address())
    return node


@pytest.fixture(name="alice")
def alice_fixture(tmp_path: Path, node: NodeProcess) -> Iterator[WalletProcess]:
    with WalletProcess(tmp_path / "alice", "alice", [node.door]) as wallet:
        yield wallet


def test_nothing_secret_stays_in_a_served_wallet(node: NodeProcess, alice: WalletProcess) -> None:
    words = alice.json("create", "--no-confirm", alice.signing())["words"]
    alice.serve().sync()
    node.rpc("generatetoaddress", 101, alice.json("receive")["address"])
    wait_until(lambda: alice.call("getbalances")["mine"]["trusted"] > 0, SETTLE_S, "paid")
    assert alice.pid is not None
    assert copies(alice.pid, "getbalances") > 0, "the search finds what is there"
    for _ in range(3):
        code, _, errors = alice.run("send", Signer("Bob").address(), "0.1 BTC", alice.signing())
        assert code == 0, errors
    wrong = alice.folder / "wrong"
    wrong.write_text(guess := "incorrect donkey")
    guessing = f"--passphrase-file={wrong}"
    code, _, _ = alice.run("export-descriptor", "--private", guessing)
    assert code == 1
    code, _, _ = alice.run("send", Signer("Bob").address(), "0.1 BTC", guessing)
    assert code == 1
    code, told, _ = alice.run("export-descriptor", "--private", alice.signing())
    assert code == 0
    keys = re.findall(r"tprv\w+", told)
    assert keys
    for secret in (PASSPHRASE, guess, words, *keys):
        assert copies(alice.pid, secret) == 0


def test_nothing_typed_stays_in_a_full_screen_wallet(
    node: NodeProcess, alice: WalletProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "45")
    alice.json("create", "--no-confirm", alice.signing())
    node.rpc("generatetoaddress", 101, alice.json("receive")["address"])
    screen = Terminal(alice.arguments("open"))
    screen.expect("In sync at block 102")
    screen.type("3")
    screen.expect("in a QR code")
    payment = f"bitcoin:{Signer('Bob').address()}?amount=0.1"
    screen.type(f"\x1b[200~{payment}\x1b[201~")  # As terminals paste.
    screen.expect("0.1")
    screen.type("\r")
    screen.expect("leaves this wallet")
    screen.expect("Light or dark")  # Of the keys that work now.
    screen.type("s")
    screen.expect("passphrase of this wallet")
    for letter in PASSPHRASE:
        screen.type(letter)
        screen.expect("\N{BULLET}")
    assert copies(screen.pid, PASSPHRASE) > 0, "the search finds what is there"
    screen.type("\r")
    wait_until(lambda: len(node.rpc("getrawmempool")) == 1, SETTLE_S, "it is sent")
    screen.expect("took it into the pool")
    assert copies(screen.pid, PASSPHRASE[: len("correct h")]) == 0, "nor what it grew from"
    screen.type("q")
    assert screen.left() == 0
