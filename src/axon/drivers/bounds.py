"""What both drivers bound alike, so that a machine meets the same walls in either world."""

from __future__ import annotations

from axon.machine import SECOND

CONNECT_TIMEOUT = 5 * SECOND
"""How long a TCP connection may take, to a peer or to a proxy (`-timeout`, Core's default)."""

PROXY_TIMEOUT = 20 * SECOND
"""How long a proxy that was reached may take to lead to a peer: Tor builds a circuit first. Core
waits as long for each of its replies."""

I2P_TIMEOUT = 180 * SECOND
"""How long an I2P router may take for one reply: it asks its network first (Core's figure)."""

RESOLVE_TIMEOUT = 10 * SECOND
"""How long a `Resolve` may take before it counts as answered with nothing."""

RESOLVE_MAX_ENDPOINTS = 32
"""Of a name's addresses, the first so many: one DNS seed must not fill the address table alone."""

DISCONNECT_LIMIT = 5 * SECOND
"""How long a disconnected peer may take to read what had been transmitted."""

SEND_HIGH_WATER_BYTES = 1_000_000
"""Above this a peer is `Clogged` (Bitcoin Core's -maxsendbuffer)."""

SEND_LOW_WATER_BYTES = 250_000
"""Below this a clogged peer is `Drained`: far enough down that the two do not alternate."""

SEND_MAX_BYTES = 32_000_000
"""Above this a peer is closed. A machine heeds `Clogged` only at its next event, and may just have
answered one request with several messages of 4 MB; a peer that never reads must not get more."""

SEND_TOTAL_BYTES = 200_000_000
"""What waits for all clogged peers together. Above it the one for whom most waits is closed: a
hundred peers that ask for blocks and read nothing must not take the memory that the node needs."""
