"""Descriptors and extended keys against the vectors of BIP 32 and BIP 380 to 386."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives import descriptorchecksum
from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.descriptor import (
    Descriptor,
    DescriptorError,
    descriptor_checksum,
    infer_descriptor,
    parse_descriptor,
)
from axon.primitives.keys import decode_wif, encode_wif, public_key
from axon.primitives.network import MAINNET, REGTEST

KEY = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
LONG_KEY = (
    "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
    "5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
)
WIF = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
LONG_WIF = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
XPRV_A = (
    "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3"
    "LqFtT2emdEXVYsCzC2U"
)
XPRV_B = (
    "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM"
    "1fwqWpWkeS3v86pgKt"
)
XPRV_C = (
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGt"
    "RBeJgk33yuGBxrMPHi"
)
XPRV_D = (
    "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTj"
    "SyQbLYnMpCqE2VbFWc"
)
XPRV_E = (
    "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJ"
    "FjaPdGZ2y9WACViL4L"
)
XPUB_B = (
    "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap"
    "6r1D3tgFxHmwMkQTPH"
)
XPUB_D = (
    "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaD"
    "MzQLcgJvLJuZZvRcEL"
)
XPUB_E = (
    "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPL"
    "PxSb7gwQN3ih19Zm4Y"
)
XPRV_F = (
    "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wD"
    "vUAKRHSC34sJ7in334"
)
XONLY = "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
PUB_SCRIPT = "2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac"
KEY_HASH = "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"
TWO_KEYS = f"5121{KEY}41{LONG_KEY}52ae"  # 1 of the compressed and the uncompressed form of one key.

VALID: dict[str, list[str]] = {
    # BIP 381
    f"pk({WIF})": [PUB_SCRIPT],
    f"pk({KEY})": [PUB_SCRIPT],
    f"pkh([deadbeef/1/2'/3/4']{WIF})": [KEY_HASH],
    f"pkh([deadbeef/1/2h/3/4h]{KEY})": [KEY_HASH],
    f"pk({LONG_WIF})": [f"41{LONG_KEY}ac"],
    f"pkh({LONG_KEY})": ["76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac"],
    f"sh(pk({KEY}))": ["a9141857af51a5e516552b3086430fd8ce55f7c1a52487"],
    f"sh(pkh({WIF}))": ["a9141a31ad23bf49c247dd531a623c2ef57da3c400c587"],
    f"pkh({XPRV_A}/2147483647'/0)": ["76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac"],
    f"pk({XPRV_E}/0)": ["210379e45b3cf75f9c5f9befd8e9506fb962f6a9d185ac87001ec44a8d3df8d4a9e3ac"],
    f"pk({XPUB_E}/0)": ["210379e45b3cf75f9c5f9befd8e9506fb962f6a9d185ac87001ec44a8d3df8d4a9e3ac"],
    # BIP 382
    f"wpkh({KEY})": ["00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"],
    f"wpkh([ffffffff/13']{XPRV_B}/1/2/0)": ["0014326b2249e3a25d5dc60935f044ee835d090ba859"],
    f"wpkh([ffffffff/13']{XPUB_B}/1/2/*)": [
        "0014326b2249e3a25d5dc60935f044ee835d090ba859",
        "0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7",
        "00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27",
    ],
    f"sh(wpkh({XPRV_C}/10/20/30/40/*'))": [
        "a9149a4d9901d6af519b2a23d4a2f51650fcba87ce7b87",
        "a914bed59fc0024fae941d6e20a3b44a109ae740129287",
        "a9148483aa1116eb9c05c482a72bada4b1db24af654387",
    ],
    f"wsh(pkh({KEY}))": ["0020338e023079b91c58571b20e602d7805fb808c22473cbc391a41b1bd3a192e75b"],
    f"wsh(pk({KEY}))": ["00202e271faa2325c199d25d22e1ead982e45b64eeb4f31e73dbdf41bd4b5fec23fa"],
    f"sh(wsh(pkh({KEY})))": ["a914b61b92e2ca21bac1e72a3ab859a742982bea960a87"],
    # BIP 383
    f"multi(1,{WIF},{LONG_WIF})": [TWO_KEYS],
    f"sortedmulti(1,{LONG_KEY},{KEY})": [TWO_KEYS],
    f"sh(multi(2,[00000000/111'/222]{XPRV_D},{XPRV_E}/0))": [
        "a91445a9a622a8b0a1269944be477640eedc447bbd8487"
    ],
    f"sortedmulti(2,{XPUB_D}/*,{XPUB_E}/0/0/*)": [
        "5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b6"
        "2102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae",
        "52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe647"
        "2103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae",
        "5221022ccabda84c30bad578b13c89eb3b9544ce149787e5b538175b1d1ba259cbb833"
        "21024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c52ae",
    ],
    f"wsh(multi(2,{XPRV_A}/2147483647'/0,{XPRV_B}/1/2/*,{XPRV_C}/10/20/30/40/*'))": [
        "0020b92623201f3bb7c3771d45b2ad1d0351ea8fbf8cfe0a0e570264e1075fa1948f",
        "002036a08bbe4923af41cf4316817c93b8d37e2f635dd25cfff06bd50df6ae7ea203",
        "0020a96e7ab4607ca6b261bfe3245ffda9c746b28d3f59e83d34820ec0e2b36c139c",
    ],
    # BIP 385
    "raw(deadbeef)": ["deadbeef"],
    "addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)": ["a914" + "ee" * 20 + "87"],
    # BIP 386
    f"tr({XONLY})": ["512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"],
    f"tr({WIF})": ["512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"],
    f"tr({XPRV_D}/0/*,pk({XPRV_D}/1/*))": [
        "512078bc707124daa551b65af74de2ec128b7525e10f374dc67b64e00ce0ab8b3e12",
        "512001f0a02a17808c20134b78faab80ef93ffba82261ccef0a2314f5d62b6438f11",
        "512021024954fcec88237a9386fce80ef2ced5f1e91b422b26c59ccfc174c8d1ad25",
    ],
    f"tr({XONLY},pk(669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0))": [
        "512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754"
    ],
    f"tr({XONLY},{{pk({XPRV_F}/0),{{{{pk({XPUB_D}),"
    f"pk(02df12b7035bdac8e3bab862a3a83d06ea6b17b6753d52edecba9be46f5d09e076)}},pk({WIF})}}}})": [
        "512071fff39599a7b78bc02623cbe814efebf1a404f5d8ad34ea80f213bd8943f574"
    ],
}

INVALID = [
    # BIP 380: checksums.
    ("raw(deadbeef)#", "Expected 8 character checksum, not 0 characters"),
    ("raw(deadbeef)#89f8spxmx", "Expected 8 character checksum, not 9 characters"),
    ("raw(deadbeef)#89f8spx", "Expected 8 character checksum, not 7 characters"),
    ("raw(deedbeef)#89f8spxm", "does not match computed checksum"),
    ("raw(deedbeef)##9f8spxm", "Multiple '#' symbols"),
    ("raw(Ü)#00000000", "Invalid characters in payload"),
    # BIP 380: keys.
    (f"pk([deadbeef/0h/*]{KEY})", "Key path value '*' is not a valid uint32"),
    (f"pk([deadbeef/0h/]{KEY})", "Key path value '' is not a valid uint32"),
    (f"pk([deadbef/0h]{KEY})", "Fingerprint is not 4 bytes (7 characters instead of 8"),
    (f"pk([deadbeeef/0h]{KEY})", "Fingerprint is not 4 bytes (9 characters instead of 8"),
    (f"pk([deadbeez/0h]{KEY})", "Fingerprint 'deadbeez' is not hex"),
    (f"pk([deadbeef/2147483648]{KEY})", "Key path value 2147483648 is out of range"),
    (f"pk([deadbeef]]{KEY})", "Multiple ']' characters found for a single pubkey"),
    (f"pk(deadbeef]{KEY})", "Key origin start '[ character expected but not found, got 'd'"),
    (f"pk({KEY}/0)", "is not valid"),
    (f"pk({XPUB_D}/2147483648)", "Key path value 2147483648 is out of range"),
    (f"pk({XPUB_D}/1aa)", "Key path value '1aa' is not a valid uint32"),
    (f"pk({XPUB_D}/*/1)", "Key path value '*' is not a valid uint32"),
    ("pk()", "pk(): No key provided"),
    (f"pk( {KEY})", "whitespace"),
    ("pk(02" + "00" * 32 + ")", "is invalid"),
    # BIP 381 to 386: functions out of place.
    (f"pk(pk({KEY}))", "is not valid"),
    (f"sh({KEY})", "A function is needed within P2SH"),
    (f"sh(sh(pkh({KEY})))", "Can only have sh() at top level"),
    (f"wpkh({LONG_WIF})", "Uncompressed keys are not allowed"),
    (f"sh(wpkh({LONG_KEY}))", "Uncompressed keys are not allowed"),
    (f"wsh(pk({LONG_KEY}))", "Uncompressed keys are not allowed"),
    (f"wsh(wpkh({KEY}))", "Can only have wpkh() at top level or inside sh()"),
    (f"wsh(wsh(pkh({KEY})))", "Can only have wsh() at top level or inside sh()"),
    (f"wpkh(wsh(pkh({KEY})))", "is not valid"),
    (f"wsh({KEY})", "A function is needed within P2WSH"),
    (f"sh(combo({KEY}))", "Can only have combo() at top level"),
    (f"multi(a,{KEY})", "Multi threshold 'a' is not valid"),
    (f"multi(0,{KEY})", "Multisig threshold cannot be 0, must be at least 1"),
    (f"multi(3,{KEY},{KEY})", "threshold is 3 but only 2 keys specified"),
    (f"multi(1,{KEY},{KEY},{KEY},{KEY})", "Cannot have 4 pubkeys in bare multisig"),
    (f"sh(multi(1,{','.join([KEY] * 16)}))", "P2SH script is too large, 547 bytes"),
    (f"wsh(multi(1,{','.join([KEY] * 21)}))", "Cannot have 21 keys in multisig"),
    ("sh(raw(00))", "Can only have raw() at top level"),
    ("raw(0)", "Raw script is not hex"),
    ("raw(0 0)", "Raw script is not hex"),
    ("addr(asdf)", "Address is not valid"),
    (f"sh(tr({XONLY}))", "Can only have tr at top level"),
    (f"tr({LONG_KEY})", "Uncompressed keys are not allowed"),
    (f"tr({XONLY},{{pk({KEY})}})", "tr(): expected ',' after script expression"),
    (f"tr({XONLY},pk({KEY}),pk({KEY}))", "tr(): expected ')' after script expression"),
    ("tr(" + XONLY + "," + "{" * 200 + ")", "tr() supports at most 128 nesting levels"),
    # BIP 379: miniscript.
    (f"sh(and_v(v:pk({KEY}),older(1)))", "Miniscript expressions can only be used in wsh or tr."),
    (f"wsh(and_v(v:pk({KEY}),pk({KEY})))", "is not sane: contains duplicate public keys"),
    ("wsh(and_v(v:older(1),older(2)))", "is not sane: witnesses without signature exist"),
    (f"wsh(and_v(v:pk({KEY}),and_v(v:older(1),older(4194305))))", "contains mixes of timelocks"),
    (f"wsh(or_b(pk({KEY}),pk({KEY})))", " is invalid"),
    (f"wsh(and_v(v:pk({KEY}),0))", "is not satisfiable"),
    (f"wsh(and_v(v:pk({LONG_KEY}),older(1)))", "Uncompressed keys are not allowed"),
    (f"wsh(and_v(v:pk({KEY}),older(0)))", "A function is needed within P2WSH"),
    # BIP 390: keys of several signers.
    (f"wpkh(musig({KEY},{KEY}))", "musig() is only allowed in tr() and rawtr()"),
    ("tr(musig())", "musig(): Must contain key expressions"),
    (f"tr(musig({XONLY}))", f"musig(): Pubkey '{XONLY}' is invalid"),
    (f"tr(musig({KEY}/0))", "is not valid"),
    (f"tr(musig({KEY})/0)", "derivation requires all participants to be xpubs or xprvs"),
    (f"tr(musig({XPUB_D}/*)/0)", "Cannot have ranged participant keys"),
    (f"tr(musig({XPUB_D})/*h)", "Cannot have hardened child derivation"),
    (f"tr(musig({XPUB_D})/0h/*)", "cannot have hardened derivation steps"),
    ("", "'' is not a valid descriptor function"),
    ("nonsense(00)", "'nonsense(00)' is not a valid descriptor function"),
]


def parse(text: str) -> Descriptor:
    (descriptor,) = parse_descriptor(text, MAINNET)
    return descriptor


@pytest.mark.parametrize("text", VALID)
def test_scripts_of_the_bips(text: str) -> None:
    descriptor = parse(text)
    expected = VALID[text]
    assert [descriptor.scripts(index)[0].hex() for index in range(len(expected))] == expected
    assert descriptor.is_range == (len(expected) > 1)


@pytest.mark.parametrize("text", VALID)
def test_the_public_text_stands_for_the_same(text: str) -> None:
    descriptor = parse(text)
    assert "xprv" not in str(descriptor)
    assert WIF not in str(descriptor)
    again = parse(descriptor.to_text())
    assert not again.has_private_keys
    assert str(again) == str(descriptor)
    if "'" not in text:  # Nobody derives a hardened child from a public key.
        assert again.scripts(1) == descriptor.scripts(1)


@pytest.mark.parametrize("text", VALID)
def test_a_fixed_descriptor_is_no_family_and_tells_the_origin(text: str) -> None:
    descriptor = parse(text)
    for index in range(2):
        for script, fixed in zip(descriptor.scripts(index), descriptor.fixed(index), strict=True):
            assert fixed.scripts() == (script,)
            assert not fixed.is_range
            assert parse(fixed.to_text()).scripts() == (script,)


@pytest.mark.parametrize(("text", "reason"), INVALID)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(DescriptorError) as caught:
        parse(text)
    assert reason in str(caught.value)


def test_a_required_checksum() -> None:
    assert parse_descriptor("raw(deadbeef)#89f8spxm", MAINNET, checksum=True)
    with pytest.raises(DescriptorError, match=r"^Missing checksum$"):
        parse_descriptor("raw(deadbeef)", MAINNET, checksum=True)
    assert descriptor_checksum("raw(deadbeef)") == "89f8spxm"


def test_combo_gives_the_four_scripts_of_a_key_and_two_of_an_uncompressed_one() -> None:
    assert [each.hex() for each in parse(f"combo({KEY})").scripts()] == [
        PUB_SCRIPT,
        KEY_HASH,
        "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e",
        "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87",
    ]
    assert len(parse(f"combo({LONG_KEY})").scripts()) == 2


def test_scan_results_name_key_and_origin() -> None:
    """Facts of Bitcoin Core's functional test of `scantxoutset`."""
    root = (
        "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJC"
        "CRUcMRvmDUjyEmNUWwx8UbK"
    )
    (family,) = parse_descriptor(f"combo({root}/0h/0h/*)", REGTEST)
    assert [family.fixed(index)[1].to_text() for index in range(2)] == [
        "pkh([0c5f9a1e/0h/0h/0]026dbd8b2315f296d36e6b6920b1579ca75569464875c7ebe869b536a7d9503c8c)"
        "#rthll0rg",
        "pkh([0c5f9a1e/0h/0h/1]033e6f25d76c00bedb3a8993c7d5739ee806397f0529b1b31dda31ef890f19a60c)"
        "#mcjajulr",
    ]


