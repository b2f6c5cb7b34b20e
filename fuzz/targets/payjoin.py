"""What strangers say who want to join a payment, or who have joined one (BIP 78)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from axon.payments.payjoin import read_bounded
from axon.payments.payjoincheck import proposal_fault
from axon.payments.payjoininputs import fee_sat, names_keys
from axon.payments.payjoinparameters import Parameters, parse_parameters
from axon.payments.payjoinurl import BadUrl, parse_payjoin_url
from axon.wallet.errors import BadPsbt
from axon.wallet.psbtmaps import PsbtMaps

ALLOWED: Final = Parameters(1, 0, 200, 1_000)


def request(data: bytes) -> None:
    """The query of an offer, and a URL to offer at."""
    text = data.decode("latin-1")
    parameters = parse_parameters(text)
    assert parse_parameters(parameters.encode()) == parameters
    for url in (text, f"https://{text}", f"http://{text}.onion/pj"):
        with suppress(BadUrl):
            parse_payjoin_url(url).asking("v=1")


def proposal(data: bytes) -> None:
    """An original behind its size in two bytes, and a proposal; as bytes and, if so, in base64."""
    end = 2 + int.from_bytes(data[:2], "little")
    with suppress(BadPsbt):
        original, proposed = read_bounded(data[2:end]), read_bounded(data[end:])
        names_keys(PsbtMaps.decode(original.raw))
        script = original.transaction.outputs[-1].script_pubkey
        fault = proposal_fault(original, proposed, ALLOWED, script, lambda _: False)
        if not fault:
            assert fee_sat(original) >= 0
            assert proposed.transaction.version == original.transaction.version


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "payjoin-request": request,
    "payjoin-proposal": proposal,
}
