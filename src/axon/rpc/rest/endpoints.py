"""Which path asks what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from axon.rpc.rest import blocks, filters, outputs, state
from axon.rpc.rest.question import Endpoint

PREFIX: Final = "/rest/"

ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/rest/tx/": state.transaction,
    "/rest/block/notxdetails/": blocks.block_without_details,
    "/rest/block/": blocks.block,
    "/rest/blockpart/": blocks.block_part,
    "/rest/blockfilter/": filters.block_filter,
    "/rest/blockfilterheaders/": filters.filter_headers,
    "/rest/chaininfo": state.chain_info,
    "/rest/mempool/": state.pool,
    "/rest/headers/": blocks.headers,
    "/rest/getutxos": outputs.unspent_outputs,
    "/rest/deploymentinfo/": state.deployment_info,
    "/rest/deploymentinfo": state.deployment_info,
    "/rest/blockhashbyheight/": blocks.hash_by_height,
    "/rest/spenttxouts/": blocks.spent_outputs,
}
"""What each path that begins so asks; the first that fits counts."""

READING_BODIES: Final = outputs.unspent_outputs
"""The one for which the body of a request matters."""


def find_endpoint(uri: str) -> tuple[Endpoint, str] | None:
    """What a URI asks, and the rest of it behind that; None if there is nothing of the kind."""
    for prefix, endpoint in ENDPOINTS.items():
        if uri.startswith(prefix):
            return endpoint, uri.removeprefix(prefix)
    return None