def test_multipath_keys_stand_for_several_descriptors() -> None:
    text = f"wpkh({XPUB_B}/<0;1;7h>/*)"
    assert [str(each) for each in parse_descriptor(text, MAINNET)] == [
        f"wpkh({XPUB_B}/0/*)",
        f"wpkh({XPUB_B}/1/*)",
        f"wpkh({XPUB_B}/7h/*)",
    ]
    pair = f"multi(1,{XPUB_B}/<0;1>,{XPUB_D}/<2;3>)"
    assert str(parse_descriptor(pair, MAINNET)[1]) == f"multi(1,{XPUB_B}/1,{XPUB_D}/3)"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("<0>", "at least two items"),
        ("<>", "at least two items"),
        ("<0;0>", "Duplicated key path value 0"),
        ("<0;1>/<2;3>", "Multiple multipath"),
        ("<0;a>", "Key path value 'a' is not a valid uint32"),
        ("<0;1", "Key path value '<0;1' is not a valid uint32"),
    ],
)
def test_multipath_refusals(path: str, reason: str) -> None:
    with pytest.raises(DescriptorError, match=reason):
        parse_descriptor(f"wpkh({XPUB_B}/{path})", MAINNET)


def test_multipath_keys_have_as_many_paths_each() -> None:
    with pytest.raises(DescriptorError, match="mismatched lengths"):
        parse_descriptor(f"multi(1,{XPUB_B}/<0;1>,{XPUB_D}/<2;3;4>)", MAINNET)


