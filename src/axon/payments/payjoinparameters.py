"""What a sender allows in a payjoin: BIP 78's optional parameters, as the query of a URL.

They come from strangers. One that cannot be read counts as not given where that allows the receiver
less, and as given where that allows him less.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from axon.primitives.transaction import MAX_MONEY_SAT

MAX_QUERY_SIZE: Final = 1_000
"""Characters; all five parameters have some 150."""

_NUMBER: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_DECIMAL: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{0,18}))?", re.ASCII)
_KVB_DECIMALS: Final = 3
_UNREADABLE: Final = 0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a sender allows.

    Args:
        version: of the protocol; 0 if it was not readable.
        fee_output: which output of the original may be lowered to pay for more inputs; None for
            none. It and the next count only together.
        max_contribution_sat: by how much; None for not at all.
        min_feerate_sat_kvb: the joined payment pays as much or more; 0 for any.
        fixed_output: the receiver may not lower, replace or remove what is paid to him.
    """

    version: int = 1
    fee_output: int | None = None
    max_contribution_sat: int | None = None
    min_feerate_sat_kvb: int = 0
    fixed_output: bool = False

    def encode(self) -> str:
        """As the query of a URL, without the question mark; what is not set is left out."""
        parts = [f"v={self.version}"]
        if self.fee_output is not None and self.max_contribution_sat is not None:
            parts.append(f"additionalfeeoutputindex={self.fee_output}")
            parts.append(f"maxadditionalfeecontribution={self.max_contribution_sat}")
        if self.min_feerate_sat_kvb:
            whole, rest = divmod(self.min_feerate_sat_kvb, 10**_KVB_DECIMALS)
            parts.append(f"minfeerate={whole}.{rest:03}")
        if self.fixed_output:
            parts.append("disableoutputsubstitution=true")
        return "&".join(parts)


def parse_parameters(query: str) -> Parameters:
    """The parameters of a query; never fails.

    Args:
        query: what stands behind the question mark of a URL. Of a name that is there twice the
            first value counts.
    """
    given: dict[str, str] = {}
    for name, value in parse_qsl(query[:MAX_QUERY_SIZE], keep_blank_values=True):
        given.setdefault(name, value)
    version = _number(given.get("v", "1"))
    output = _number(given.get("additionalfeeoutputindex", ""))
    most = _number(given.get("maxadditionalfeecontribution", ""))
    if output is None or most is None:
        output = most = None
    return Parameters(
        _UNREADABLE if version is None else version,
        output,
        most,
        _feerate_sat_kvb(given.get("minfeerate", "")),
        given.get("disableoutputsubstitution", "false").lower() not in ("false", "0"),
    )


def _number(text: str) -> int | None:
    if not _NUMBER.fullmatch(text):
        return None
    return min(int(text), MAX_MONEY_SAT)


def _feerate_sat_kvb(text: str) -> int:
    """From a decimal number of sat/vB, rounded up."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return 0
    fraction = (match[2] or "").ljust(_KVB_DECIMALS, "0")
    sat_kvb = int(match[1] + fraction[:_KVB_DECIMALS])
    return min(sat_kvb + bool(fraction[_KVB_DECIMALS:].strip("0")), MAX_MONEY_SAT)
