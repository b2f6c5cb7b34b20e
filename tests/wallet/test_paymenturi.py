"""Payment URIs: the forms of BIP 21 and BIP 321; nothing is paid that is not understood."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.network import MAINNET, REGTEST, SIGNET
from axon.primitives.transaction import MAX_MONEY_SAT
from axon.wallet.errors import BadAddress, BadAmount
from axon.wallet.paymenturi import PaymentUri, format_payment_uri, one_line, parse_payment_uri

# The address that BIP 21 has in its examples.
LUKE = "175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W"
WITNESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

# Those of BIP 321.
SEGWIT = "bc1qufgy354j3kmvuch987xe4s40836x3h0lg8f5nq"
TAPROOT = "bc1p5swkugezn97763tl0yty6556856uug0q6jflljvep9m4p7339x5qzyrh4q"
TEST = "tb1qghfhmd4zh7ncpmxl3qzhmq566jk8ckq4gafnmq"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        # The examples of BIP 21.
        (f"bitcoin:{LUKE}", PaymentUri(LUKE)),
        (f"bitcoin:{LUKE}?label=Luke-Jr", PaymentUri(LUKE, label="Luke-Jr")),
        (
            f"bitcoin:{LUKE}?amount=20.3&label=Luke-Jr",
            PaymentUri(LUKE, 2_030_000_000, label="Luke-Jr"),
        ),
        (
            f"bitcoin:{LUKE}?amount=50&label=Luke-Jr&message=Donation%20for%20project%20xyz",
            PaymentUri(LUKE, 5_000_000_000, "Luke-Jr", "Donation for project xyz"),
        ),
        (
            f"bitcoin:{LUKE}?somethingyoudontunderstand=50&somethingelseyoudontget=999",
            PaymentUri(LUKE),
        ),
        # Those of BIP 321, which writes its invalid addresses where valid ones belong.
        (f"bitcoin:{LUKE}?lightning=lnbc420bogusinvoice", PaymentUri(LUKE)),
        (f"bitcoin:{LUKE}?sp=sp1qsilentpayment", PaymentUri(LUKE)),
        (f"bitcoin:?bc={SEGWIT}&bc={TAPROOT}", PaymentUri(SEGWIT)),
        (
            f"BITCOIN:{SEGWIT.upper()}?BC={TAPROOT.upper()}",
            PaymentUri(SEGWIT.upper()),
        ),
        (f"BITCOIN:?BC={SEGWIT.upper()}&BC={TAPROOT.upper()}", PaymentUri(SEGWIT.upper())),
        (f"bitcoin:?tb={TEST}", PaymentUri(TEST)),
        (f"bitcoin:{LUKE}?pop=initiatingapp%3a", PaymentUri(LUKE)),
        (f"bitcoin:{LUKE}?pop=https%3aiwantyouripaddress.com", PaymentUri(LUKE)),
        # Others.
        (f"  {LUKE}\n", PaymentUri(LUKE)),
        (f"BITCOIN:{WITNESS.upper()}?AMOUNT=.5", PaymentUri(WITNESS.upper(), 50_000_000)),
        (f"BitCoin:{WITNESS}?amount=0.00000001", PaymentUri(WITNESS, 1)),
        (f"bitcoin:{WITNESS}?amount=1.", PaymentUri(WITNESS, 100_000_000)),
        (f"bitcoin:{WITNESS}?amount=21000000.000000000", PaymentUri(WITNESS, MAX_MONEY_SAT)),
        (f"bitcoin:{WITNESS}?&lightning=lnbc1&sp=https://x/?a=b&", PaymentUri(WITNESS)),
        # Payjoin (BIP 78).
        (f"bitcoin:{WITNESS}?pj=https://x/?a=b&", PaymentUri(WITNESS, payjoin="https://x/?a=b")),
        (
            f"bitcoin:{WITNESS}?PJ=https%3A%2F%2Fx%2F&PJOS=0",
            PaymentUri(WITNESS, payjoin="https://x/", fixed_output=True),
        ),
        (
            f"bitcoin:{WITNESS}?pj=https://x/&pjos=1",
            PaymentUri(WITNESS, payjoin="https://x/"),
        ),
        (f"bitcoin:?bc={WITNESS}&lno=lno1bogus", PaymentUri(WITNESS)),
        (f"bitcoin:{LUKE}?bc={WITNESS}", PaymentUri(LUKE)),
        (f"bitcoin:{LUKE}?label=caf%C3%A9+bar", PaymentUri(LUKE, label="café+bar")),
        (f"bitcoin:{LUKE}?label=a%1b[31m%0Ab%E2%80%AEc", PaymentUri(LUKE, label="a [31m b c")),
    ],
)
def test_what_a_uri_means(text: str, means: PaymentUri) -> None:
    assert parse_payment_uri(text) == means


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # Those of BIP 321.
        (f"bitcoin:{LUKE}?label=Luke-Jr&label=Matt", "two values for label"),
        (f"bitcoin:{LUKE}?amount=42&amount=10", "two values for amount"),
        (f"bitcoin:{LUKE}?amount=42&amount=42", "two values for amount"),
        (f"bitcoin:{LUKE}?pop=callback%3a&req-pop=callback%3a", "requires 'req-pop'"),
        (f"bitcoin:{LUKE}?pop=callback%3a&pop=callback%3a", "two values for pop"),
        (f"bitcoin:{LUKE}?req-pop=https%3aevilwebsite.com", "requires 'req-pop'"),
        (f"bitcoin:?bc={TEST}", "no address of that kind"),
        ("bitcoin:?lno=lno1bogusoffer&sp=sp1qsilentpayment", "names no Bitcoin address"),
        # Others.
        (f"bitcoin:{LUKE}?req-somethingyoudontunderstand=50", "requires 'req-something"),
        (f"bitcoin:{LUKE}?REQ-x=1", "requires 'req-x'"),
        (f"bitcoin:{LUKE}?amount=1&amount=2", "two values for amount"),
        (f"bitcoin:{LUKE}?label=a&Label=b", "two values for label"),
        ("bitcoin:", "names no Bitcoin address"),
        ("bitcoin:?lightning=lnbc1", "names no Bitcoin address"),
        (f"bitcoin:{LUKE}?label=%FF", "the label of this payment URI is no UTF-8"),
        (f"bitcoin:{LUKE}?label=\ud800", "the label of this payment URI is no UTF-8"),
        (f"bitcoin:{LUKE}?x=" + "1" * 4_000, "at most 4000 characters"),
    ],
)
def test_what_cannot_be_paid(text: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        parse_payment_uri(text)


@pytest.mark.parametrize(
    "amount",
    ["", ".", "1,5", "1.000,00", "1e3", "-1", "+1", " 1", "50 BTC", "٣", "0.000000001", "21000001"],
)
def test_amounts_that_are_none(amount: str) -> None:
    with pytest.raises(BadAmount, match=r"amount of .* payment URI"):
        parse_payment_uri(f"bitcoin:{LUKE}?amount={amount}")


def test_a_note_says_who_and_for_what() -> None:
    assert PaymentUri(LUKE).note == ""
    assert PaymentUri(LUKE, label="Shop").note == "Shop"
    assert PaymentUri(LUKE, message="Coffee").note == "Coffee"
    assert PaymentUri(LUKE, label="Shop", message="Coffee").note == "Shop: Coffee"
    assert len(PaymentUri(LUKE, label="a" * 255, message="b" * 255).note) == 255


@given(st.text(max_size=200))
def test_any_text_is_a_uri_or_refused(text: str) -> None:
    for tried in (text, f"bitcoin:{text}", f"bitcoin:{LUKE}?{text}"):
        with suppress(BadAddress, BadAmount):
            parse_payment_uri(tried)


def test_of_several_addresses_that_of_our_network_is_taken() -> None:
    text = f"bitcoin:?tb={TEST}&bc={SEGWIT}"
    assert parse_payment_uri(text, SIGNET).address == TEST
    assert parse_payment_uri(text, MAINNET).address == SEGWIT
    assert parse_payment_uri(text, REGTEST).address == parse_payment_uri(text).address == SEGWIT


@given(
    st.builds(
        PaymentUri,
        st.just(WITNESS),
        st.none() | st.integers(0, MAX_MONEY_SAT),
        st.text(max_size=50).map(one_line),
        st.text(max_size=50).map(one_line),
        st.text("abcXYZ019-_", max_size=50),
        st.text("abc:/?&=#%", max_size=50),
        st.booleans(),
    )
)
def test_a_uri_that_is_written_is_read_back(uri: PaymentUri) -> None:
    assert parse_payment_uri(format_payment_uri(uri)) == uri


def test_how_a_uri_is_written() -> None:
    assert format_payment_uri(PaymentUri(LUKE)) == f"bitcoin:{LUKE}"
    asked = PaymentUri(LUKE, 2_030_000_000, "Luke & Jr", "5 %")
    expected = f"bitcoin:{LUKE}?amount=20.3&label=Luke%20%26%20Jr&message=5%20%25"
    assert format_payment_uri(asked) == expected