def test_multipath_keys_stand_for_no_more_than_can_be_held() -> None:
    items = ";".join(map(str, range(100_000)))
    with pytest.raises(DescriptorError, match="too many items"):
        parse_descriptor(f"wpkh({XPUB_B}/<{items}>/*)", MAINNET)
    items = ";".join(map(str, range(500)))
    assert len(parse_descriptor(f"wpkh({XPUB_B}/<{items}>/*)", MAINNET)) == 500


def test_multi_a_in_a_leaf() -> None:
    (descriptor,) = parse_descriptor(f"tr({XONLY},sortedmulti_a(1,{KEY},{WIF}))", MAINNET)
    assert isinstance(descriptor.tree, Descriptor)
    key = XONLY
    assert descriptor.tree.scripts()[0].hex() == f"20{key}ac20{key}ba519c"


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (PUB_SCRIPT, f"pk({KEY})"),
        (f"41{LONG_KEY}ac", f"pk({LONG_KEY})"),
        (f"5121{KEY}51ae", f"multi(1,{KEY})"),
        (KEY_HASH, "addr(1F3sAm6ZtwLAUnj7d38pGFxtP3RVEvtsbV)"),
        ("6a026869", "raw(6a026869)"),
        ("", "raw()"),
        ("51024e73", "addr(bc1pfeessrawgf)"),
        (f"5120{XONLY}", f"rawtr({XONLY})"),
    ],
)
def test_a_bare_script_gets_a_descriptor(script: str, text: str) -> None:
    inferred = infer_descriptor(bytes.fromhex(script), MAINNET)
    body, _, checksum = inferred.partition("#")
    assert body == text
    assert checksum == descriptor_checksum(body)
    if script:  # The text for none is refused, as in Bitcoin Core.
        assert parse(inferred).scripts() == (bytes.fromhex(script),)


