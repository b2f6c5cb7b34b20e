"""Figures that are Bitcoin Core's: peers count on some of them, and a slip would show nowhere else.

Each is written here as Core's source has it (`net.cpp`, `net_processing.cpp`, `addrman_impl.h`,
`txrequest`), so that it takes two hands to change one. Where two parts use a name, both values are
here.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from axon import p2p
from axon.machine import DAY, HOUR, MINUTE, SECOND

FIGURES: dict[str, set[float]] = {
    "MAX_PERCENT": {23},
    "SEND_INTERVAL": {30 * SECOND},
    "MAX_KNOWN": {5000, 50_000},
    "MAX_RELAYED": {10},
    "FRESH": {10 * MINUTE},
    "TIME_PENALTY_S": {2 * 3600},
    "NONSENSE_AGE": {5 * DAY},
    "ANCIENT_S": {100_000_000},
    "CACHE_TIME": {21 * HOUR},
    "CACHE_SPREAD": {6 * HOUR},
    "TOKEN": {10 * SECOND},
    "MAX_TOKENS": {1000},
    "NEW_BUCKETS_PER_ADDRESS": {8},
    "MAX_COLLISIONS": {10},
    "CONNECTED_UPDATE_S": {20 * 60},
    "NEW_BUCKETS": {1024},
    "TRIED_BUCKETS": {256},
    "NEW_BUCKETS_PER_SOURCE_GROUP": {64},
    "TRIED_BUCKETS_PER_GROUP": {8},
    "BUCKET_SIZE": {64},
    "HORIZON_S": {30 * 86_400},
    "FUTURE_S": {600},
    "RETRIES": {3},
    "MAX_FAILURES": {10},
    "MIN_FAIL_S": {7 * 86_400},
    "FRESH_TRY_S": {60},
    "REPLACEMENT_S": {4 * 3600},
    "TEST_WINDOW_S": {40 * 60},
    "FEELER_INTERVAL": {2 * MINUTE},
    "EXTRA_BLOCK_RELAY_INTERVAL": {5 * MINUTE},
    "MAX_DISCOURAGED": {50_000},
    "DEFAULT_BAN_S": {86_400},
    "MAX_ANNOUNCED": {8},
    "WINDOW": {400, 1024},
    "MAX_IN_FLIGHT": {8, 16, 100},
    "LIMITED_DEPTH": {286},
    "STALL_MIN": {2 * SECOND},
    "STALL_MAX": {64 * SECOND},
    "STALL_DECAY": {0.85},
    "TIMEOUT_BASE": {10 * MINUTE},
    "TIMEOUT_PER_PEER": {5 * MINUTE},
    "CHAIN_SYNC_TIMEOUT": {20 * MINUTE},
    "ANSWER_TIMEOUT": {2 * MINUTE},
    "MAX_PROTECTED": {4},
    "MAX_FULL_RELAY": {8},
    "MAX_BLOCK_RELAY": {2},
    "MAX_FEELERS": {1},
    "MAX_ADDED": {8},
    "DEFAULT_MAX_CONNECTIONS": {200},
    "DEFAULT_RELAY_PERCENT": {50},
    "NETWORK_INTERVAL": {5 * MINUTE},
    "PEERS_EACH": {3},
    "UNCONFIRMED_STALE": {5 * MINUTE},
    "CONFIRMED_STALE": {MINUTE},
    "MAX_PRIVATE": {64},
    "FEEFILTER_INTERVAL": {10 * MINUTE},
    "FEEFILTER_SOON": {5 * MINUTE},
    "HANDSHAKE_TIMEOUT": {60 * SECOND},
    "MIN_PEER_VERSION": {31_800},
    "WTXID_RELAY_VERSION": {70_016},
    "FEATURE_VERSION": {70_017},
    "COMPACT_BLOCKS_VERSION": {2},
    "COMPACT_BLOCKS_SINCE": {70_014},
    "EARLY_VERSION": {70_015},
    "MAX_HIGH_BANDWIDTH": {3},
    "MAX_PARALLEL": {3},
    "MAX_COMPACT_DEPTH": {5},
    "MAX_TRANSACTIONS_DEPTH": {10},
    "DEFAULT_EXTRA_TRANSACTIONS": {100},
    "MAX_EXTRA_TX_BYTES": {100_000},
    "WORK_BUFFER_BLOCKS": {144},
    "SENDHEADERS_VERSION": {70_012},
    "PING_INTERVAL": {2 * MINUTE},
    "SILENCE_LIMIT": {20 * MINUTE},
    "MAX_ANCHORS": {2},
    "REBROADCAST_MIN": {10 * MINUTE},
    "REBROADCAST_SPREAD": {5 * MINUTE},
    "MAX_BLOCKS_INV": {500},
    "STALE_LIMIT_S": {30 * 86_400},
    "HISTORICAL_S": {7 * 86_400},
    "RESPONSE_TIME": {2 * MINUTE},
    "SYNC_TIMEOUT": {15 * MINUTE},
    "INBOUND_INTERVAL": {5 * SECOND},
    "OUTBOUND_INTERVAL": {2 * SECOND},
    "SEND_RATE": {14},
    "BURST_S": {30},
    "BYTES_PER_S": {20_000},
    "FIRST_BYTES": {12_000_000},
    "MAX_BYTES": {50_000_000},
    "NONPREFERRED_DELAY": {2 * SECOND},
    "TXID_DELAY": {2 * SECOND},
    "OVERLOADED_DELAY": {2 * SECOND},
    "REQUEST_LIMIT": {60 * SECOND},
    "MAX_ANNOUNCEMENTS": {5000},
    "MAX_GETDATA": {1000},
    "KEPT_BLOCKS": {288},
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_bitcoin_core(name: str) -> None:
    modules = [
        import_module(f"axon.p2p.{found.name}") for found in pkgutil.iter_modules(p2p.__path__)
    ]
    values = {getattr(module, name) for module in modules if hasattr(module, name)}
    assert values == FIGURES[name]
