"""Signed messages and another program that knows BIP 322: it reads what a wallet of ours signs."""

from __future__ import annotations

from typing import Any

import pytest

from axon.chain.store import MemoryStore
from axon.payments.bip322 import sign_message
from axon.primitives.address import decode_address
from axon.primitives.network import MAINNET
from axon.wallet.keys import AccountKind, from_words
from axon.wallet.wallet import Wallet
from tests.wallet.scene import LOG_N, PASSPHRASE, START_S, WORDS

bip322core: Any = pytest.importorskip(
    "bip322core", reason="bip322-core, which knows version 2.0.0 of the BIP, is absent"
)

pytestmark = pytest.mark.interop

MESSAGE = "Receipt\nReceived: 0.5 BTC – café"


@pytest.mark.parametrize("kind", AccountKind)
def test_another_program_reads_what_we_sign(kind: AccountKind) -> None:
    made_of = from_words(WORDS, MAINNET, kind, PASSPHRASE, bytes(16), bytes(12), log_n=LOG_N)
    wallet = Wallet.create(MemoryStore(), MAINNET, made_of, birthday_s=START_S)
    address = wallet.new_address()
    signature = sign_message(wallet, decode_address(address, MAINNET), MESSAGE, PASSPHRASE)

    def state(message: str) -> str:
        return str(bip322core.verify_message(address, signature, message.encode()).state.value)

    assert state(MESSAGE) == "valid"
    assert state(MESSAGE + ".") == "invalid"
