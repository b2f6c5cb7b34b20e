"""What people have of a wallet: keys by the vectors of SLIP 132, descriptors, exports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from axon.primitives.address import base58check_decode, base58check_encode, encode_address
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.network import MAINNET, REGTEST, Network
from axon.wallet.errors import BadDescriptor
from axon.wallet.keys import AccountKind, watch
from axon.wallet.payment import Payee, draft
from axon.wallet.records import Keychain
from axon.wallet.scripts import ScriptBook
from axon.wallet.watching import MAX_EXPORT_SIZE, Watched, read_watched
from tests.wallet.scene import BOB, Scene, new_wallet, source

# Of "abandon ... about", from SLIP 132: accounts 0 of BIP 49 and BIP 84.
YPUB = (
    "ypub6Ww3ibxVfGzLrAH1PNcjyAWenMTbbAosGNB6VvmSEgytSER9azLDWCxoJwW7Ke7icmizBMXrzBx9979FfaHxHcr"
    "Arf3zbeJJJUZPf663zsP"
)
ZPUB = (
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31m"
    "GDtKsAYz2oz2AGutZYs"
)
XPUB = (
    "xpub6CatWdiZiodmUeTDp8LT5or8nmbKNcuyvz7WyksVFkKB4RHwCD3XyuvPEbvqAQY3rAPshWcMLoP2fMFMKHPJ4ZeZ"
    "XYVUhLv1VMrjPC7PW6V"
)
ORIGIN = "[73c5da0a/84h/0h/0h]"
BIP84_FIRST = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
BIP84_CHANGE = "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"
BIP49_FIRST = "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf"


def first(
    watched: Watched, network: Network = MAINNET, keychain: Keychain = Keychain.RECEIVE
) -> str:
    source = watch(network, watched.receive, watched.change)
    address = encode_address(ScriptBook(network, source.descriptors).script(keychain, 0), network)
    assert address is not None
    return address


def read(text: str, kind: AccountKind = AccountKind.BIP84, *, as_written: bool = False) -> Watched:
    return read_watched(text, MAINNET, kind, as_written=as_written)


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        (ZPUB, AccountKind.BIP86, BIP84_FIRST),
        (YPUB, AccountKind.BIP84, BIP49_FIRST),
        (XPUB, AccountKind.BIP84, BIP84_FIRST),
        (ORIGIN + XPUB, AccountKind.BIP44, BIP84_FIRST),  # The path says it.
        (f"\ufeff {ZPUB}\r\n", AccountKind.BIP84, BIP84_FIRST),
    ],
)
def test_keys_alone(text: str, kind: AccountKind, address: str) -> None:
    watched = read(text, kind)
    assert first(watched) == address
    assert watched.change is not None
    assert len(watched.remarks) == 1
    assert "alone does not say what to derive" in watched.remarks[0]
    again = read(watched.receive)
    assert (again.receive, again.remarks) == (watched.receive, ())


def test_a_key_of_the_chain_below_an_account_has_one_family() -> None:
    expected = read(f"wpkh({ZPUB}/0/*)")
    below = ExtendedKey.decode(XPUB, MAINNET)
    watched = read(below.child(0).encode(MAINNET))
    assert first(watched) == first(expected) == BIP84_FIRST
    assert watched.change is None
    with pytest.raises(BadDescriptor, match="5 steps below its master key"):
        read(below.child(0).child(0).encode(MAINNET))


def test_descriptors_in_other_spellings() -> None:
    for text in (
        f"wpkh({ORIGIN}{XPUB}/<0;1>/*)",
        f"wpkh({ZPUB}/<0;1>/*)",
        f"wpkh({XPUB}/0/*)\nwpkh({XPUB}/1/*)",
        f"# Receive and change descriptor (BIP389):\nwpkh({XPUB}/<0;1>/*)\n\n# Receive descriptor"
        f" (Bitcoin Core):\nwpkh({XPUB}/0/*)\n\n# Change descriptor (Bitcoin Core):\n"
        f"wpkh({XPUB}/1/*)\n",
    ):
        watched = read(text)
        assert first(watched) == BIP84_FIRST
        assert first(watched, keychain=Keychain.CHANGE) == BIP84_CHANGE
        assert watched.remarks == ()


@pytest.mark.parametrize("path", ["", "/*"])
def test_the_key_of_an_account_without_its_path_is_not_taken_in_silence(path: str) -> None:
    watched = read(f"wpkh({ORIGIN}{XPUB}{path})")
    assert first(watched) == BIP84_FIRST
    assert first(watched, keychain=Keychain.CHANGE) == BIP84_CHANGE
    assert watched.remarks == (
        f"wpkh({ORIGIN}{XPUB[:12]}...{path}) names the key of an account without its usual path:"
        f" taken as wpkh({ORIGIN}{XPUB[:12]}.../<0;1>/*)",
    )
    meant = read(f"wpkh({ORIGIN}{XPUB}{path})", as_written=True)
    assert (meant.change, meant.remarks) == (None, ())
    assert first(meant) != BIP84_FIRST
    with pytest.raises(BadDescriptor, match="or add --as-written"):
        read(watch(MAINNET, f"wpkh({XPUB}{path})").descriptors.receive)


def test_of_several_keys_all_get_their_path_or_none() -> None:
    shared = f"wsh(sortedmulti(2,{ORIGIN}{XPUB},{YPUB}))"
    assert "/<0;1>/*" in read(shared).remarks[0]
    mixed = read(f"wsh(sortedmulti(2,{ORIGIN}{XPUB}/0/*,{YPUB}))")
    assert (mixed.change, mixed.remarks) == (None, ())


def test_conditions_are_watched_and_drafted() -> None:
    """Miniscript (BIP 379), by the reader of BDK."""
    watched = read(f"wsh(and_v(v:pk({XPUB}/0/*),older(144)))")
    assert first(watched) == "bc1qjxmk47pf2kt93egly449tjsume52aszzskcvth3f2y0z89vu2jwsw9s36f"
    pair = read(f"wsh(or_d(pk({XPUB}/<0;1>/*),and_v(v:pkh({XPUB}/<2;3>/*),older(144))))")
    assert pair.change is not None
    key = source().descriptors.receive[5:].partition("/0/*")[0]
    text = f"wsh(and_v(v:pk({key}/<0;1>/*),older(144)))"
    made = read_watched(text, REGTEST, AccountKind.BIP84)
    scene = Scene(new_wallet(made_of=watch(REGTEST, made.receive, made.change)))
    scene.receive(100_000)
    scene.pass_blocks(144)
    payment = draft(scene.wallet, [Payee(BOB.address(), 50_000)], feerate_sat_kvb=2_000)
    assert payment.psbt.transaction.inputs[0].sequence == 144


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"wsh(and_v(v:pk({XPUB}/0h/*),older(144)))", "hardened steps"),
        (f"wsh(and_v(v:pk({XPUB}/0/*h),older(144)))", "hardened steps"),
        ("wsh(older(144))", "no descriptor"),  # Anybody could spend it.
        (f"wsh(and_v(v:pk({XPUB}/0/*),older(144))", "no descriptor"),
        (XPUB[:-1] + "W", "mistyped or cut short"),
        (f"wpkh({ZPUB[:-1]}t/<0;1>/*)", "mistyped or cut short"),
        (f"wpkh({XPUB}/0/*)\nwpkh({XPUB}/1/*)\nwpkh({XPUB}/2/*)", "one descriptor or two"),
        ("", "one descriptor or two"),
        ("# only a comment", "one descriptor or two"),
        ("x" * (MAX_EXPORT_SIZE + 1), "characters of descriptors"),
        ("{", "no export that axon knows"),
        ("[{}]", "no export that axon knows"),
        ('{"bip84": {"xpub": 7}}', "no export that axon knows"),
        ('{"keystores": [{}], "scriptType": "P2WPKH"}', "no export that axon knows"),
        ("[" * 50_000, "at most 10000 characters"),
        (ZPUB.replace("zpub", "zprv"), "no descriptor|private key"),
    ],
)
def test_what_is_not_watched(text: str, says: str) -> None:
    with pytest.raises(BadDescriptor, match=says):
        read(text)


def respelt(text: str, version: str) -> str:
    return base58check_encode(bytes.fromhex(version) + base58check_decode(text)[4:])


def test_an_address_is_watched_as_it_is() -> None:
    watched = read(f"addr({BIP84_FIRST})")
    assert (first(watched), watched.change, watched.remarks) == (BIP84_FIRST, None, ())


def test_keys_of_several_and_of_other_networks_are_named() -> None:
    with pytest.raises(BadDescriptor, match=r"Zpub\.\.\. is one key of a wallet of several"):
        read(respelt(ZPUB, "02aa7ed3"))
    vpub = respelt(ZPUB, "045f1cf6")
    assert first(read_watched(vpub, REGTEST, AccountKind.BIP44), REGTEST).startswith("bcrt1q")
    with pytest.raises(BadDescriptor, match=r"vpub.* is a key of a test network, the"):
        read(vpub)
    with pytest.raises(BadDescriptor, match=r"zpub.* is a key of main, the wallet is of regtest"):
        read_watched(ZPUB, REGTEST, AccountKind.BIP84)


COLDCARD: dict[str, Any] = {
    "chain": "BTC",
    "xfp": "73C5DA0A",
    "account": 0,
    "bip49": {"name": "p2sh-p2wpkh", "deriv": "m/49'/0'/0'", "xpub": YPUB, "first": BIP49_FIRST},
    "bip84": {"name": "p2wpkh", "deriv": "m/84'/0'/0'", "xpub": XPUB, "first": BIP84_FIRST},
}
SPARROW: dict[str, Any] = {
    "name": "cold",
    "policyType": "SINGLE",
    "scriptType": "P2WPKH",
    "defaultPolicy": {"miniscript": {"script": "wpkh(cold1)"}},
    "keystores": [
        {
            "keyDerivation": {"masterFingerprint": "73c5da0a", "derivation": "m/84'/0'/0'"},
            "extendedPublicKey": XPUB,
        }
    ],
}
ELECTRUM = {
    "wallet_type": "standard",
    "keystore": {
        "type": "hardware",
        "xpub": ZPUB,
        "derivation": "m/84'/0'/0'",
        "root_fingerprint": "73c5da0a",
    },
}
CORE = {
    "wallet_name": "w",
    "descriptors": [
        {"desc": f"pkh({XPUB}/5/*)", "active": True, "internal": False},
        {"desc": f"wpkh({ORIGIN}{XPUB}/1/*)", "active": True, "internal": True},
        {"desc": f"wpkh({ORIGIN}{XPUB}/0/*)", "active": True, "internal": False},
        {"desc": f"wpkh({XPUB}/9/*)", "active": False},
    ],
}


@pytest.mark.parametrize(
    "export",
    [
        COLDCARD,
        SPARROW,
        ELECTRUM,
        CORE,
        CORE["descriptors"][1:3],
        {"label": "cold", "descriptor": f"wpkh({ORIGIN}{XPUB}/<0;1>/*)", "blockheight": 0},
        COLDCARD | {"bip84": COLDCARD["bip84"] | {"desc": f"wpkh({ORIGIN}{XPUB}/<0;1>/*)"}},
    ],
    ids=["coldcard", "sparrow", "electrum", "core", "core-import", "specter", "coldcard-desc"],
)
def test_exports_of_other_programs(export: object) -> None:
    watched = read(json.dumps(export, indent=1))
    assert first(watched) == BIP84_FIRST
    assert first(watched, keychain=Keychain.CHANGE) == BIP84_CHANGE
    assert watched.remarks == ()
    if export is not ELECTRUM:
        assert "73c5da0a/84" in watched.receive


def test_the_kind_chooses_among_the_accounts_of_a_device() -> None:
    assert first(read(json.dumps(COLDCARD), AccountKind.BIP49)) == BIP49_FIRST
    with pytest.raises(BadDescriptor, match="with addresses of bip86"):
        read(json.dumps(COLDCARD), AccountKind.BIP86)


def test_a_first_address_that_does_not_fit_is_told() -> None:
    wrong = COLDCARD | {"bip84": COLDCARD["bip84"] | {"first": BIP84_CHANGE}}
    with pytest.raises(BadDescriptor, match="but its keys give another"):
        read(json.dumps(wrong))


def test_a_wallet_of_several_from_sparrow() -> None:
    two = SPARROW | {
        "policyType": "MULTI",
        "scriptType": "P2WSH",
        "defaultPolicy": {"miniscript": {"script": "wsh(sortedmulti(2,a1,b1))"}},
        "keystores": [
            SPARROW["keystores"][0],
            SPARROW["keystores"][0] | {"extendedPublicKey": YPUB},
        ],
    }
    watched = read(json.dumps(two))
    assert watched.receive.startswith("wsh(sortedmulti(2,[73c5da0a/84'/0'/0']xpub")
    assert watched.change is not None
