"""Bringing a wallet up to date before it is asked anything."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from axon.cli.walletoptions import WalletOptions
from axon.cli.walletview import SyncProgress, clock_line, say
from axon.errors import AxonError
from axon.host.walletclient import WalletClient
from axon.rpc.deliverytext import ACCEPTED, SPREADING, delivery_line

_MOVES: Final = ("headers", "presynced_headers", "filter_headers", "scanned")
"""What grows in a sync that is alive."""


NAMED_S: Final = 5.0
"""For so long nodes are tried again that were named and cannot be reached, while there are no
others to try: one of them may just be starting."""

BEHIND_S: Final = 5.0
"""For so long nodes that were named may catch up with a wallet that is ahead of all of them; while
their headers grow it does not end."""

OFFER_S: Final = 8.0
"""For so long a command stays to hand over payments that no node has fetched yet. Nodes ask one
that has just dialled them after 2 s, and a busy one after 4."""

OFFLINE_STEP_S: Final = 0.5
"""A batch of kept filters is matched in less."""


@dataclass(frozen=True, slots=True)
class _Behind:
    """All nodes that were reached have fewer blocks than the wallet.

    Args:
        line: that in words.
        heights: of their chains.
    """

    line: str
    heights: tuple[int, ...]


_BEHIND_WAY_OUT: Final = (
    "wait until it has caught up, or -connect=HOST:PORT names another one, and --offline says what"
    " is known so far"
)


class NotInSync(AxonError):
    """The wallet cannot be brought up to date; the text says why, and what could be done."""


def sync(client: WalletClient, options: WalletOptions) -> dict[str, Any]:
    """Wait until a wallet has seen all that the nodes reached have; show how far it is meanwhile.

    Payments that no node has fetched yet are offered, and what is known of them is said. Offline
    only the filters that were kept are looked through.

    Returns:
        What `getsyncinfo` says.

    Raises:
        NotInSync: it stands still, or the clock of this machine is wrong.
    """
    if options.offline:
        return _sync_offline(client)
    progress = SyncProgress(sys.stderr)
    began_at = moved_at = time.monotonic()
    last: list[Any] | None = None
    is_behind_told = False
    was_reached = False  # Who was there a moment ago may come back.
    try:
        while True:
            info: dict[str, Any] = client.call("waitforsync", int(progress.step_s * 1_000))
            clock = clock_line(info)
            if info["synced"]:
                if clock is not None:
                    say(f"{clock[:1].upper()}{clock[1:]}.")
                progress.end()
                _offer_kept(client)
                return info
            if info["clock_behind"]:
                raise NotInSync(f"{clock}; --offline says what is known so far")
            progress.show(info)
            behind = _behind_us(client, info)
            if behind is not None and not is_behind_told:
                is_behind_told = True
                progress.end()
                say(f"{_first_upper(behind.line)}: waiting for it to catch up.")
            now, mark = time.monotonic(), [info[name] for name in _MOVES]
            mark.append(None if behind is None else behind.heights)
            was_reached |= bool(info["peers"])
            is_alone = not was_reached and _are_all_missed(info, options)
            if is_alone and now - began_at >= NAMED_S:
                raise NotInSync(_reason(info, NAMED_S))
            if mark != last:
                moved_at, last = now, mark
            elif now - moved_at >= _patience_s(info, options, behind):
                if behind is not None:
                    raise NotInSync(f"{behind.line}: {_BEHIND_WAY_OUT}")
                raise NotInSync(_reason(info, options.stall_s))
    finally:
        progress.end()


def sync_if_possible(client: WalletClient, options: WalletOptions) -> None:
    """Catch up as far as nodes are in reach: a payment is checked by what is known."""
    try:
        sync(client, options)
    except NotInSync as error:
        say(f"{error}. A payment is checked up to the last block that is known.")


def unsearched_line(info: dict[str, Any]) -> str | None:
    """Where a wallet has not looked for the addresses given out last; None if there is no place.

    Args:
        info: what `getwalletinfo` says.
    """
    if info["unsearched"] < 0:
        return None
    return (
        f"The blocks up to {info['unsearched']:,} were not searched for the addresses that were"
        f" given out last: if they were paid before, axon wallet rescan {info['walletname']} finds"
        " it."
    )


def _offer_kept(client: WalletClient) -> None:
    """Stay until payments that are kept are handed over, and say of those that do not spread."""
    for payment in client.call("waitfordelivery", int(OFFER_S * 1_000)):
        if payment["delivery"] not in (SPREADING, ACCEPTED):
            say(f"Payment {payment['txid']}: {delivery_line(payment)}")


def _sync_offline(client: WalletClient) -> dict[str, Any]:
    """Go as far as kept filters lead: to the end, or to a block that a node would have to give."""
    scanned, info = None, client.call("getsyncinfo")
    while info["scanned"] < info["target"] and info["scanned"] != scanned:
        scanned = info["scanned"]
        time.sleep(OFFLINE_STEP_S)
        info = client.call("getsyncinfo")
    found: dict[str, Any] = info
    return found


def _are_all_missed(info: dict[str, Any], options: WalletOptions) -> bool:
    """Whether nobody is connected, and those are not reached that alone are to be dialled."""
    named = options.light.connect
    missed = [each["addr"] for each in info["missed"]]
    return not info["peers"] and bool(named) and all(str(each) in missed for each in named or ())


def _has_all(info: dict[str, Any]) -> bool:
    """Whether a wallet that stands still has nothing left to do but to wait for its nodes."""
    is_done = info["scanned"] >= info["target"] <= info["filter_headers"]
    is_served = info["peers"] and info["filter_peers"]
    return bool(is_served) and is_done and info["disputed"] is None


def _behind_us(client: WalletClient, info: dict[str, Any]) -> _Behind | None:
    """Why a wallet that has all its own blocks is not in sync: no node has as many.

    None where that is not why, or not known yet.
    """
    listed = client.call("getpeerinfo") if _has_all(info) else []
    peers = [each for each in listed if each["version"]]
    heights = [each.get("behind") for each in peers if each["headers_told"]]
    if not peers or len(heights) < len(peers) or None in heights:
        return None
    named = ", ".join(str(each["addr"]) for each in peers[:2])
    which = "the only node reached" if len(peers) == 1 else "every node reached"
    return _Behind(
        f"{which} ({named}) is at block {max(heights):,} at most, behind this wallet"
        f" ({info['target']:,})",
        tuple(heights),
    )


def _patience_s(info: dict[str, Any], options: WalletOptions, behind: _Behind | None) -> float:
    """How long nothing may move: less where nobody is left who could have more.

    Of nodes that were named each is there or was missed; others may still be found.
    """
    named = options.light.connect
    if behind is None or not named:
        return options.stall_s
    are_all_heard = len(behind.heights) + len(info["missed"]) >= len(named)
    return min(BEHIND_S, options.stall_s) if are_all_heard else options.stall_s


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reason(info: dict[str, Any], stall_s: float) -> str:
    way_out = "--offline says what is known so far"
    if not info["peers"] and info["missed"]:
        first = info["missed"][0]
        return (
            f"no node answered: {first['addr']}: {first['reason']}. Is it running?"
            f" -connect=HOST:PORT names another one, and {way_out}"
        )
    if not info["peers"]:
        return f"no node answered within {stall_s:g} s: -connect=HOST:PORT names one, and {way_out}"
    if not info["filter_peers"]:
        return (
            f"none of the {info['peers']} nodes found serves compact filters (BIP 157):"
            f" -connect=HOST:PORT names one that does, and {way_out}"
        )
    if info["disputed"] is not None:
        return (
            f"nodes disagree about the filter of block {info['disputed']}, and none showed the"
            f" block within {stall_s:g} s: try again, and {way_out}"
        )
    return (
        f"nothing has moved for {stall_s:g} s at block {max(info['scanned'], 0)} of"
        f" {info['target']}: try again, and {way_out}"
    )
