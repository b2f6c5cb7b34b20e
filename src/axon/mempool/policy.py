"""What this node is willing to relay: its options, and the arithmetic of feerates.

Names and defaults are those of Bitcoin Core 31's flags. Feerates are satoshi per 1,000 virtual
bytes; a fee for a size is rounded up, a feerate of a fee is rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.errors import ConfigError
from axon.primitives.dust import DUST_FEERATE_SAT_KVB
from axon.primitives.transaction import COIN, WITNESS_SCALE_FACTOR

MAX_STANDARD_WEIGHT: Final = 400_000
"""Weight units; larger transactions cost much to check and are not relayed."""

MIN_STANDARD_STRIPPED_SIZE: Final = 65
"""Bytes without witness; 64 would look like an inner node of a Merkle tree (CVE-2017-12842)."""

MAX_STANDARD_SCRIPT_SIG: Final = 1_650
"""Bytes; enough for a 15-of-15 multisig behind P2SH."""

MAX_STANDARD_SIGOPS_COST: Final = 16_000
"""A fifth of what a block may have."""

MAX_LEGACY_SIGOPS: Final = 2_500
"""Signature operations outside witnesses that one transaction may run (BIP 54)."""

MAX_P2SH_SIGOPS: Final = 15
"""In one redeem script."""

MAX_SCRIPT_ELEMENT_SIZE: Final = 520
MAX_STACK_SIZE: Final = 1_000
"""Bytes of what a script pushes, and how many of it there may be at once, by consensus."""

MAX_P2WSH_STACK_ITEMS: Final = 100
MAX_P2WSH_STACK_ITEM_SIZE: Final = 80
MAX_P2WSH_SCRIPT_SIZE: Final = 3_600
MAX_TAPSCRIPT_STACK_ITEM_SIZE: Final = 80

MAX_DUST_OUTPUTS: Final = 1
"""Of a transaction without fee whose dust is spent at once (ephemeral dust)."""

MAX_STANDARD_VERSION: Final = 3
TRUC_VERSION: Final = 3
"""Version of transactions that keep to the topology rules of BIP 431."""

TRUC_MAX_VSIZE: Final = 10_000
TRUC_CHILD_MAX_VSIZE: Final = 1_000

MAX_REPLACED_CLUSTERS: Final = 100
"""Clusters that one replacement may touch: each has to be put in order again."""

MAX_PACKAGE_COUNT: Final = 25
MAX_PACKAGE_WEIGHT: Final = 404_000
"""Weight units: one largest transaction and a small one beside it."""

ROLLING_FEE_HALFLIFE: Final = 12 * 60 * 60
"""Seconds in which the minimum feerate of a pool that was full falls by half."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The options of the pool; every name is that of a flag or of what it sets.

    Raises:
        ConfigError: the pool would be too small for its largest clusters.
    """

    max_mempool_bytes: int = 300_000_000
    expiry_s: int = 336 * 60 * 60
    min_relay_feerate_sat_kvb: int = 100
    incremental_feerate_sat_kvb: int = 100
    dust_feerate_sat_kvb: int = DUST_FEERATE_SAT_KVB
    bytes_per_sigop: int = 20
    require_standard: bool = True
    permit_bare_multisig: bool = True
    max_datacarrier_bytes: int = 100_000  # 0 stands for -datacarrier=0.
    cluster_count: int = 64
    cluster_vsize: int = 101_000

    def is_too_large(self, count: int, weight_wu: int) -> bool:
        """Whether a cluster of so many entries, of this weight adjusted for sigops, may not be."""
        return count > self.cluster_count or weight_wu > self.cluster_weight_wu

    @property
    def cluster_weight_wu(self) -> int:
        """The most that the entries of a cluster may weigh, adjusted for their sigops."""
        return self.cluster_vsize * WITNESS_SCALE_FACTOR

    def __post_init__(self) -> None:
        smallest = self.cluster_vsize * 40
        if self.max_mempool_bytes < smallest:
            whole_mb = -(-smallest // 1_000_000)
            raise ConfigError(f"-maxmempool must be at least {whole_mb} MB")


def fee_at(feerate_sat_kvb: int, vsize: int) -> int:
    """What a size costs at a feerate, in satoshi, rounded up."""
    return -(-feerate_sat_kvb * vsize // 1_000)


def feerate_of(fee_sat: int, vsize: int) -> int:
    """Satoshi per 1,000 virtual bytes, rounded down."""
    return fee_sat * 1_000 // vsize


def money(amount_sat: int) -> str:
    """An amount in bitcoin as reasons of refusal spell it: at least two decimals."""
    whole, rest = divmod(abs(amount_sat), COIN)
    decimals = f"{rest:08d}"
    while len(decimals) > 2 and decimals.endswith("0"):
        decimals = decimals[:-1]
    return f"{'-' if amount_sat < 0 else ''}{whole}.{decimals}"


def feerate_text(feerate_sat_kvb: int) -> str:
    """A feerate as reasons of refusal spell it."""
    whole, rest = divmod(abs(feerate_sat_kvb), COIN)
    return f"{'-' if feerate_sat_kvb < 0 else ''}{whole}.{rest:08d} BTC/kvB"
