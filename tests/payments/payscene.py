"""A chain with real work, people with keys who pay each other in it, and packets that prove it."""

from __future__ import annotations

from itertools import count

from axon.chain.headerentry import HeaderEntry
from axon.chain.headertree import HeaderTree
from axon.mempool.policy import Policy
from axon.payments.headerchain import BestHeaders
from axon.payments.linkmessages import MAX_REASON_SIZE
from axon.payments.messages import MAX_DETAIL_SIZE
from axon.payments.packet import Confirmed, Packet
from axon.payments.packetbuilder import make_packet
from axon.payments.proof import Checked, check_packet
from axon.payments.verdict import PaymentLevel, Wanted
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, sha256
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.target import meets_target
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from tests.chain.chains import FAR_FUTURE
from tests.scriptcheck import check_scripts
from tests.signing import Signer, Spendable
from tests.wallet.scene import START_S, make_block

ALICE, BOB, CAROL, MALLORY = (Signer(name) for name in ("Alice", "Bob", "Carol", "Mallory"))
POLICY = Policy()
WANTED = Wanted(BOB.script, COIN)


kernel = check_scripts
"""Scripts, by libbitcoinkernel, as a wallet that runs has it."""


class PayChain:
    """A chain on regtest whose headers prove their work."""

    def __init__(self) -> None:
        self.tree = HeaderTree(REGTEST)
        self.blocks: list[Block] = [REGTEST.genesis]
        self._places: dict[Txid, tuple[int, int]] = {}

    @property
    def height(self) -> int:
        """Of the tip."""
        return len(self.blocks) - 1

    @property
    def headers(self) -> BestHeaders:
        """As the payee knows them."""
        return BestHeaders(self.tree.best)

    def mine(self, *transactions: Transaction, miner: bytes = CAROL.script) -> Block:
        """The next block."""
        prev, height = self.blocks[-1].hash, self.height + 1
        for salt in count():
            block = make_block(prev, height, transactions, miner, salt)
            if meets_target(block.hash, block.header.bits):
                break
        self._take(block)
        return block

    def _take(self, block: Block) -> None:
        added = self.tree.add(block.header, FAR_FUTURE)
        assert isinstance(added, HeaderEntry), added
        self.blocks.append(block)
        for position, item in enumerate(block.transactions):
            self._places[item.txid] = self.height, position

    def mine_root(self, root: bytes) -> BlockHash:
        """A block of which only the header is shown, over any tree; its hash."""
        prev, height = self.blocks[-1].hash, self.height + 1
        for nonce in count():
            header = Header.build(4, prev, root, START_S + 600 * height, 0x207FFFFF, nonce)
            if meets_target(header.hash, header.bits):
                break
        self._take(Block.build(header, ()))
        return header.hash

    def pass_blocks(self, number: int) -> None:
        """Blocks with nothing but a coinbase."""
        for _ in range(number):
            self.mine()

    def proof(self, transaction: Transaction) -> Confirmed:
        """That a transaction is in its block."""
        height, position = self._places[transaction.txid]
        return Confirmed.from_block(self.blocks[height], height, position)

    def packet(self, payment: Transaction, *parents: Transaction) -> Packet:
        """The packet of a payment; parents that no block has are unconfirmed."""
        proofs = [self.proof(item) for item in parents if item.txid in self._places]
        waiting = [item for item in parents if item.txid not in self._places]
        return make_packet(payment, proofs, waiting)

    def check(self, packet: Packet, wanted: Wanted = WANTED, policy: Policy = POLICY) -> Checked:
        """What Bob finds, who knows the headers."""
        return check_packet(packet, wanted, self.headers, kernel, policy)


def coin_of(transaction: Transaction, index: int = 0) -> Spendable:
    """An output, to be spent."""
    return Spendable(outpoint(transaction.txid, index), transaction.outputs[index].amount_sat)


def made_up_coin(name: object) -> Spendable:
    """A coin of before the chain that is shown; blocks may spend it."""
    return Spendable(outpoint(Txid(sha256(repr(name).encode())), 0), 100 * COIN)


def funding(name: object, amount_sat: int = 2 * COIN, owner: Signer = ALICE) -> Transaction:
    """Carol pays somebody."""
    spent = made_up_coin(name)
    change = TxOut(spent.amount_sat - amount_sat - 1_000, CAROL.script)
    return CAROL.pay([spent], [TxOut(amount_sat, owner.script), change])


def pays_bob(
    *parents: Transaction,
    amount_sat: int = COIN,
    fee_sat: int = 1_000,
    payer: Signer = ALICE,
    locktime: int = 0,
    sequence: int = 0xFFFF_FFFD,
    version: int = 2,
) -> Transaction:
    """The payer spends the first outputs of these, pays Bob, and keeps the rest."""
    coins = [coin_of(item) for item in parents]
    change_sat = sum(coin.amount_sat for coin in coins) - amount_sat - fee_sat
    outputs = [TxOut(amount_sat, BOB.script)]
    if change_sat > 0:
        outputs.append(TxOut(change_sat, payer.script))
    return payer.pay(coins, outputs, locktime=locktime, sequence=sequence, version=version)


def refused(checked: Checked, reason: str, *words: str) -> None:
    """It is refused for this, in words that say so and fit a message, and claims nothing."""
    verdict = checked.verdict
    assert verdict.level is PaymentLevel.REFUSED, verdict
    assert verdict.reason == reason, verdict
    assert verdict.detail
    assert verdict.detail.isascii()
    assert len(verdict.detail) <= MAX_DETAIL_SIZE
    assert len(reason) <= MAX_REASON_SIZE
    assert not verdict.detail.endswith(".")
    for word in words:
        assert word in verdict.detail
    assert not checked.claims
    assert checked.fee_sat == 0
