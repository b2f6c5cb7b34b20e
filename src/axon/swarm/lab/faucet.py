"""The lab's own money: what its miners earn, what its checks pay with, what its wallets are given.

One key that everybody here knows, so any controller can pay, and mine to pay, at any node.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from axon.errors import AxonError
from axon.primitives.address import decode_address
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.network import COINBASE_MATURITY, REGTEST
from axon.primitives.transaction import COIN, TxOut, outpoint
from axon.rpc.errors import Code, RpcError
from axon.swarm.invariants import counted
from axon.swarm.lab.checkedrun import RpcTarget
from axon.swarm.signer import Signer, Spendable

FAUCET: Final = Signer("the faucet of the lab")
FEE_SAT: Final = 10_000
"""Of a payment: some seventy times what nodes ask for at least."""

GIFT_COINS: Final = 3
GIFT_COIN_SAT: Final = COIN // 4
"""What a wallet is given: coins enough that it need not wait for its own change."""


class FaucetEmpty(AxonError):
    """The faucet has no coin that may be spent."""


def mine(node: RpcTarget, count: int = 1) -> list[str]:
    """Have a node find blocks for the faucet; their names."""
    return [str(name) for name in node.rpc("generatetoaddress", count, FAUCET.address())]


def pay(node: RpcTarget) -> str:
    """Make a payment at a node, from the faucet to itself; the name of the transaction.

    Raises:
        FaucetEmpty: there is no coin to pay with.
        RpcError: the node refuses the payment.
    """
    coin = next(_ripe(node), None)
    if coin is None:
        raise FaucetEmpty("the faucet has no coin to pay with; axon swarm mine 101 makes some")
    signed = FAUCET.pay([coin], [TxOut(coin.amount_sat - FEE_SAT, FAUCET.script)])
    return str(node.rpc("sendrawtransaction", signed.raw.hex()))


def give(node: RpcTarget, addresses: Sequence[str]) -> None:
    """Give each of some addresses a few coins, in one payment, and have it mined.

    Raises:
        FaucetEmpty: there is not enough to give.
        RpcError: the node refuses the payment.
    """
    transfer(node, [address for address in addresses for _ in range(GIFT_COINS)], GIFT_COIN_SAT)
    mine(node)


def transfer(node: RpcTarget, addresses: Sequence[str], amount_sat: int) -> str:
    """Pay an amount to each of some addresses, in one payment; the name of the transaction.

    Raises:
        FaucetEmpty: there is not enough to pay with.
        RpcError: the node refuses the payment.
    """
    due_sat = len(addresses) * amount_sat + FEE_SAT
    coins: list[Spendable] = []
    held_sat = 0
    for coin in _ripe(node):
        coins.append(coin)
        held_sat += coin.amount_sat
        if held_sat > due_sat:
            break
    else:
        payments = counted(len(addresses), "payment")
        raise FaucetEmpty(f"the faucet has too little for {payments}; axon swarm mine 101")
    outputs = [TxOut(amount_sat, decode_address(address, REGTEST)) for address in addresses]
    change = TxOut(held_sat - due_sat, FAUCET.script)
    return str(node.rpc("sendrawtransaction", FAUCET.pay(coins, [change, *outputs]).raw.hex()))


def unfunded(node: RpcTarget, addresses: Sequence[str]) -> list[str]:
    """Those of some addresses that hold nothing in a node's ledger."""
    wanted = [f"addr({address})" for address in addresses]
    found = node.rpc("scantxoutset", "start", wanted)["unspents"]
    scripts = {str(item["scriptPubKey"]) for item in found}
    return [a for a in addresses if decode_address(a, REGTEST).hex() not in scripts]


def is_confirmed(node: RpcTarget, payment: str) -> bool:
    """Whether a payment made here is in a node's ledger, and was not spent since."""
    return node.rpc("gettxout", payment, 0, False) is not None


def knows(node: RpcTarget, payment: str) -> bool:
    """Whether a payment waits at a node, or is in its ledger and its first output was not spent."""
    try:
        node.rpc("getmempoolentry", payment)
    except RpcError as error:
        if error.code != Code.NOT_FOUND:
            raise
        return is_confirmed(node, payment)  # A miner may have been quick.
    return True


def holdings(node: RpcTarget) -> tuple[str, Decimal]:
    """What a node says the faucet holds, and as of which block."""
    found = node.rpc("scantxoutset", "start", [f"addr({FAUCET.address()})"])
    return str(found["bestblock"]), Decimal(found["total_amount"])


def _ripe(node: RpcTarget) -> Iterator[Spendable]:
    """Coins that the next block may spend and no payment in the pool does, the oldest first."""
    found = node.rpc("scantxoutset", "start", [f"addr({FAUCET.address()})"])
    for item in sorted(found["unspents"], key=lambda item: (item["height"], item["txid"])):
        place = outpoint(Txid(from_hex(item["txid"])), item["vout"])
        age = found["height"] + 1 - item["height"]
        amount_sat = int(item["amount"] * COIN)
        if amount_sat <= 2 * FEE_SAT or (item["coinbase"] and age < COINBASE_MATURITY):
            continue
        if node.rpc("gettxout", item["txid"], item["vout"], True) is not None:
            yield Spendable(place, amount_sat)
