"""What a light wallet takes from the rooms beside it."""

from __future__ import annotations

from axon.host.lightwallet import check_scripts
from axon.primitives.hashes import Txid
from axon.primitives.transaction import COIN, TxOut, outpoint
from tests.signing import Signer, Spendable

DORA, BOB = Signer("Dora"), Signer("Bob")
COIN_OF_DORA = Spendable(outpoint(Txid(bytes(32)), 0), COIN)


def test_only_who_has_the_key_is_believed_to_spend() -> None:
    output, spent = TxOut(COIN - 500, BOB.script), [TxOut(COIN, DORA.script)]
    assert check_scripts(DORA.pay([COIN_OF_DORA], [output]), spent)
    assert not check_scripts(BOB.pay([COIN_OF_DORA], [output]), spent)
    other_amount = [TxOut(COIN - 1, DORA.script)]
    assert not check_scripts(DORA.pay([COIN_OF_DORA], [output]), other_amount)
