"""The full-screen wallet over a real wallet and a real node: paying, and whatever ends."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from axon.cli.walletaccess import opened
from axon.cli.walletcommands import opening
from axon.cli.walletoptions import WalletOptions, read_options, wallet_parser
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer
from axon.tui.app import WalletApp
from tests.process.conftest import MakeNode, make_node_fixture  # noqa: F401
from tests.process.walletprocess import PASSPHRASE, WalletProcess
from tests.tui.stage import SMALL, Stage

pytestmark = pytest.mark.process

BOB: Final = Signer("Bob")
IN_SYNC: Final = "In sync at block 101"
CTRL_C: Final = b"\x03"
LEAVES_THE_SCREEN: Final = b"\x1b[?1049l"


@pytest.fixture(name="node")
def node_fixture(make_node: MakeNode) -> NodeProcess:
    return make_node("n1", trusted_door=True).start()


@pytest.fixture(name="alice")
def alice_fixture(tmp_path: Path, node: NodeProcess) -> Iterator[WalletProcess]:
    """A wallet with 50 bitcoin, ripe."""
    with WalletProcess(tmp_path / "alice", "alice", [node.door]) as wallet:
        wallet.json("create", "--no-confirm", wallet.signing())
        node.rpc("generatetoaddress", 1, wallet.json("receive")["address"])
        node.rpc("generatetoaddress", 100, BOB.address())
        yield wallet


def options_of(wallet: WalletProcess) -> WalletOptions:
    """As `axon wallet open` reads them."""
    words = wallet.arguments("open")
    given = words[words.index("open") :]
    return read_options(wallet_parser([opening.add_commands]), given, wallet.folder)


def play(wallet: WalletProcess, scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Open the wallet as the command does, and play a scene before its screen."""
    options = options_of(wallet)

    async def run(app: WalletApp) -> None:
        async with app.run_test(size=SMALL) as pilot:
            stage = Stage(app, pilot)
            await stage.until_told("#standing", IN_SYNC)
            await scene(stage)

    with opened(options) as client, opening.asker(client) as ask:
        app = opening.wallet_app(client, ask, options)
        asyncio.run(run(app))
    assert app.failure is None


async def pay_bob(stage: Stage, node: NodeProcess) -> str:
    """20 bitcoin through the screen, into the pool of the node; the txid."""
    await stage.press("3")
    stage.paste("#amount", "20")
    stage.paste("#to", BOB.address())
    await stage.press("enter")
    await stage.until_told("#drafted", f"20.00000000 BTC  to {BOB.address()}\n")
    await stage.press("s")
    stage.paste("SecretInput", f"not {PASSPHRASE}")
    await stage.press("enter")
    await stage.until_told("#answer", "passphrase")
    stage.paste("SecretInput", PASSPHRASE)
    await stage.press("enter")
    await stage.until_told("#result", "One node fetched it")
    txid = stage.told("#sent")
    # A node that has fetched it has yet to verify it.
    await stage.until(lambda: node.rpc("getrawmempool") == [txid], "it is in the pool")
    return txid


