"""A receipt of Bob's, before and after the payment was mined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from axon.payments.invoice import Invoice, sign
from axon.payments.invoicekeys import wallet_secret
from axon.payments.receipt import issue
from axon.payments.receiptproof import MinedProof
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.network import REGTEST
from axon.primitives.target import meets_target
from axon.wallet.wallet import Wallet
from tests.wallet.scene import PASSPHRASE, make_block, new_wallet, paying

PAID_SAT = 50_000_000
TIME_S = 1_764_503_600


def invoice_of(wallet: Wallet, **changes: Any) -> Invoice:
    """An invoice for a new address of a wallet."""
    address = wallet.new_address()
    unsigned = Invoice(
        REGTEST,
        address,
        decode_address(address, REGTEST),
        PAID_SAT,
        "Bob's café",
        "2 coffees",
        TIME_S - 60,
        TIME_S + 3_600,
        (),
        bytes(32),
        bytes(64),
    )
    return sign(replace(unsigned, **changes), wallet_secret(wallet, PASSPHRASE, 0))


def worked(block: Block) -> Block:
    """The same block with the work that regtest asks for: one in two hashes has it."""
    was = block.header
    for nonce in range(1_000):
        header = Header.build(4, was.prev, was.merkle_root, was.time, was.bits, nonce)
        if meets_target(header.hash, header.bits):
            return Block.build(header, block.transactions)
    raise AssertionError("no nonce in a thousand")


def proof_of(block: Block, position: int, *, coinbase: bool = True) -> MinedProof:
    """As `gettxoutproof` gives it, for a transaction and perhaps the coinbase."""
    txids = [item.txid for item in block.transactions]
    wanted = [place == position or (coinbase and place == 0) for place in range(len(txids))]
    tree = PartialMerkleTree.build(txids, wanted).encode()
    return MinedProof(101, block.header.raw + tree, block.transactions[position])


INVOICE = invoice_of(new_wallet())
PAYMENT = paying(INVOICE.script_pubkey, PAID_SAT)
OTHERS = [paying(b"\x51", 1_000 + number, number) for number in range(1, 6)]
BLOCK = worked(make_block(REGTEST.genesis.hash, 1, [*OTHERS[:3], PAYMENT, *OTHERS[3:]]))
RECEIPT = issue(new_wallet(), INVOICE, PAYMENT.txid, PAID_SAT, TIME_S, PASSPHRASE)
MINED = replace(RECEIPT, proof=proof_of(BLOCK, 4))
