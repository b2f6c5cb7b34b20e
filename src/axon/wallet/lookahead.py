"""How far a wallet looks ahead of the addresses it knows to be used, and where it has not looked.

Blocks are searched once, for the scripts that are watched then. A script that comes to be watched
later, because one more address was given out or somebody wants a wider gap, may have been paid in
a block that was searched before: in a wallet whose addresses were used elsewhere. The wallet keeps
in mind which scripts these are. Once such a one is given out, or paid, a rescan is due, and the
wallet says so.
"""

from __future__ import annotations

from axon.wallet import records
from axon.wallet.errors import BadGap
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Changes
from axon.wallet.scripts import MAX_GAP


def checked_gap(gap: int) -> int:
    """The same number, if so many scripts can be looked for.

    Raises:
        BadGap: they cannot.
    """
    if not 1 <= gap <= MAX_GAP:
        raise BadGap(f"a wallet looks 1 to {MAX_GAP:,} addresses ahead, not {gap:,}")
    return gap


def set_gap(ledger: WalletLedger, gap: int) -> None:
    """Look so many scripts beyond the last one that was given out or paid.

    It never looks less far than before in one run.

    Raises:
        BadGap: so many cannot be looked for.
        StorageError: the disk refused.
    """
    changes = unsearched_now(ledger, *ledger.book.keychains)
    ledger.commit({records.GAP_KEY: records.encode_u32(checked_gap(gap)), **changes})


def has_past(ledger: WalletLedger) -> bool:
    """Whether its addresses may have been used elsewhere before the wallet was made here."""
    return ledger.stored(records.PAST_KEY) is not None


def unsearched_now(ledger: WalletLedger, *keychains: int) -> Changes:
    """What to write where more scripts come to be watched; nothing if no block was missed.

    Args:
        keychains: of these scripts.
    """
    if not has_past(ledger) or ledger.scanned is None:
        return {}
    height = records.encode_u32(ledger.scanned.height)
    return {
        records.unsearched_key(keychain, ledger.book.watched(keychain)): height
        for keychain in keychains
    }


def unsearched_height(ledger: WalletLedger) -> int:
    """Up to it blocks were not searched for an address that was given out or paid; -1 for none."""
    heights = [
        height
        for (keychain, index), height in ledger.unsearched.items()
        if index < ledger.book.revealed(keychain)
    ]
    return max(heights, default=-1)


def search_again(ledger: WalletLedger) -> None:
    """All blocks that may concern the wallet are about to be searched for what it watches now.

    Raises:
        StorageError: the disk refused.
    """
    ledger.commit({records.unsearched_key(*place): None for place in ledger.unsearched})
