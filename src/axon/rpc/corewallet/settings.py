"""What the wallets of a node are told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWalletSettings:
    """How a node keeps wallets; the names are those of Bitcoin Core's options.

    Args:
        folder: where they lie (`-walletdir`); None for `wallets` in the network's folder.
        settings_file: in which is kept what is loaded at each start (`-settings`); None for none.
        names: those to load at the start (`-wallet`).
        address_type: of new addresses (`-addresstype`).
        change_type: of change; None where it follows from the recipients (`-changetype`).
        ahead: scripts of each descriptor watched beyond the last used one (`-keypool`).
        fallback_sat_kvb: the feerate where none can be estimated, 0 for none (`-fallbackfee`).
        min_sat_kvb: no payment pays less (`-mintxfee`).
        max_fee_sat: no payment pays more (`-maxtxfee`).
        discard_sat_kvb: see `-discardfee`.
        confirm_target: blocks within which a payment is wanted (`-txconfirmtarget`).
        replaceable: payments say that they may be replaced (`-walletrbf`).
        spends_change: unconfirmed change is spent (`-spendzeroconfchange`).
        later_sat_kvb: the feerate that is expected one day: above it payments spend few coins,
            below it rather more (`-consolidatefeerate`).
        together: coins of one address are spent together (`-avoidpartialspends`).
        max_together_sat: they are, too, where it costs no more than this; below 0 for never
            (`-maxapsfee`).
        rejects_long_chains: payments that the pool would refuse for what they hang together with
            are not made (`-walletrejectlongchains`).
        broadcasts: payments are handed to the node (`-walletbroadcast`).
        notify: run for each transaction, see `host.walletnotice` (`-walletnotify`); empty for none.
    """

    folder: Path | None = None
    settings_file: Path | None = None
    names: tuple[str, ...] = ()
    address_type: str = "bech32"
    change_type: str | None = None
    ahead: int = 1_000
    fallback_sat_kvb: int = 0
    min_sat_kvb: int = 1_000
    max_fee_sat: int = 10_000_000
    discard_sat_kvb: int = 10_000
    later_sat_kvb: int = 10_000
    confirm_target: int = 6
    replaceable: bool = True
    spends_change: bool = True
    together: bool = False
    max_together_sat: int = 0
    rejects_long_chains: bool = True
    broadcasts: bool = True
    notify: str = ""