def test_an_x_that_is_no_point_is_an_address() -> None:
    assert infer_descriptor(b"\x51\x20" + b"\xff" * 32, MAINNET).startswith("addr(bc1p")


def test_a_hybrid_key_has_no_key_descriptor() -> None:
    script = bytes.fromhex("4106" + LONG_KEY[2:] + "ac")
    assert infer_descriptor(script, MAINNET).startswith("raw(")


def test_a_known_witness_script_is_described() -> None:
    inner = parse(f"multi(1,{KEY})").scripts()[0]
    script = parse(f"wsh(multi(1,{KEY}))").scripts()[0]
    assert infer_descriptor(script, MAINNET, witness_script=inner).startswith(
        f"wsh(multi(1,{KEY}))#"
    )
    assert infer_descriptor(script, MAINNET).startswith("addr(")


@given(st.binary(max_size=60))
def test_every_script_has_a_descriptor_that_stands_for_it(script: bytes) -> None:
    assume(script)
    (descriptor,) = parse_descriptor(infer_descriptor(script, REGTEST), REGTEST)
    assert descriptor.scripts() == (script,)


@given(st.text(max_size=60))
def test_any_text_is_a_descriptor_or_refused(text: str) -> None:
    for name in ("pk", "multi", "tr", "sh", "wsh", "raw", "addr", "combo"):
        try:
            parse_descriptor(f"{name}({text})", MAINNET)
        except DescriptorError:
            continue


