"""What a wallet holds and how far it is: `sync balance history peers proof rescan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from axon.cli.walletaccess import opened
from axon.cli.walletoptions import AddCommand, WalletOptions, add_gap
from axon.cli.walletsync import sync, unsearched_line
from axon.cli.walletview import aligned, as_of_line, btc, say, time_text, write, write_json
from axon.rpc.amounts import Number
from axon.rpc.deliverytext import HANDED_OVER, KEPT, REFUSED

SHOWN: Final = 20
"""Transactions that `history` shows where nobody says how many."""


_DELIVERIES: Final = {
    KEPT: "kept, no node has it",
    HANDED_OVER: "handed over, not shown",
    REFUSED: "refused",
}
"""How a payment of ours is called that no node is known to have."""


_COMING: Final = (
    "Nodes tell of payments that are in no block yet only now and then, so one that is coming shows"
    " once the wallet has listened for a while: axon wallet serve and axon wallet open do."
)


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    add("sync", _sync, "look through all new blocks, and say how far it is")
    add("balance", _balance, "what it holds", more=f"What it holds. {_COMING}")
    history = add(
        "history",
        _history,
        "its payments, the latest first",
        more=f"Its payments, the latest first. {_COMING}",
    )
    history.add_argument(
        "-n", "--count", type=int, default=SHOWN, metavar="N", help=f"how many (default {SHOWN})"
    )
    history.add_argument("--skip", type=int, default=0, metavar="N", help="leave the first N out")
    proof = add("proof", _proof, "prove that a payment is in a block, for verifytxoutproof")
    proof.add_argument("txid", metavar="TXID", help="of the payment")
    add("peers", _peers, "the nodes that serve it")
    rescan = add("rescan", _rescan, "look through blocks once more")
    rescan.add_argument(
        "--from", dest="height", type=int, default=0, metavar="HEIGHT", help="from here (default 0)"
    )
    add_gap(rescan)


def _sync(options: WalletOptions) -> int:
    with opened(options) as client:
        info = sync(client, options)
        unsearched = unsearched_line(client.call("getwalletinfo"))
    if unsearched is not None:
        say(unsearched)
    if options.as_json:
        write_json(info)
        return 0
    state = "in sync" if info["synced"] else "not in sync"
    write(f"{state} at block {max(info['scanned'], 0):,} of {info['target']:,}")
    write(as_of_line(info["asof"]))
    return 0


def _balance(options: WalletOptions) -> int:
    with opened(options) as client:
        sync(client, options)
        balances = client.call("getbalances")
    if options.as_json:
        write_json(balances)
        return 0
    mine = balances["mine"]
    rows = [("available", btc(mine["trusted"]))]
    for name, about in (
        ("untrusted_pending", "coming, not confirmed"),
        ("disputed", "promised, and spent twice"),
        ("immature", "mined, not ripe"),
        ("frozen", "frozen, part of the above"),
    ):
        if _is_some(mine[name]):
            rows.append((about, btc(mine[name])))
    for line in aligned(rows, right=(1,)):
        write(line)
    write(as_of_line(balances["asof"]))
    return 0


def _is_some(amount: Number) -> bool:
    return float(amount) != 0.0


def _history(options: WalletOptions) -> int:
    arguments = options.arguments
    with opened(options) as client:
        sync(client, options)
        entries = client.call("listtransactions", arguments.count, arguments.skip)
    if options.as_json:
        write_json(entries)
        return 0
    if not entries:
        say("No payments yet.")
    rows = [
        (
            time_text(entry["time"]),
            entry["category"],
            btc(entry["amount"], signed=True),
            _state(entry),
            entry["label"] or ", ".join(entry["addresses"][:1]),
            entry["txid"],
        )
        for entry in entries
    ]
    for line in aligned(rows, right=(2,)):
        write(line)
    return 0


def _state(entry: Mapping[str, Any]) -> str:
    if entry.get("disputed"):
        return "spent twice, wait for a block"
    if entry["state"] != "confirmed":
        return _DELIVERIES.get(entry.get("delivery", ""), str(entry["state"]))
    count = entry["confirmations"]
    return "1 confirmation" if count == 1 else f"{count:,} confirmations"


def _proof(options: WalletOptions) -> int:
    with opened(options, dials=False) as client:
        proof = client.call("gettxoutproof", options.arguments.txid)
    if options.as_json:
        write_json({"txid": options.arguments.txid, "proof": proof})
    else:
        write(proof)
    return 0


def _peers(options: WalletOptions) -> int:
    with opened(options) as client:
        sync(client, options)
        peers = client.call("getpeerinfo")
    if options.as_json:
        write_json(peers)
        return 0
    if not peers:
        say("No node is connected.")
    rows = [
        (
            peer["addr"],
            peer["subver"],
            f"header {peer['synced_headers']:,}",
            f"filters: {peer['filters']}",
            f"{float(peer['pingtime']) * 1_000:.0f} ms" if "pingtime" in peer else "",
        )
        for peer in peers
    ]
    for line in aligned(rows, right=(4,)):
        write(line)
    return 0


def _rescan(options: WalletOptions) -> int:
    with opened(options) as client:
        sync(client, options)
        chosen = {} if options.arguments.gap is None else {"gap": options.arguments.gap}
        client.call("rescanblockchain", options.arguments.height, None, chosen)
        info = sync(client, options)
        balances = client.call("getbalances")
    if options.as_json:
        write_json({**info, "balances": balances})
        return 0
    write(
        f"looked through blocks {options.arguments.height:,} to {info['scanned']:,};"
        f" available {btc(balances['mine']['trusted'])}"
    )
    write(as_of_line(balances["asof"]))
    return 0
