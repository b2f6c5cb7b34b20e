"""The arithmetic of fees and limits, at its edges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.errors import ConfigError
from axon.mempool.policy import Policy, fee_at, feerate_of, feerate_text, money


def test_a_fee_is_rounded_up_and_a_feerate_down() -> None:
    assert [fee_at(100, vsize) for vsize in (0, 1, 10, 11, 110)] == [0, 1, 1, 2, 11]
    assert [feerate_of(fee_sat, 3) for fee_sat in (0, 1, 2, 3)] == [0, 333, 666, 1_000]


def test_amounts_have_two_decimals_at_least() -> None:
    amounts = {
        0: "0.00",
        1: "0.00000001",
        50_000_000: "0.50",
        110_000_000: "1.10",
        -1: "-0.00000001",
    }
    assert {amount: money(amount) for amount in amounts} == amounts
    assert feerate_text(1_000) == "0.00001000 BTC/kvB"


def test_a_cluster_may_be_as_large_as_its_limits() -> None:
    policy = Policy()
    most = policy.cluster_weight_wu
    assert most == 404_000
    assert not policy.is_too_large(64, most)
    assert policy.is_too_large(65, most)
    assert policy.is_too_large(64, most + 1)


def test_a_pool_holds_forty_of_its_largest_clusters() -> None:
    policy = replace(Policy(), max_mempool_bytes=4_040_000)
    assert policy.max_mempool_bytes == policy.cluster_vsize * 40
    with pytest.raises(ConfigError, match="at least 5 MB"):
        replace(policy, max_mempool_bytes=4_039_999)