# BIP 32, vectors 1, 3 and 5.

_SEED_1 = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
_CHAIN_1 = [
    (
        (),
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD2"
        "65TMg7usUDFdp6W1EGMcet8",
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNN"
        "U3TGtRBeJgk33yuGBxrMPHi",
    ),
    (
        (HARDENED,),
        "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ"
        "9xv5ski8PX9rL2dZXvgGDnw",
        "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZ"
        "G7XnxHrnYeSvkzY7d2bhkJ7",
    ),
    (
        (HARDENED, 1),
        "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527H"
        "qck2AxYysAA7xmALppuCkwQ",
        "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY"
        "3H2EU4pWcQDnRnrVA1xe8fs",
    ),
]


@pytest.mark.parametrize(("path", "public", "private"), _CHAIN_1)
def test_derivation_of_bip32(path: tuple[int, ...], public: str, private: str) -> None:
    key = ExtendedKey.from_seed(_SEED_1).descend(path)
    assert key.encode(MAINNET) == private
    assert key.public().encode(MAINNET) == public
    assert ExtendedKey.decode(private, MAINNET) == key
    assert ExtendedKey.decode(public, MAINNET) == key.public()


def test_public_derivation_agrees_with_private() -> None:
    parent = ExtendedKey.from_seed(_SEED_1)
    for number in range(4):
        assert parent.public().child(number) == parent.child(number).public()
    with pytest.raises(DecodeError, match="private key"):
        parent.public().child(HARDENED)