def test_paying_through_the_screen(node: NodeProcess, alice: WalletProcess) -> None:
    async def scene(stage: Stage) -> None:
        assert stage.told("#frozen") == "Frozen    0.00000000 BTC"
        assert [row[1:4] for row in stage.rows("#overview PaymentTable")] == [
            ["mined", "+50.00000000", "101"]
        ]
        await stage.press("3")
        stage.paste("#amount", "1")
        stage.paste("#to", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
        await stage.press("enter")
        await stage.until_told("#to-wrong", "cannot be paid")
        await pay_bob(stage, node)
        await stage.press("1")
        await stage.until(lambda: len(stage.rows("PaymentTable")) == 2, "it is in the history")
        await stage.until(
            lambda: stage.rows("PaymentTable")[0][3] == "unconfirmed", "its node has shown it"
        )

        node.rpc("generatetoaddress", 1, BOB.address())
        await stage.until(lambda: stage.rows("PaymentTable")[0][3] == "1", "it is confirmed")
        await stage.press("enter")
        await stage.until_told("#facts", "kept: its way to the Merkle root of block 102")
        await stage.press("escape", "4", "n")
        await stage.until_told("#address", "bcrt1q")
        await stage.press("5", "f")
        await stage.until_told("#held", "One coin, 1 frozen")
        await stage.press("6")
        await stage.until_told("#together", "One node: filters from 1, of which 1 agree")
        node.kill()
        await stage.until_told("#standing", "No node is connected")

    play(alice, scene)


@pytest.fixture(name="bob")
def bob_fixture(tmp_path: Path, node: NodeProcess, alice: WalletProcess) -> Iterator[WalletProcess]:
    """A wallet without coins, which has seen what Alice has."""
    assert alice.name == "alice"
    with WalletProcess(tmp_path / "bob", "bob", [node.door]) as wallet:
        wallet.json("create", "--no-confirm", wallet.signing())
        wallet.json("sync")
        yield wallet


def test_paying_an_invoice_of_another_wallet(alice: WalletProcess, bob: WalletProcess) -> None:
    bob.serve().sync()
    bob.call("openpayments", PASSPHRASE)
    invoice = bob.call("createinvoice", "0.5", "Bob", "a bicycle")

    async def scene(stage: Stage) -> None:
        await stage.press("3")
        stage.paste("#to", invoice["uri"])
        stage.paste("#fee", "2")
        await stage.press("enter")
        await stage.until_told("#drafted", "For     Bob: a bicycle\n")
        await stage.press("s")
        stage.paste("SecretInput", PASSPHRASE)
        await stage.press("enter")
        await stage.until_told("#result", "Accepted.")
        await stage.press("7", "enter")
        await stage.until_told("#shown", "signed by the payee's address")
        await stage.press("r")
        await stage.until(lambda: "Received: 0.50000000 BTC" in stage.app.clipboard, "the receipt")

    play(alice, scene)
    (deal,) = bob.call("listdeals", invoice["id"])
    assert deal["stage"] == "accepted"


def test_an_invoice_on_the_screen_is_paid_by_another_wallet(
    alice: WalletProcess, bob: WalletProcess
) -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("7")
        stage.paste("#asked-label", "Bob")
        stage.paste("#asked-amount", "0.25")
        await stage.press("enter")
        stage.paste("SecretInput", PASSPHRASE)
        await stage.press("enter")
        await stage.until_told("#stage", "Nobody has paid it yet.")
        uri = stage.told("#uri").replace("\n", "")
        told = await asyncio.to_thread(alice.json, "pay", uri, "--fee-rate=2", alice.signing())
        assert told["stage"] == "accepted"
        await stage.until_told("#stage", "Accepted.")
        await stage.until_told("#shown", told["txid"])

    play(bob, scene)


def test_a_wallet_that_is_served_and_killed(node: NodeProcess, alice: WalletProcess) -> None:
    alice.serve()

    async def scene(stage: Stage) -> None:
        await pay_bob(stage, node)
        await stage.press("1")
        await stage.until(lambda: len(stage.rows("PaymentTable")) == 2, "it is in the history")
        alice.kill()
        await stage.until_told("#standing", "The wallet has closed")
        assert len(stage.rows("PaymentTable")) == 2

    play(alice, scene)


@pytest.mark.parametrize("keys", [b"q", CTRL_C])
def test_in_a_terminal(alice: WalletProcess, keys: bytes) -> None:
    code, seen = before_a_terminal(alice.arguments("open"), IN_SYNC.encode(), keys)
    assert code == 0, seen
    assert LEAVES_THE_SCREEN in seen
    assert b"Traceback" not in seen


def before_a_terminal(arguments: list[str], sign: bytes, keys: bytes) -> tuple[int, bytes]:
    """Run a command, wait until a text is drawn, press keys; its exit code and all it drew."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvp(arguments[0], arguments)
    seen, pressed = b"", False
    while True:
        try:
            data = os.read(descriptor, 65_536)
        except OSError:  # So a terminal ends on Linux.
            break
        seen += data
        if sign in seen and not pressed:
            os.write(descriptor, keys)
            pressed = True
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen
