"""Objects that name a key more than once: at once, in pieces, and what calls make of them."""

from __future__ import annotations

import pytest

from axon.primitives.network import REGTEST
from axon.rpc.amounts import decode_json, encode_json
from axon.rpc.corewallet.paying import outputs_from
from axon.rpc.errors import Code, RpcError
from axon.rpc.longjson import decode_long
from axon.rpc.parameters import type_name
from axon.rpc.repeatedkeys import RepeatedKeys, pairs_of
from axon.rpc.shapes.drafts import draft
from axon.rpc.walletmethods.named import parse_recipients
from tests.signing import Signer

BOB, CAROL = Signer("Bob").address(), Signer("Carol").address()
TEXT = f'{{"{BOB}":1,"{CAROL}":2,"{BOB}":3}}'


def in_pieces(text: str) -> object:
    return decode_long(text, lambda: None)


@pytest.mark.parametrize("decode", [decode_json, in_pieces])
def test_the_first_value_counts_and_all_are_there(decode: object) -> None:
    assert callable(decode)
    value = decode(TEXT)
    assert isinstance(value, RepeatedKeys)
    assert value == {BOB: 1, CAROL: 2}
    assert pairs_of(value) == ((BOB, 1), (CAROL, 2), (BOB, 3))
    assert value.repeated == BOB
    assert type_name(value) == "object"
    assert encode_json(value) == TEXT
    long = decode('{"a":"' + "x" * 5_000 + '","b":1,"b":2}')
    assert isinstance(long, RepeatedKeys)
    assert long["b"] == 1
    assert not isinstance(decode('{"a":1,"b":{"a":1}}'), RepeatedKeys)


@pytest.mark.parametrize("whole", [TEXT, f'[{{"{BOB}":1}},{{"{CAROL}":2}},{{"{BOB}":3}}]'])
def test_nobody_is_paid_who_is_named_twice(whole: str) -> None:
    value = decode_json(whole)
    message = f"Invalid parameter, duplicated address: {BOB}"
    with pytest.raises(RpcError) as refused:
        outputs_from(value, REGTEST)
    assert (refused.value.code, refused.value.message) == (Code.PARAMETER, message)
    with pytest.raises(RpcError) as refused:
        draft([], value, 0, None, 2, REGTEST)
    assert (refused.value.code, refused.value.message) == (Code.PARAMETER, message)


def test_an_object_of_a_list_has_one_key_however_often() -> None:
    value = decode_json(f'[{{"{BOB}":1,"{BOB}":1}}]')
    message = "key-value pair must contain exactly one key"
    with pytest.raises(RpcError, match=message):
        outputs_from(value, REGTEST)
    with pytest.raises(RpcError, match=message):
        draft([], value, 0, None, 2, REGTEST)


def test_a_wallet_of_words_pays_nobody_who_is_named_twice() -> None:
    with pytest.raises(RpcError, match=f"duplicated address: {BOB}"):
        parse_recipients(decode_json(TEXT), REGTEST)
    assert len(parse_recipients({BOB: 1, CAROL: 2}, REGTEST)) == 2
