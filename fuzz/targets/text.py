"""What people and programs write as text: descriptors, options, files of settings, JSON-RPC."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from axon.cli.catalogue import OPTIONS
from axon.cli.conf import Settings, parse_conf
from axon.cli.options import as_flag, as_int, as_text, split_command_line
from axon.cli.values import (
    read_byte_units,
    read_endpoint,
    read_money,
    read_network,
    read_port,
    read_uint256,
)
from axon.errors import ConfigError, DecodeError, WalletError
from axon.p2p.banlist import Subnet
from axon.primitives.address import decode_address
from axon.primitives.addressfaults import address_fault
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import infer_descriptor, parse_descriptor
from axon.primitives.hashes import from_hex, to_hex
from axon.primitives.keys import decode_wif, encode_wif
from axon.primitives.network import NETWORKS, REGTEST
from axon.primitives.transaction import MAX_MONEY_SAT
from axon.rpc.amounts import Amount, Json, decode_json, encode_json, format_amount
from axon.rpc.amounts import parse_fixed_point as parse_units
from axon.rpc.dispatch import Registry, method
from axon.rpc.endpoints import parse_endpoint
from axon.rpc.errors import RpcError
from axon.rpc.jsonrpc import http_status, parse_request, reply
from axon.rpc.requestheads import RequestHeads
from axon.wallet.amounts import Unit, parse_amount
from axon.wallet.labels import outpoint_ref, parse_outpoint
from axon.wallet.paymenturi import parse_payment_uri
from axon.wallet.wordlists import check_words


def descriptor(data: bytes) -> None:
    """An output descriptor: what was read is written, and read again, with the same scripts."""
    text = data.decode("latin-1")
    for network in NETWORKS.values():
        with suppress(DecodeError):
            for read in parse_descriptor(text, network):
                (again,) = parse_descriptor(str(read), network)
                assert str(again) == str(read)
                with suppress(DecodeError):  # A hardened step without the secret.
                    scripts = read.scripts(1)
                    assert again.scripts(1) == scripts or read.has_private_keys
                    for script in scripts:
                        assert infer_descriptor(script, network)


def key(data: bytes) -> None:
    """Keys in base 58: one form each."""
    text = data.decode("latin-1")
    for network in NETWORKS.values():
        with suppress(DecodeError):
            extended = ExtendedKey.decode(text, network)
            assert extended.encode(network) == text
            assert extended.child(0).public() == extended.public().child(0)
        with suppress(DecodeError):
            secret, compressed = decode_wif(text, network)
            assert encode_wif(secret, network, compressed=compressed) == text
    with suppress(DecodeError):
        assert to_hex(from_hex(text)) == text.lower()


def endpoint(data: bytes) -> None:
    """`host:port`, as an option and as a parameter of a call."""
    text = data.decode("latin-1")
    with suppress(ConfigError):
        read = read_endpoint("connect", text, REGTEST.port)
        assert 0 < read.port < 1 << 16
        assert parse_endpoint(text, REGTEST.port) == read
    with suppress(RpcError):
        read = parse_endpoint(text, REGTEST.port)
        assert read.host
        assert 0 < read.port < 1 << 16


def subnet(data: bytes) -> None:
    """Whom the operator bans."""
    with suppress(DecodeError):
        read = Subnet.from_text(data.decode("latin-1"))
        assert Subnet.from_text(str(read)) == read


def option_value(data: bytes) -> None:
    """Numbers, sums and sizes in options, of a node and of a wallet."""
    text = data.decode("latin-1")
    with suppress(ConfigError):
        assert read_money("mintxfee", text) >= 0
    with suppress(ConfigError):
        assert 0 < read_port("port", text) < 1 << 16
    for unit in (None, Unit.BTC, Unit.SAT):
        with suppress(WalletError):
            assert 0 <= parse_amount(text, unit) <= MAX_MONEY_SAT
    with suppress(WalletError):
        assert parse_outpoint(outpoint_ref(parse_outpoint(text))) == parse_outpoint(text)
    units = parse_units(text)
    if units is not None:
        assert parse_units(format_amount(units)) == units
    size = read_byte_units(text, "M")
    assert size is None or size >= 0
    number = read_uint256(text)
    assert number is None or 0 <= number < 1 << 256
    read_network(text)
    assert -(1 << 63) <= as_int(text) < 1 << 63
    as_flag(text)
    assert as_text(text) == text


def settings_file(data: bytes) -> None:
    """`bitcoin.conf`: read as it stands, then asked for every option there is."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(ConfigError):
        lines, sections = parse_conf(text)
        assert len(lines) <= text.count("=")
        assert all(0 < number <= text.count("\n") + 1 for _, number in sections)
    settings = Settings(OPTIONS)
    with suppress(ConfigError):
        settings.add_conf(text, "bitcoin.conf")
        settings.chain = settings.select_chain()
        settings.told()
        for name in OPTIONS:
            settings.flag(name, False)
            settings.number(name, 1)
            settings.text(name)
            settings.values(name)
        settings.refuse_misplaced()


