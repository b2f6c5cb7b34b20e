"""Payments from wallet to wallet in a story: handed over, and what both sides say of them.

What is shown in the table of checks is made here of what a wallet answers, so that it can be tested
with answers that a good wallet never gives.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from axon.drivers.aio.privatefiles import make_folder
from axon.payments.verdict import PaymentLevel
from axon.swarm.lab.axonprocess import AXON
from axon.swarm.lab.walletprocess import PASSPHRASE
from axon.swarm.story.participants import FEE_COIN, Participant

LIMIT_S: Final = 60.0
"""How long a program that checks a receipt may take."""

_SPENT: Final = re.compile(r"spent by transaction ([0-9a-f]{64}) in block (\d+)")
_SHORT: Final = 8


@dataclass(frozen=True, slots=True)
class HandedInvoice:
    """A payment that somebody asks for, as his wallet made the invoice.

    Args:
        id: names it in both wallets.
        uri: what the payer is given.
        address: where it can be paid on chain.
        amount: in whole coins.
        endpoint: where the payee's wallet listens.
    """

    id: str
    uri: str
    address: str
    amount: int
    endpoint: str


def ask_payment(payee: Participant, amount: int, what: str) -> HandedInvoice:
    """Have a wallet listen for others, and make an invoice."""
    endpoint = payee.wallet.rpc("openpayments", PASSPHRASE)["listening"]
    made = payee.wallet.rpc("createinvoice", amount, payee.name, what)
    return HandedInvoice(made["id"], made["uri"], made["address"], amount, endpoint)


def draft(payer: Participant, address: str, amount: int, coins: Sequence[Mapping[str, Any]]) -> str:
    """A payment of these coins, not signed yet, with the fee that all pay; base64."""
    named = [{"txid": coin["txid"], "vout": coin["vout"]} for coin in coins]
    drafted = payer.wallet.rpc("draftpayment", {address: amount}, fee=FEE_COIN, coins=named)
    return str(drafted["psbt"])


def hand_over(payer: Participant, asked: HandedInvoice, drafted: str) -> None:
    """Sign a payment and have the payee's wallet dialled; nobody waits for what it says.

    No coin of the payee is joined: what everybody has stays whole.
    """
    payer.wallet.rpc("payinvoice", asked.uri, drafted, PASSPHRASE, False)


def deal(participant: Participant, asked: HandedInvoice) -> dict[str, Any]:
    """What a wallet knows of a payment that was asked for, and of what came."""
    found: list[dict[str, Any]] = participant.wallet.rpc("listdeals", asked.id)
    return found[0] if found else {"stage": "unknown", "level": None, "reason": ""}


def stage(participant: Participant, asked: HandedInvoice) -> str:
    """How far it is, by this wallet."""
    return str(deal(participant, asked)["stage"])


def known(told: Mapping[str, Any]) -> str:
    """How much is shown of a payment, and up to which block, by the deal that a wallet tells."""
    if told["level"] is None:
        return "nothing"
    return f"{PaymentLevel(told['level']).name.lower()}, up to block {told['height']}"


def refusal(told: Mapping[str, Any]) -> str:
    """Why a payment was refused, if it is because its coin was spent; else how far it is."""
    found = _SPENT.search(told["reason"])
    if told["stage"] != "refused" or found is None:
        return f"{told['stage']} {told['reason']}".strip()
    return f"refused: spent in block {found[2]} by ..{found[1][-_SHORT:]}"


def verified(receipt: str, folder: Path) -> str:
    """What `axon wallet receipt verify` says of a receipt, which is all that it is given.

    Args:
        receipt: the text.
        folder: made if it is missing; the program finds neither a wallet nor a setting in it.
    """
    make_folder(folder)
    checked = subprocess.run(
        [*AXON, "wallet", "receipt", "verify", "-", "--json"],
        input=receipt,
        env={**os.environ, "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return proved(json.loads(checked.stdout) if checked.stdout else {"valid": False})


def proved(said: Mapping[str, Any]) -> str:
    """What a check of a receipt found, in words."""
    if not said["valid"]:
        return "not valid"
    block = said["blockhash"]
    return "valid, in no block" if block is None else f"valid, in block ..{block[-_SHORT:]}"


def receipt(participant: Participant, asked: HandedInvoice) -> str:
    """The receipt that a wallet keeps, as a text."""
    return str(participant.wallet.rpc("getreceipt", asked.id))
