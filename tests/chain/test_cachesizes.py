"""How the memory of coins is shared out; bitcoind gives its own coins the same."""

from __future__ import annotations

import pytest

from axon.chain.cachesizes import DEFAULT_CACHES, CacheSizes

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("total_mib", "coins_bytes", "database_bytes"),
    [
        (4, 1_835_008, 1_835_008),
        (450, 440 * MIB, 8 * MIB),
        (2000, 1990 * MIB, 8 * MIB),
        (0, 1_835_008, 1_835_008),
        (-7, 1_835_008, 1_835_008),
    ],
)
def test_the_validator_gets_what_bitcoind_gives_it(
    total_mib: int, coins_bytes: int, database_bytes: int
) -> None:
    sizes = CacheSizes.within(total_mib)
    assert (sizes.coins_bytes, sizes.database_bytes) == (coins_bytes, database_bytes)


def test_what_coins_hold_back_is_a_fiftieth_on_top() -> None:
    assert DEFAULT_CACHES.held_bytes == 9 * MIB
    assert CacheSizes.within(4).held_bytes == 83_886
