"""How a payment of a wallet of many descriptors is to be built, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.wallet.descriptorbook import AddressType

MAX_WEIGHT_WU: Final = 400_000
"""Nodes relay nothing heavier."""

MIN_WEIGHT_WU: Final = 260
"""Nor anything lighter, witnesses apart."""


@dataclass(frozen=True, slots=True)
class PaidScript:
    """Somebody to pay.

    Args:
        script: what is paid to.
        amount_sat: how much.
        pays_fee: the fee is taken from it.
    """

    script: bytes
    amount_sat: int
    pays_fee: bool = False


class PoolKin(NamedTuple):
    """A transaction of the pool that another builds on.

    Args:
        txid: its name.
        vsize: adjusted for sigops.
        fee_sat: with what the operator added.
        mined_sat_kvb: it is mined as if it paid so much.
    """

    txid: Txid
    vsize: int
    fee_sat: int
    mined_sat_kvb: int


@dataclass(frozen=True, slots=True)
class PoolPlace:
    """Where a transaction stands in the node's pool.

    Args:
        ancestors: how many it builds on there, itself included.
        cluster: a number that those of one cluster share.
        count: how many are in its cluster.
        weight_wu: what they weigh together, adjusted for sigops.
        kin: it, and those that it builds on.
    """

    ancestors: int
    cluster: int
    count: int
    weight_wu: int
    kin: tuple[PoolKin, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """How a payment is to be built.

    Args:
        feerate_sat_kvb: satoshi for a thousand virtual bytes.
        discard_sat_kvb: change that costs more to spend at this rate is left to the miner.
        max_fee_sat: a higher fee is refused.
        dust_sat_kvb: at which rate an output is dust.
        locktime: of the transaction.
        version: of the transaction.
        replaceable: whether its inputs say that it may be replaced (BIP 125).
        inputs: coins that it spends in any case, with the sequence that was asked for.
        others: coins are chosen besides.
        external: what inputs spend, also those of others, with the weight of the input where it was
            said.
        unsafe: also what others promised.
        depths: confirmations of the coins that are chosen, at least and at most.
        together: coins of one script are spent together.
        max_together_sat: they are, too, where it costs no more than this; below 0 for never.
        later_sat_kvb: the feerate that is expected one day: above it few coins are spent, and below
            it rather more.
        long_chains: also what would make a chain of the pool longer than others relay.
        pool: where those of ours that wait for a block are in the node's pool.
        cluster_limits: how many transactions a cluster of the pool has at most, and of what weight;
            None to leave it to the pool.
        change_script: where change goes; None for a new address.
        change_place: of the change among the outputs; None for any.
        change_type: of a new address for change; None where it follows from the recipients.
        default_type: of this wallet's addresses.
        shuffle: whether the order of recipients is left to chance.
        max_weight_wu: of the signed transaction.
    """

    feerate_sat_kvb: int
    discard_sat_kvb: int = 10_000
    max_fee_sat: int = 10_000_000
    dust_sat_kvb: int = 3_000
    locktime: int = 0
    version: int = 2
    replaceable: bool = True
    inputs: Mapping[OutPoint, int | None] = field(default_factory=dict)
    others: bool = True
    external: Mapping[OutPoint, tuple[TxOut, int | None]] = field(default_factory=dict)
    unsafe: bool = False
    depths: tuple[int, int] = (0, 9_999_999)
    together: bool = False
    max_together_sat: int = 0
    later_sat_kvb: int = 10_000
    long_chains: bool = False
    pool: Mapping[Txid, PoolPlace] = field(default_factory=dict)
    cluster_limits: tuple[int, int] | None = None
    change_script: bytes | None = None
    change_place: int | None = None
    change_type: AddressType | None = None
    default_type: AddressType = AddressType.BECH32
    shuffle: bool = False
    max_weight_wu: int = MAX_WEIGHT_WU


@dataclass(frozen=True, slots=True)
class Built:
    """A payment that is not signed yet.

    Args:
        transaction: without proofs.
        fee_sat: what the miner gets.
        change_place: of the change among the outputs; None if there is none.
        spent: what each input spends.
        vsize: of the signed transaction.
    """

    transaction: Transaction
    fee_sat: int
    change_place: int | None
    spent: tuple[TxOut, ...]
    vsize: int
