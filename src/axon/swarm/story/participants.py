"""Who takes part in a story: what they hold, as nodes and as their wallets tell it; how they pay.

Everybody's money stays in whole coins. A payment costs a fee all the same, so everybody has stamps:
small coins, each just the fee of one payment. They are in the same wallet and are not counted in
what somebody has.

A node is asked for its ledger, and for its pool where payments wait; a wallet for its coins. So the
same question to two nodes, or to a node and a wallet, shows whether they agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from axon.errors import AxonError
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxOut, outpoint
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.walletprocess import PASSPHRASE, WalletProcess
from axon.swarm.signer import Signer, Spendable

FEE_COIN_SAT: Final = 10_000
"""The fee of every payment: 0.0001 coins, some forty times what nodes ask for at least."""

FEE_COIN: Final = Decimal(FEE_COIN_SAT) / COIN

SCRIPTS: Final = 40
"""Addresses of each kind by which nodes are asked for somebody's coins; a story needs fewer."""

_LOOKS: Final = 10
"""Attempts to read a pool that changes meanwhile."""

_TAKEN_LIMIT_S: Final = 30.0
"""How long it may take until a node has fetched a payment."""


class NotEnoughCoins(AxonError):
    """Somebody wants to pay more than he holds."""


class Participant:
    """Somebody: a name, twelve words, and the wallet that is theirs now.

    Args:
        name: as others call them.
        wallet: not made yet; `settle` does.

    Attributes:
        is_here: whether the wallet was made and not left since; it may be dead all the same.
        scripts: of all addresses, once they were learnt.
    """

    def __init__(self, name: str, wallet: WalletProcess) -> None:
        self.name = name
        self.wallet = wallet
        self.is_here = False
        self._words = ""
        self._descriptors: tuple[str, ...] = ()
        self.scripts: frozenset[bytes] = frozenset()

    def settle(self) -> None:
        """Make the wallet: new the first time, from the words ever after."""
        self.is_here = True
        if self._words:
            self.wallet.restore(self._words)
        else:
            self._words = self.wallet.create()

    def leave(self) -> None:
        """Kill the wallet and wipe its disk; what is left are the words."""
        self.is_here = False
        self.wallet.kill()
        self.wallet.wipe()

    def learn(self) -> None:
        """Ask the wallet which addresses are its own, so that nodes can be asked for their coins.

        What it tells holds no keys; the node that is asked derives the addresses itself.
        """
        if self._descriptors:
            return
        told = self.wallet.rpc("listdescriptors")["descriptors"]
        self._descriptors = tuple(str(item["desc"]) for item in told)
        self.scripts = frozenset(
            script
            for text in self._descriptors
            for descriptor in parse_descriptor(text, REGTEST)
            for index in range(SCRIPTS)
            for script in descriptor.scripts(index)
        )

    @property
    def needles(self) -> list[dict[str, object]]:
        """What a node is told to look for."""
        return [{"desc": text, "range": SCRIPTS - 1} for text in self._descriptors]

    def address(self, label: str = "") -> str:
        """A new one."""
        return str(self.wallet.rpc("getnewaddress", label))

    def coins(self) -> list[dict[str, Any]]:
        """What the wallet holds, waiting payments counted."""
        found: list[dict[str, Any]] = self.wallet.rpc("listunspent")
        return found

    def holds(self) -> str:
        """How much the wallet says it is, waiting payments counted, stamps not."""
        return in_coins(
            sum(amount_sat(coin["amount"]) for coin in _without_fee_coins(self.coins()))
        )

    def confirmed(self) -> str:
        """The same, and what of it is in no block yet."""
        coins = _without_fee_coins(self.coins())
        waiting = [amount_sat(coin["amount"]) for coin in coins if not coin["confirmations"]]
        total = in_coins(sum(amount_sat(coin["amount"]) for coin in coins))
        return f"{total}, {in_coins(sum(waiting))} not confirmed" if waiting else total

    def fee_coins(self) -> int:
        """How many stamps are left."""
        return sum(amount_sat(coin["amount"]) == FEE_COIN_SAT for coin in self.coins())

    def state(self, payment: str) -> str:
        """How the wallet calls a payment: unconfirmed, confirmed, replaced or unknown."""
        try:
            return str(self.wallet.rpc("gettransaction", payment)["state"])
        except RpcError as error:
            if error.code != Code.NOT_FOUND:
                raise
            return "unknown"

    def sign(self, address: str, amount: int) -> str:
        """A signed payment of whole coins, change to ourselves, a stamp for the fee.

        Returns:
            The transaction, hex. The wallet has not written it down yet, and nobody has seen it.

        Raises:
            NotEnoughCoins: the wallet holds less, or no stamp is left.
        """
        chosen = choose(self.name, self.coins(), amount)
        draft = self.wallet.rpc("draftpayment", {address: amount}, fee=FEE_COIN, coins=chosen)
        return str(self.wallet.rpc("signpsbt", draft["psbt"], PASSPHRASE)["hex"])

    def send(self, signed: str) -> str:
        """Hand a signed payment to whatever nodes serve the wallet; its name."""
        return str(self.wallet.rpc("sendrawtransaction", signed))

    def takers(self, payment: str) -> int:
        """How many nodes have fetched a payment from the wallet; -1 once it is in a block."""
        spread = self.wallet.rpc("gettransaction", payment)["spread"]
        return -1 if spread is None else int(spread["given"])

    def wait_taken(self, payment: str) -> None:
        """Wait until some node has fetched a payment."""
        what = f"a node fetches the payment of {self.name}"
        wait_until(lambda: self.takers(payment) != 0, _TAKEN_LIMIT_S, what)


