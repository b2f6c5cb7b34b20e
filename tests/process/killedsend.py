"""`axon wallet send`, killed at a stage: python -m tests.process.killedsend STAGE OPTION...

Each stage is a moment between the person's passphrase and the node's word that it has the payment.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn
from unittest.mock import patch

from axon.cli.main import main
from axon.node.unconfirmedwatch import UnconfirmedWatch
from axon.rpc.walletmethods import payments
from axon.wallet.wallet import Wallet

STAGES: Final = ("signed", "written", "asked", "fetched", "noted")


def _die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")


def _then_die(done: Callable[..., Any]) -> Callable[..., NoReturn]:
    def call(*args: object, **named: object) -> NoReturn:
        done(*args, **named)
        _die()

    return call


def prepare(stage: str) -> None:
    """Have this process die at a stage of the payment that it makes."""
    noted = Wallet.note_delivery
    where, name, instead = {
        "signed": (payments, "record_payment", _die),  # Nothing is written yet.
        "written": (payments, "bring_out", _die),  # Nobody was told of it.
        "asked": (UnconfirmedWatch, "requested", _die),  # The node asks, and is given nothing.
        "fetched": (Wallet, "note_delivery", _die),  # It was given it, and that is not noted.
        "noted": (Wallet, "note_delivery", _then_die(noted)),  # That is noted, and not said.
    }[stage]
    patch.object(where, name, instead).start()


if __name__ == "__main__":
    prepare(sys.argv[1])
    sys.argv[1:] = sys.argv[2:]
    main()
