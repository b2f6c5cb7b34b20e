"""PSBTs, keys and messages by calls of a real node."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

import pytest

from axon.primitives.address import encode_address
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.descriptorchecksum import with_checksum
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import hash160, to_hex
from axon.primitives.keys import encode_wif, public_key
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut
from axon.psbt.fields import FINAL_WITNESS
from axon.psbt.partial import PartialTransaction, is_signed
from axon.rpc.amounts import Amount
from tests.rpc.running import Rig, running
from tests.signatures import high_s

SECRETS = [bytes(31) + bytes((place,)) for place in (1, 2, 3)]
WIFS = [encode_wif(secret, REGTEST) for secret in SECRETS]
KEYS = [public_key(secret).hex() for secret in SECRETS]
PRIVATE = [
    f"wpkh({WIFS[0]})",
    f"pkh({WIFS[1]})",
    f"wsh(multi(2,{WIFS[0]},{KEYS[1]}))",
    f"tr({KEYS[2][2:]},and_v(v:pk({WIFS[0]}),older(1)))",
]
PUBLIC = [
    f"wpkh({KEYS[0]})",
    f"pkh({KEYS[1]})",
    f"wsh(multi(2,{KEYS[0]},{KEYS[1]}))",
    f"tr({KEYS[2][2:]},and_v(v:pk({KEYS[0]}),older(1)))",
]
SECOND = f"wsh(multi(2,{KEYS[0]},{WIFS[1]}))"


class Scene:
    """A node with outputs of descriptors in its chain, and some in its pool."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        coins = [rig.coinbase(block) for block in rig.mine(102)]
        outputs = [TxOut(COIN, parse_descriptor(text, REGTEST)[0].scripts()[0]) for text in PUBLIC]
        self.mined = rig.alice.pay(coins[:1], outputs)
        rig.send(self.mined)
        rig.mine(1)
        self.pooled = rig.alice.pay(coins[1:2], outputs)
        rig.send(self.pooled)

    def draft(self, place: int, *, pooled: bool = False) -> list[object]:
        """The arguments of a draft that spends an output."""
        parent = self.pooled if pooled else self.mined
        spent = {"txid": to_hex(parent.txid), "vout": place, "sequence": 1}
        return [[spent], {self.rig.bob.address(): "0.999"}]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield Scene(rig)


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_psbt_goes_from_hand_to_hand(scene: Scene, place: int) -> None:
    call = scene.rig.call
    bare = call("createpsbt", *scene.draft(place))
    assert call("analyzepsbt", bare)["next"] == "updater"
    told = call("utxoupdatepsbt", bare, [PUBLIC[place]])
    shown = call("decodepsbt", told)
    assert shown["fee"] == Amount(COIN // 1_000)
    assert shown["inputs"][0]["witness_utxo"]["amount"] == Amount(COIN)
    signed = call("descriptorprocesspsbt", told, [PRIVATE[place]])
    if place == 2:
        assert not signed["complete"]
        assert call("analyzepsbt", signed["psbt"])["next"] == "signer"
        other = call("descriptorprocesspsbt", told, [SECOND])
        joined = call("combinepsbt", [signed["psbt"], other["psbt"]])
        signed = call("finalizepsbt", joined)
    assert signed["complete"]
    verdict = call("testmempoolaccept", [signed["hex"]])[0]
    assert verdict["allowed"], verdict


def test_a_legacy_input_needs_its_whole_previous_transaction(scene: Scene) -> None:
    call = scene.rig.call
    for pooled, complete in ((False, False), (True, True)):
        bare = call("createpsbt", *scene.draft(1, pooled=pooled))
        signed = call("descriptorprocesspsbt", bare, [PRIVATE[1]])
        assert signed["complete"] is complete


def test_an_input_that_others_finalized_badly_is_not_complete(scene: Scene) -> None:
    call = scene.rig.call
    spent = [scene.draft(place)[0][0] for place in (0, 3)]  # type: ignore[index]
    bare = call("createpsbt", spent, {scene.rig.bob.address(): "1.999"})
    told = call("utxoupdatepsbt", bare, [PUBLIC[0], PUBLIC[3]])
    theirs = PartialTransaction.from_base64(told)
    theirs.inputs[1][FINAL_WITNESS] = b"\x01\x40" + bytes(64)
    signed = call("descriptorprocesspsbt", theirs.to_base64(), [PRIVATE[0]])
    assert is_signed(PartialTransaction.from_base64(signed["psbt"]).inputs[0])
    assert signed.keys() == {"psbt", "complete"}
    assert signed["complete"] is False
    mine = call("descriptorprocesspsbt", told, [PRIVATE[0], PRIVATE[3]])
    assert mine["complete"] is True


def test_a_signature_that_nobody_passes_on_is_not_complete(scene: Scene) -> None:
    call = scene.rig.call
    raw = call("createrawtransaction", *scene.draft(0))
    signed = Transaction.decode(
        bytes.fromhex(call("signrawtransactionwithkey", raw, WIFS[:1])["hex"])
    )
    (item,) = signed.inputs
    signature, key = item.witness
    worse = TxIn(item.prevout, b"", item.sequence, (high_s(signature[:-1]) + signature[-1:], key))
    worse_raw = Transaction.build(2, [worse], signed.outputs, signed.locktime).raw.hex()
    none = call("signrawtransactionwithkey", worse_raw, [])
    assert not none["complete"]
    assert none["errors"][0]["error"] == "Witness program hash mismatch", "it is not taken over"
    psbt = PartialTransaction.from_base64(
        call("utxoupdatepsbt", call("createpsbt", *scene.draft(0)), [PUBLIC[0]])
    )
    for proof, whole in ((worse.witness, False), (item.witness, True)):
        stack = bytes((len(proof),)) + b"".join(map(var_bytes, proof))
        psbt.inputs[0][FINAL_WITNESS] = stack
        text = psbt.to_base64()
        assert call("analyzepsbt", text)["inputs"][0]["is_final"] is whole
        assert call("finalizepsbt", text, False)["complete"] is whole


def test_raw_transactions_are_signed_with_keys(scene: Scene) -> None:
    call = scene.rig.call
    for place, wifs in ((0, WIFS[:1]), (1, WIFS[1:2])):
        raw = call("createrawtransaction", *scene.draft(place))
        signed = call("signrawtransactionwithkey", raw, wifs)
        assert signed["complete"]
        assert "errors" not in signed
        assert call("testmempoolaccept", [signed["hex"]])[0]["allowed"]
    none = call("signrawtransactionwithkey", raw, WIFS[2:])
    assert not none["complete"]
    assert none["errors"][0]["error"].startswith("Unable to sign input, invalid stack size")


def test_halves_are_combined(scene: Scene) -> None:
    call = scene.rig.call
    raw = call("createrawtransaction", *scene.draft(2))
    spent = scene.mined.outputs[2]
    script = call("createmultisig", 2, KEYS[:2], "bech32")
    prevtx = {
        "txid": to_hex(scene.mined.txid),
        "vout": 2,
        "scriptPubKey": spent.script_pubkey.hex(),
        "witnessScript": script["redeemScript"],
        "amount": 1,
    }
    halves = [call("signrawtransactionwithkey", raw, [wif], [prevtx])["hex"] for wif in WIFS[:2]]
    whole = call("combinerawtransaction", halves)
    assert call("testmempoolaccept", [whole])[0]["allowed"]
    assert not call("testmempoolaccept", [halves[0]])[0]["allowed"]


def test_scripts_of_several(scene: Scene) -> None:
    call = scene.rig.call
    for kind, text in (
        ("legacy", f"sh(multi(1,{KEYS[0]}))"),
        ("p2sh-segwit", f"sh(wsh(multi(1,{KEYS[0]})))"),
        ("bech32", f"wsh(multi(1,{KEYS[0]}))"),
    ):
        made = call("createmultisig", 1, KEYS[:1], kind)
        assert made["descriptor"] == with_checksum(text)
        assert call("deriveaddresses", made["descriptor"]) == [made["address"]]
    assert scene.rig.refusal("createmultisig", 2, KEYS[:1])[0] == -8


def test_messages_are_signed_and_verified(scene: Scene) -> None:
    call = scene.rig.call
    signature = call("signmessagewithprivkey", WIFS[0], "hello")
    key_hash = b"\x76\xa9\x14" + hash160(bytes.fromhex(KEYS[0])) + b"\x88\xac"
    address = encode_address(key_hash, REGTEST)
    assert len(b64decode(signature)) == 65
    assert call("verifymessage", address, signature, "hello") is True
    assert call("verifymessage", address, signature, "hullo") is False
    assert scene.rig.refusal("verifymessage", "x", signature, "hello") == (-5, "Invalid address")
    fault = (-3, "Address does not refer to key")
    assert scene.rig.refusal("verifymessage", scene.rig.bob.address(), signature, "x") == fault


def test_others_are_joined(scene: Scene) -> None:
    call = scene.rig.call
    two = [call("createpsbt", *scene.draft(place)) for place in (0, 1)]
    joined = call("decodepsbt", call("joinpsbts", two))
    assert len(joined["tx"]["vin"]) == len(joined["tx"]["vout"]) == 2
    refused = scene.rig.refusal("joinpsbts", [two[0], two[0]])
    assert refused[0] == -8
    assert refused[1].endswith(":0 exists in multiple PSBTs")


@pytest.mark.parametrize(
    ("name", "params", "fault"),
    [
        ("decodepsbt", ["x"], (-22, "TX decode failed invalid base64")),
        ("combinepsbt", [[]], (-8, "Parameter 'txs' cannot be empty")),
        ("joinpsbts", [[]], (-8, "At least two PSBTs are required to join PSBTs.")),
        ("converttopsbt", ["zz"], (-22, "TX decode failed")),
        ("combinerawtransaction", [[]], (-22, "Missing transactions")),
        ("signmessagewithprivkey", ["x", "y"], (-5, "Invalid private key")),
    ],
)
def test_refusals(scene: Scene, name: str, params: list[object], fault: tuple[int, str]) -> None:
    assert scene.rig.refusal(name, *params) == fault


def test_a_signature_needs_the_hash_type_that_the_psbt_names(scene: Scene) -> None:
    call = scene.rig.call
    bare = call("createpsbt", *scene.draft(0))
    signed = call("descriptorprocesspsbt", bare, [PRIVATE[0]], "SINGLE", True, False)
    assert call("decodepsbt", signed["psbt"])["inputs"][0]["sighash"] == "SINGLE"
    fault = (-22, "Specified sighash value does not match value stored in PSBT")
    assert scene.rig.refusal("descriptorprocesspsbt", signed["psbt"], [PRIVATE[0]]) == fault
    fault = (-8, "'LOUD' is not a valid sighash parameter.")
    assert scene.rig.refusal("descriptorprocesspsbt", bare, [], "LOUD") == fault