def command_line(data: bytes) -> None:
    """Options in front of a command."""
    words = data.decode("utf-8", "surrogateescape").split("\n")
    with suppress(ConfigError):
        settings, rest = split_command_line(words, OPTIONS)
        assert set(settings) <= set(OPTIONS)
        assert rest == words[len(words) - len(rest) :]


@method("fuzz", aliases={"text": "words"})
def speak(
    _: object,
    text: str,
    number: int = 0,
    real: float = 0.0,
    yes: bool = False,
    things: list[Json] | None = None,
    *,
    amount: Amount = Amount(0),  # noqa: B008 It is frozen.
    either: bool | int = False,
    object: dict[str, Json] | None = None,
) -> Json:
    """A method that takes one parameter of each kind.

    Args:
        text: A string
        number: A whole number
        real: A number
        yes: True or false
        things: An array
        amount: A sum of money
        either: One or the other
        object: An object

    Returns:
        {}    (json object) All of it
    """
    assert isinstance(text, str)
    assert type(number) is int
    assert isinstance(real, float)
    assert type(yes) is bool
    assert isinstance(amount, Amount)
    assert isinstance(either, bool | int)
    return {"text": text, "number": number, "things": things, "amount": amount, "object": object}


_REGISTRY: Final = Registry()
_REGISTRY.add(speak)


def json_rpc(data: bytes) -> None:
    """The body of an HTTP request: a call that is understood is run, its answer is JSON."""
    try:
        asked = decode_json(data)
    except ValueError:
        return
    for each in asked if isinstance(asked, list) else [asked]:
        request, error = parse_request(each)
        result: Json = None
        if error is None:
            try:
                found = _REGISTRY.find(request.method)
                arguments = found.arguments(request.params)
                result = speak(None, **arguments) if found.name == "speak" else found.help  # type: ignore[arg-type]
            except RpcError as refused:
                error = refused
        if error is not None:
            assert http_status(error) in (400, 404, 500)
        answer = reply(request, result, error)
        try:
            text = encode_json(answer)
        except TypeError:
            continue  # Infinity, or nested too deeply.
        decode_json(text.encode("utf-8", "backslashreplace"))


def request_head(data: bytes) -> None:
    """What comes to the port for calls: the same bytes go on however they are cut."""
    size, text = max(1, data[0] if data else 1), data[1:]
    whole, cut = RequestHeads(), RequestHeads()
    together = whole.received(text)
    apart = b"".join([cut.received(text[at : at + size]) for at in range(0, len(text), size)])
    assert apart == together
    assert cut.is_between == whole.is_between
    heads = text.count(b"\n\n") + text.count(b"\n\r\n") + 1
    lines = text.count(b"\n")
    assert len(together) <= len(text) + lines + heads * len("Host: localhost\r\n")


def typed_payment(data: bytes) -> None:
    """What people type into a wallet: words, payment URIs, addresses with mistakes in them."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(WalletError):
        words = check_words(text)
        assert check_words(words) == words
    with suppress(WalletError):
        uri = parse_payment_uri(text)
        assert uri.amount_sat is None or 0 <= uri.amount_sat <= MAX_MONEY_SAT
        assert uri.note.isprintable()
    for network in NETWORKS.values():
        try:
            decode_address(text, network)
        except DecodeError:
            assert address_fault(text, network)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "descriptor": descriptor,
    "key": key,
    "endpoint": endpoint,
    "subnet": subnet,
    "option-value": option_value,
    "settings-file": settings_file,
    "command-line": command_line,
    "typed-payment": typed_payment,
    "json-rpc": json_rpc,
    "request-head": request_head,
}
