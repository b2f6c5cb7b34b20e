"""Which Bitcoin Core's interface axon has, as launchers look for it in the first line."""

from __future__ import annotations

from typing import Final

from axon.compiled import KIND
from axon.host.version import VERSION
from axon.rpc.version import COMPATIBLE_VERSION

INTERFACE_VERSION: Final = (
    f"v{COMPATIBLE_VERSION // 10_000}.{COMPATIBLE_VERSION // 100 % 100}.0 (axon {VERSION}, {KIND})"
)
"""Such as `v31.0.0 (axon 0.1.0, pure Python)`."""