def choose(name: str, coins: Sequence[Mapping[str, Any]], amount: int) -> list[dict[str, Any]]:
    """The coins for a payment, the largest first, and a stamp.

    Args:
        name: of the payer.
        coins: as `listunspent` shows them.
        amount: in whole coins.

    Raises:
        NotEnoughCoins: there is not enough, or no stamp is left.
    """
    free = [coin for coin in coins if coin["spendable"]]
    stamps = [coin for coin in free if amount_sat(coin["amount"]) == FEE_COIN_SAT]
    if not stamps:
        raise NotEnoughCoins(f"{name} has no stamp left")
    chosen, held = [stamps[0]], Decimal(0)
    for coin in sorted(_without_fee_coins(free), key=lambda coin: -amount_sat(coin["amount"])):
        if held >= amount:
            break
        chosen.append(coin)
        held += coin["amount"]
    if held < amount:
        raise NotEnoughCoins(f"{name} wants to pay {amount} and holds {in_coins(amount_sat(held))}")
    return [{"txid": coin["txid"], "vout": coin["vout"]} for coin in chosen]


def _without_fee_coins(coins: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [coin for coin in coins if amount_sat(coin["amount"]) != FEE_COIN_SAT]


def make_fee_coins(
    owner: Signer, coin: Spendable, payees: Sequence[bytes], each: int
) -> Transaction:
    """The transaction that makes stamps of a coin; one stamp's worth of it is its own fee.

    Args:
        owner: of the coin, and of what is left.
        payees: scripts.
        each: how many stamps every one of them gets.
    """
    outputs = [TxOut(FEE_COIN_SAT, script) for script in payees for _ in range(each)]
    rest = coin.amount_sat - (len(outputs) + 1) * FEE_COIN_SAT
    assert rest > 0, "a coin is worth more than its stamps"
    return owner.pay([coin], [*outputs, TxOut(rest, owner.script)])


@dataclass(frozen=True, slots=True)
class NodeHoldings:
    """What one node says of some scripts.

    Args:
        confirmed: outputs in its ledger: what each holds, and its script.
        waiting: transactions in its pool.
    """

    confirmed: Mapping[OutPoint, TxOut]
    waiting: tuple[Transaction, ...]

    def ledger_sat(self, scripts: frozenset[bytes]) -> int:
        """What the ledger says they hold, without stamps."""
        return _whole_sat(self.confirmed, scripts)

    def total_sat(self, scripts: frozenset[bytes]) -> int:
        """The same when the payments that wait are counted."""
        outputs = dict(self.confirmed)
        for item in self.waiting:
            for index, output in enumerate(item.outputs):
                outputs[outpoint(item.txid, index)] = output
        for item in self.waiting:
            for prevout in item.prevouts:
                outputs.pop(prevout, None)
        return _whole_sat(outputs, scripts)


def _whole_sat(outputs: Mapping[OutPoint, TxOut], scripts: frozenset[bytes]) -> int:
    return sum(
        output.amount_sat
        for output in outputs.values()
        if output.script_pubkey in scripts and output.amount_sat != FEE_COIN_SAT
    )


def look(node: NodeProcess, participants: Sequence[Participant]) -> NodeHoldings:
    """Ask a node what these participants hold.

    Raises:
        RpcError: the node's own error.
    """
    for _ in range(_LOOKS):
        try:
            waiting = tuple(_pool(node))
        except RpcError as error:
            if error.code != Code.NOT_FOUND:
                raise
            continue  # A block took the payment between two questions.
        return NodeHoldings(_ledger(node, participants), waiting)
    raise NotEnoughCoins(f"{node.name} never holds still")


def _pool(node: NodeProcess) -> list[Transaction]:
    names = node.rpc("getrawmempool")
    return [Transaction.decode(bytes.fromhex(node.rpc("getrawtransaction", n))) for n in names]


def _ledger(node: NodeProcess, participants: Sequence[Participant]) -> dict[OutPoint, TxOut]:
    wanted = [needle for participant in participants for needle in participant.needles]
    found: dict[OutPoint, TxOut] = {}
    for item in node.rpc("scantxoutset", "start", wanted)["unspents"]:
        place = outpoint(Txid(from_hex(item["txid"])), item["vout"])
        script = bytes.fromhex(item["scriptPubKey"])
        found[place] = TxOut(amount_sat(item["amount"]), script)
    return found


def amount_sat(amount: Decimal | int) -> int:
    """An amount of RPC, in satoshi."""
    return int(amount * COIN)


def in_coins(sat: int) -> str:
    """An amount in coins, as it is written: 30, or 0.0001."""
    whole, rest = divmod(sat, COIN)
    return f"{whole}.{rest:08d}".rstrip("0") if rest else str(whole)


def coinbase_coin(transaction: Transaction) -> Spendable:
    """The first output of a transaction, as a coin."""
    place: OutPoint = outpoint(transaction.txid, 0)
    return Spendable(place, transaction.outputs[0].amount_sat)
