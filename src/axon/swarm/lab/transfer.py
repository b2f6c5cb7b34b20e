"""A payment from wallet to wallet, as a person makes it: sent, seen to spread, seen confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from axon.errors import AxonError
from axon.rpc.amounts import Amount
from axon.rpc.errors import RpcError
from axon.swarm.lab.faucet import knows, mine
from axon.swarm.lab.manifest import ComponentKind, Manifest
from axon.swarm.lab.members import living, state_of, wallet_of
from axon.swarm.lab.nodeprocess import NodeProcess, ProcessState
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.startup import Say, mean_of
from axon.swarm.story.participants import amount_sat

SPREAD_S: Final = 30.0
"""For so long a payment that is brought out is watched: nodes announce every few seconds."""

SEEN_LIMIT_S: Final = 60.0
"""Until a node has a payment that another one took, or a wallet the block that it is in."""

PATIENCE_INTERVALS: Final = 20
"""For so many mean times between blocks a miner's block is waited for."""

_CALL_LIMIT_S: Final = 2 * SPREAD_S
_POLL_S: Final = 0.2


class NotPaid(AxonError):
    """A wallet refuses to make a payment; nothing was sent."""


@dataclass(frozen=True, slots=True)
class SentPayment:
    """One payment, however it came to its payee.

    Args:
        payer, payee: names of wallets.
        txid: the name of the transaction, hex.
        address: of the payee, a new one.
        sent_sat, fee_sat: what it is worth, and what it costs besides.
        mined_by: the node that was asked for a block with it; empty if none was.
        height: of the block in which both have seen it; None before.
    """

    payer: str
    payee: str
    txid: str
    address: str
    sent_sat: int
    fee_sat: int
    mined_by: str = field(default="", kw_only=True)
    height: int | None = field(default=None, kw_only=True)

    def to_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "txid": self.txid,
            "from": self.payer,
            "to": self.payee,
            "address": self.address,
            "amount": Amount(self.sent_sat),
            "fee": Amount(self.fee_sat),
            **self.way_json(),
            "mined_by": self.mined_by or None,
            "height": self.height,
        }

    def way_json(self) -> dict[str, object]:
        """What is to be said of the way that it took."""
        return {}


@dataclass(frozen=True, slots=True)
class Transfer(SentPayment):
    """One that was given to nodes.

    Args:
        delivery: what `sendpayment` says became of it.
    """

    delivery: Mapping[str, Any]

    def way_json(self) -> dict[str, object]:
        """As `sendpayment` says it."""
        return {name: self.delivery[name] for name in ("delivery", "peers", "spread", "refusals")}


_P = TypeVar("_P", bound=SentPayment)


def transfer(manifest: Manifest, payer: str, payee: str, sent_sat: int, secret: str) -> Transfer:
    """Have a wallet pay another one, and see what becomes of it.

    Args:
        manifest: of the run.
        payer, payee: names of wallets that run.
        sent_sat: how much.
        secret: the passphrase of the payer.

    Raises:
        NotPaid: a wallet refuses.
        Unreachable, Unauthorized: one does not answer.
    """
    source = wallet_of(manifest, payer, _CALL_LIMIT_S)
    try:
        address = str(wallet_of(manifest, payee).rpc("getnewaddress"))
        draft = source.rpc("draftpayment", {address: Amount(sent_sat)})
        told = source.rpc("sendpayment", draft["psbt"], secret, wait=int(SPREAD_S * 1_000))
    except RpcError as error:
        raise NotPaid(f"{payer} does not pay {payee}: {error.message}") from error
    fee_sat = amount_sat(draft["fee"])
    return Transfer(payer, payee, str(told["txid"]), address, sent_sat, fee_sat, told)


def confirmed(manifest: Manifest, payment: _P, say: Say) -> _P:
    """Wait until a payment is in a block and both wallets have seen it there.

    A miner's block is waited for; where no miner lives, a node that has the payment finds one.

    Args:
        manifest: of the run.
        payment: that was sent.
        say: told what is waited for.

    Raises:
        TooLate: it is not, within `PATIENCE_INTERVALS` blocks of the miners, or `SEEN_LIMIT_S`.
    """
    limit_s = SEEN_LIMIT_S
    if _mines(manifest):
        limit_s += PATIENCE_INTERVALS * mean_of(manifest)
        say(f"waiting for a miner's block, which comes every {manifest.interval_s:g} s or so")
    elif _height(manifest, payment.payer, payment.txid) is None:
        payment = replace(payment, mined_by=_mined(manifest, payment.txid))
    both = (payment.payer, payment.payee)
    wait_until(
        lambda: all(_height(manifest, name, payment.txid) is not None for name in both),
        limit_s,
        f"{payment.txid} is in a block that {' and '.join(both)} have seen",
        _POLL_S,
    )
    return replace(payment, height=_height(manifest, payment.payer, payment.txid))


def _mines(manifest: Manifest) -> bool:
    running = [
        item.name for item in manifest.components.values() if state_of(item) is ProcessState.RUNNING
    ]
    miners = manifest.of_kind(ComponentKind.MINER)
    return any(item.name in running and item.node in running for item in miners)


def _mined(manifest: Manifest, txid: str) -> str:
    """Have the first node that has a payment find a block; its name."""
    found: list[NodeProcess] = []

    def is_known() -> bool:
        found.extend(_holders(living(manifest), txid))
        return bool(found)

    wait_until(is_known, SEEN_LIMIT_S, f"a node has {txid}", _POLL_S)
    mine(found[0])
    return found[0].name


def _holders(nodes: Sequence[NodeProcess], txid: str) -> list[NodeProcess]:
    return [node for node in nodes if knows(node, txid)]


def _height(manifest: Manifest, name: str, txid: str) -> int | None:
    """The height at which a wallet sees a payment; None while it sees it in no block."""
    try:
        told = wallet_of(manifest, name).rpc("gettransaction", txid)
    except RpcError:  # The payee has not heard of it yet.
        return None
    return int(told["blockheight"]) if int(told["confirmations"]) > 0 else None
