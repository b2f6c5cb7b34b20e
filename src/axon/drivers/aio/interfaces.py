"""This machine's own addresses, as far as it speaks to the world from them."""

from __future__ import annotations

import socket
from typing import Final

_ELSEWHERE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses for documentation: they are somewhere behind the default route."""


def own_hosts() -> list[str]:
    """The addresses from which packets to the world would go out: at most one IPv4, one IPv6.

    Nothing is sent, and no name is looked up: a datagram socket that is given a destination only
    chooses its own end.
    """
    found: list[str] = []
    for family, elsewhere in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue  # No way to the world in this family.
    return found
