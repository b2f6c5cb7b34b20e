"""A wallet as a process: made, served, killed, started again, made anew from its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.rpc.client import Unreachable
from axon.swarm.lab.processes import NodeFailed
from axon.swarm.lab.walletprocess import WalletProcess

pytestmark = pytest.mark.process


def test_a_wallet_is_the_same_after_a_kill_and_from_its_words(tmp_path: Path) -> None:
    with WalletProcess("alice", tmp_path / "first") as wallet:
        words = wallet.create()
        assert len(words.split()) == 12
        wallet.start()
        address = wallet.rpc("getnewaddress")
        wallet.kill()
        assert (wallet.wallet_folder / "rpc.json").exists()  # It had no chance to take it away.
        with pytest.raises(Unreachable, match="was killed the last time"):
            wallet.dial(1.0)
        wallet.start()
        assert [item["address"] for item in wallet.rpc("listaddresses")] == [address]
        assert wallet.height() == 0
        assert wallet.stop() == 0
    with WalletProcess("alice", tmp_path / "second") as again:
        again.restore(words)
        again.start()
        assert again.rpc("getnewaddress") == address
        again.kill()
        again.wipe()
        assert not again.folder.exists()


def test_what_cannot_be_made_is_said_without_secrets(tmp_path: Path) -> None:
    wallet = WalletProcess("alice", tmp_path)
    words = wallet.create()
    with pytest.raises(NodeFailed, match="there is a wallet 'alice' already") as refused:
        wallet.restore(words)
    assert words not in str(refused.value)
    with pytest.raises(NodeFailed, match="left at its start: Error: there is no wallet 'bob'"):
        WalletProcess("bob", tmp_path).start()
