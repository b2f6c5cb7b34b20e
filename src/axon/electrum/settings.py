"""What the Electrum server is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.machine import Endpoint

MAINNET_PORT: Final = 50001
TEST_PORT: Final = 51001
"""Where wallets look for a server without TLS: Electrum's defaults. With TLS it is one more."""


@dataclass(frozen=True, slots=True)
class ElectrumSettings:
    """Where it listens.

    Args:
        plain: endpoints without encryption.
        tls: endpoints with it.
        certificate: the server's, in PEM form, with those that vouch for it; None to make one.
        key: of the certificate, in PEM form.
    """

    plain: tuple[Endpoint, ...] = ()
    tls: tuple[Endpoint, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
