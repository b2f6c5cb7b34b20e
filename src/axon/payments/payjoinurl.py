"""Where a payjoin is asked for: the `pj=` of a payment URI (BIP 78).

The original goes there before it is sent anywhere, and what comes back is signed. So the way must
be encrypted and lead to whom it names: HTTPS, an onion service, or this machine itself.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from axon.errors import AxonError
from axon.machine import Endpoint, EndpointError

MAX_URL_SIZE: Final = 1_000

_VISIBLE: Final = re.compile(r"[!-~]+", re.ASCII)
_PORTS: Final = {"https": 443, "http": 80}


class BadUrl(AxonError, ValueError):
    """No URL that a payjoin may be asked for at; the text says why not."""


@dataclass(frozen=True, slots=True)
class PayjoinUrl:
    """A payjoin endpoint.

    Args:
        endpoint: host and port.
        is_https: whether the connection is encrypted by TLS.
        target: path and query, as a request names them.
    """

    endpoint: Endpoint
    is_https: bool
    target: str

    def asking(self, query: str) -> str:
        """The target with more parameters behind it."""
        return f"{self.target}{'&' if '?' in self.target else '?'}{query}"


def parse_payjoin_url(text: str) -> PayjoinUrl:
    """An endpoint from its URL.

    Raises:
        BadUrl: it is malformed, or the way there is open to anybody.
    """
    if len(text) > MAX_URL_SIZE or not _VISIBLE.fullmatch(text):
        raise BadUrl(f"expected a URL of at most {MAX_URL_SIZE} visible characters")
    try:
        parts = urlsplit(text)
        scheme = parts.scheme.lower()
        if scheme not in _PORTS:
            raise BadUrl("expected a payjoin endpoint at https://, or at http:// of an onion")
        if parts.username is not None or parts.password is not None:
            raise BadUrl("expected a payjoin endpoint without a user's name in it")
        endpoint = Endpoint.parse(parts.netloc, _PORTS[scheme])
    except (EndpointError, ValueError) as error:
        if isinstance(error, BadUrl):
            raise
        raise BadUrl("expected a URL with a host, such as https://shop.example/pj") from None
    if scheme == "http" and not _is_safe_in_clear(endpoint.host):
        raise BadUrl("without encryption a payjoin is asked for at an onion service only")
    query = f"?{parts.query}" if parts.query else ""
    return PayjoinUrl(endpoint, scheme == "https", (parts.path or "/") + query)


def _is_safe_in_clear(host: str) -> bool:
    return host.lower().endswith(".onion") or is_loopback(host)


def is_loopback(host: str) -> bool:
    """Whether it is an address of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