@pytest.mark.parametrize(
    "text",
    [
        # Public key not on the curve, prefix of another kind, zero secret (vector 5).
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4veMimro1xe"
        "fsM58PgBMrvdYre8QyULY",
        "DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHGMQzT7ayAmfo4z3gY5KfbrZWZ6St2"
        "4UVf2Qgo6oujFktLHdHY4",
        "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzF93Y5wvzdUayhgkkFoicQZcP3y52uP"
        "PxFnfoLZB21Teqt1VvEHx",
        "",
        "xpub",
    ],
)
def test_invalid_extended_keys(text: str) -> None:
    with pytest.raises(DecodeError):
        ExtendedKey.decode(text, MAINNET)


def test_an_extended_key_of_another_network_is_refused() -> None:
    text = ExtendedKey.from_seed(_SEED_1).encode(REGTEST)
    assert text.startswith("tprv")
    with pytest.raises(DecodeError, match="extended key of main"):
        ExtendedKey.decode(text, MAINNET)


def test_wif_there_and_back() -> None:
    secret, compressed = decode_wif(WIF, MAINNET)
    assert compressed
    assert public_key(secret).hex() == KEY
    assert encode_wif(secret, MAINNET) == WIF
    assert encode_wif(secret, MAINNET, compressed=False) == LONG_WIF
    with pytest.raises(DecodeError):
        decode_wif(WIF, REGTEST)


@given(st.text(descriptorchecksum._SIGNS, max_size=130))
def test_short_texts_are_summed_up_like_long_ones(text: str) -> None:
    assert descriptorchecksum._short(text[:120]) == descriptorchecksum._long(text[:120])


@pytest.mark.parametrize("text", ["addr(ü)", "addr(\n)", "ü" * 130])
def test_signs_that_descriptors_do_not_have(text: str) -> None:
    with pytest.raises(DescriptorError, match="Invalid characters in payload"):
        descriptor_checksum(text)
