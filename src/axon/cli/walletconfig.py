"""What a node is told of its wallets, by the options of Bitcoin Core's wallet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from axon.cli.conf import Settings
from axon.cli.values import read_money
from axon.errors import ConfigError
from axon.rpc.corewallet.settings import NodeWalletSettings

MAX_KEYPOOL: Final = 10_000
"""Scripts of each descriptor that are watched ahead: eight times so many are derived at a load."""

_ADDRESS_TYPES: Final = ("legacy", "p2sh-segwit", "bech32", "bech32m")
_ABSURD_SAT_KVB: Final = 10_000_000
"""A lowest feerate or a fallback of more is a mistake: 10,000 sat/vB."""

_LEAST_MAX_FEE_SAT: Final = 1_000
_LARGEST_TARGET: Final = 1_008


def wallet_config(settings: Settings, folder: Path) -> NodeWalletSettings | None:
    """Read the options of wallets; None with `-disablewallet`.

    Args:
        folder: the network's.

    Raises:
        ConfigError: one of them is not usable.
    """
    if settings.flag("disablewallet", False):
        return None
    usual = NodeWalletSettings()
    directory = None
    if settings.is_set("walletdir"):
        directory = Path(settings.text("walletdir"))
        if not directory.is_dir():
            raise ConfigError(f'Specified -walletdir "{directory}" does not exist')
        if not directory.is_absolute():
            raise ConfigError(f'Specified -walletdir "{directory}" is a relative path')
    keypool = settings.number("keypool", usual.ahead)
    if keypool > MAX_KEYPOOL:
        raise ConfigError(f"-keypool is at most {MAX_KEYPOOL} here, not {keypool}")
    return NodeWalletSettings(
        folder=directory,
        settings_file=settings.path("settings", folder, "settings.json"),
        names=tuple([name for name in settings.values("wallet") if name]),
        address_type=_address_type(settings, "addresstype") or usual.address_type,
        change_type=_address_type(settings, "changetype"),
        ahead=max(keypool, 1),
        fallback_sat_kvb=_feerate(settings, "fallbackfee", usual.fallback_sat_kvb),
        min_sat_kvb=_feerate(settings, "mintxfee", usual.min_sat_kvb),
        max_fee_sat=_max_fee(settings, usual.max_fee_sat),
        discard_sat_kvb=_feerate(settings, "discardfee", usual.discard_sat_kvb),
        later_sat_kvb=_feerate(settings, "consolidatefeerate", usual.later_sat_kvb),
        confirm_target=_target(settings, usual.confirm_target),
        replaceable=settings.flag("walletrbf", usual.replaceable),
        spends_change=settings.flag("spendzeroconfchange", usual.spends_change),
        together=settings.flag("avoidpartialspends", usual.together),
        max_together_sat=_max_together(settings, usual.max_together_sat),
        rejects_long_chains=settings.flag("walletrejectlongchains", usual.rejects_long_chains),
        broadcasts=settings.flag("walletbroadcast", not settings.flag("blocksonly", False)),
        notify=settings.text("walletnotify"),
    )


def _address_type(settings: Settings, name: str) -> str | None:
    if not settings.is_set(name):
        return None
    value = settings.text(name)
    if value not in _ADDRESS_TYPES:
        what = "address" if name == "addresstype" else "change"
        raise ConfigError(f"Unknown {what} type '{value}'")
    return value


def _feerate(settings: Settings, name: str, default: int) -> int:
    if not settings.is_set(name):
        return default
    rate = read_money(name, settings.text(name))
    if rate > _ABSURD_SAT_KVB:
        raise ConfigError(f"-{name} is set very high: nobody means more than 0.1 BTC/kvB")
    return rate


def _max_fee(settings: Settings, default: int) -> int:
    if not settings.is_set("maxtxfee"):
        return default
    fee = read_money("maxtxfee", settings.text("maxtxfee"))
    if fee < _LEAST_MAX_FEE_SAT:
        raise ConfigError(
            f"Invalid amount for -maxtxfee=<amount>: '{settings.text('maxtxfee')}' (must be at"
            " least the minrelay fee of 0.00001 BTC/kvB to prevent stuck transactions)"
        )
    return fee


def _max_together(settings: Settings, default: int) -> int:
    if not settings.is_set("maxapsfee"):
        return default
    text = settings.text("maxapsfee")
    return -1 if text == "-1" else read_money("maxapsfee", text)


def _target(settings: Settings, default: int) -> int:
    target = settings.number("txconfirmtarget", default)
    if not 1 <= target <= _LARGEST_TARGET:
        raise ConfigError(f"-txconfirmtarget is 1 to {_LARGEST_TARGET}, not {target}")
    return target
