"""Figures of Bitcoin Core's policy: what the network relays depends on them.

Each is written here as Core's source has it (`policy/`), so that it takes two hands to change one.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from axon.mempool import locks, orphans, persist, policy, pool

FIGURES: dict[ModuleType, dict[str, float]] = {
    locks: {
        "LOCKTIME_THRESHOLD": 500_000_000,
        "SEQUENCE_DISABLE": 1 << 31,
        "SEQUENCE_TIME": 1 << 22,
        "SEQUENCE_MASK": 0xFFFF,
        "SEQUENCE_TIME_SHIFT": 9,
    },
    orphans: {"RESERVED_WEIGHT": 404_000, "MAX_WORK": 3_000},
    persist: {"VERSION_PLAIN": 1, "VERSION": 2, "KEY_SIZE": 8},
    policy: {
        "MAX_STANDARD_WEIGHT": 400_000,
        "MIN_STANDARD_STRIPPED_SIZE": 65,
        "MAX_STANDARD_SCRIPT_SIG": 1_650,
        "MAX_STANDARD_SIGOPS_COST": 16_000,
        "MAX_LEGACY_SIGOPS": 2_500,
        "MAX_P2SH_SIGOPS": 15,
        "MAX_P2WSH_STACK_ITEMS": 100,
        "MAX_P2WSH_STACK_ITEM_SIZE": 80,
        "MAX_P2WSH_SCRIPT_SIZE": 3_600,
        "MAX_TAPSCRIPT_STACK_ITEM_SIZE": 80,
        "MAX_DUST_OUTPUTS": 1,
        "MAX_STANDARD_VERSION": 3,
        "TRUC_VERSION": 3,
        "TRUC_MAX_VSIZE": 10_000,
        "TRUC_CHILD_MAX_VSIZE": 1_000,
        "MAX_REPLACED_CLUSTERS": 100,
        "MAX_PACKAGE_COUNT": 25,
        "MAX_PACKAGE_WEIGHT": 404_000,
        "ROLLING_FEE_HALFLIFE": 12 * 3600,
    },
    pool: {"ROLLING_FEE_STEP": 10, "MAX_RETURNED_BYTES": 20_000_000},
}


@pytest.mark.parametrize("module", FIGURES, ids=lambda module: module.__name__.split(".")[-1])
def test_figures_are_those_of_bitcoin_core(module: ModuleType) -> None:
    expected = FIGURES[module]
    assert {name: getattr(module, name) for name in expected} == expected
