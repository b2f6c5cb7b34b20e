"""`pay` and `mine`: what people do with a network that is whole."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from axon.cli.arguments import UsageError
from axon.cli.swarmoptions import AddCommand, running, targets_of
from axon.cli.swarmview import RunProgress, write, write_json
from axon.errors import ConfigError
from axon.rpc.amounts import format_amount
from axon.rpc.deliverytext import (
    ACCEPTED,
    CONFIRMED,
    REFUSED,
    REPLACED,
    SPREADING,
    delivery_line,
)
from axon.swarm.invariants import counted
from axon.swarm.lab import lifecycle
from axon.swarm.lab.directpay import LOST, TAKEN, DirectPayment, hand_over
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.manifest import PASSPHRASE, ComponentKind, Manifest
from axon.swarm.lab.members import node_of, state_of
from axon.swarm.lab.nodeprocess import ProcessState
from axon.swarm.lab.processes import TooLate
from axon.swarm.lab.transfer import Transfer, confirmed, transfer
from axon.swarm.lab.verdict import Exit

MAX_BLOCKS: Final = 10_000
"""At a time; a node finds some thousand a minute."""

_DONE: Final = (ACCEPTED, SPREADING, CONFIRMED)
_LOST: Final = (REFUSED, REPLACED)


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    paying = add(
        "pay",
        _pay,
        "have a wallet pay another one",
        "Have a wallet pay another one, as in: axon swarm pay w1 w2 0.1. A wallet that listens is "
        "handed the payment directly. Exit code: 0 a node has the payment, or the payee has "
        "accepted it; 1 it was refused; 2 neither (yet); 3 nothing was sent.",
    )
    paying.add_argument("payer", metavar="FROM", help="a wallet")
    paying.add_argument("payee", metavar="TO", help="a wallet")
    paying.add_argument(
        "amount", nargs="+", metavar="AMOUNT", help="in BTC, or with its unit: 0.1, '50000 sat'"
    )
    paying.add_argument(
        "--wait",
        action="store_true",
        help="until it is confirmed; where no miner lives, a node finds the block",
    )
    mining = add(
        "mine",
        _mine,
        "have a node find blocks",
        "Have a node find blocks: axon swarm mine; mine 5 (five blocks); mine n2; mine n2 5.",
    )
    mining.add_argument(
        "words", nargs="*", metavar="NODE|COUNT", help="default: the first node that runs; 1"
    )


def _pay(options: Namespace, folder: Path) -> int:
    # Nobody but who pays needs the wallet's room.
    from axon.swarm.lab.walletkeys import read_secret
    from axon.wallet.amounts import Unit, parse_amount
    from axon.wallet.errors import BadAmount

    try:
        sent_sat = parse_amount(" ".join(options.amount), Unit.BTC)
    except BadAmount as error:
        raise UsageError(str(error)) from None
    manifest = lifecycle.load(folder)
    payer = running(manifest, options.payer, ComponentKind.WALLET).name
    payee = running(manifest, options.payee, ComponentKind.WALLET)
    secret = read_secret(folder / PASSPHRASE)
    if payee.is_payable:
        return _finish(options, manifest, hand_over(manifest, payer, payee.name, sent_sat, secret))
    return _finish(options, manifest, transfer(manifest, payer, payee.name, sent_sat, secret))


def _finish(options: Namespace, manifest: Manifest, payment: Transfer | DirectPayment) -> int:
    """Say what became of a payment, and wait for its block if that is asked for."""
    lost, done, said = _outcome(payment)
    late, say = "", RunProgress()
    if not options.json:
        _write_payment(payment)
        write(said)
    if options.wait and not lost:
        try:
            payment = confirmed(manifest, payment, say)
        except TooLate as error:
            late = str(error)
        say.end()
    if options.json:
        write_json(payment.to_json())
    elif late:
        write(f"Not confirmed yet. {late}.")
    elif payment.height is not None:
        found = f", found by {payment.mined_by} for it" * bool(payment.mined_by)
        both = f"{payment.payer} and {payment.payee}"
        write(f"Confirmed in block {payment.height}{found}; {both} have seen it.")
    if lost:
        return Exit.VIOLATED
    done = payment.height is not None or (done and not late)
    return Exit.PASS if done else Exit.INCONCLUSIVE


def _write_payment(payment: Transfer | DirectPayment) -> None:
    directly = " directly" * isinstance(payment, DirectPayment)
    sent = format_amount(payment.sent_sat)
    write(f"{payment.payer} pays {payment.payee} {sent} BTC{directly}")
    write(f"  fee   {format_amount(payment.fee_sat)} BTC")
    write(f"  txid  {payment.txid}")


def _outcome(payment: Transfer | DirectPayment) -> tuple[bool, bool, str]:
    """Whether it was refused, whether it is on its way, and both in words."""
    if isinstance(payment, Transfer):
        word = payment.delivery["delivery"]
        return word in _LOST, word in _DONE, delivery_line(payment.delivery)
    if payment.stage in LOST:
        return True, False, f"Refused by {payment.payee}: {payment.deal['reason']}."
    if payment.stage in TAKEN:
        return False, True, f"Accepted by {payment.payee}. {payment.said}"
    return False, False, f"{payment.payee} has not accepted it yet; it goes on."


def _mine(options: Namespace, folder: Path) -> int:
    target, count = _read(options.words)
    found = []
    with lifecycle.taken(folder) as manifest:
        for name in _miners(manifest, target):
            node = node_of(manifest, name)
            with node.connected():
                blocks = mine(node, count)
                height = int(node.rpc("getblockcount"))
            found.append({"node": name, "height": height, "blocks": blocks})
            if not options.json:
                many = f"{counted(count, 'block')} to " * (count > 1)
                write(f"{name}: {many}height {height}, {blocks[-1]}")
    if options.json:
        write_json(found)
    return Exit.PASS


def _read(words: list[str]) -> tuple[str | None, int]:
    """Which nodes, and how many blocks each.

    Raises:
        UsageError: it cannot be understood.
    """
    *nodes, last = words or ["1"]
    if len(words) < 2 and not last.isdecimal() and not last.startswith("-"):
        nodes, last = [last], "1"
    if len(nodes) > 1:
        raise UsageError("mine takes a node and a number of blocks, as in: axon swarm mine n2 5")
    count = int(last) if last.isascii() and last.isdecimal() and len(last) < 9 else 0
    if not 1 <= count <= MAX_BLOCKS:
        raise UsageError(f"a node finds 1 to {MAX_BLOCKS} blocks at a time, not {last}")
    return (nodes[0] if nodes else None), count


def _miners(manifest: Manifest, target: str | None) -> list[str]:
    """The nodes that are to find blocks; all run.

    Raises:
        ConfigError: one does not.
    """
    if target is not None:
        names = targets_of(manifest, target).nodes(target)
        return [running(manifest, name, ComponentKind.NODE).name for name in names]
    for item in manifest.nodes:
        if state_of(item) is ProcessState.RUNNING:
            return [item.name]
    raise ConfigError("no node of this run lives; axon swarm restart all starts them")
