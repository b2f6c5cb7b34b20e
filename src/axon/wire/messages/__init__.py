"""The messages of the protocol: one frozen value per kind, by theme in the modules below.

Each has its wire name as `command`, its payload by `encode()`, and comes from a payload by
`decode()`, which raises `DecodeError` and nothing else. Bytes behind a message are ignored, as
Bitcoin Core does: newer versions of a message may be longer. A `feature` and a
`staletip` may not be.
"""

from axon.wire.messages.addresses import Addr, AddrV2, GetAddr
from axon.wire.messages.blocks import BlockMessage, GetBlocks, MerkleBlock
from axon.wire.messages.bloomfilters import FilterAdd, FilterClear, FilterLoad
from axon.wire.messages.compactblocks import BlockTxn, CmpctBlock, GetBlockTxn, SendCmpct
from axon.wire.messages.filters import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
)
from axon.wire.messages.handshake import Feature, SendAddrV2, Services, Verack, Version, WtxidRelay
from axon.wire.messages.headers import GetHeaders, Headers, SendHeaders
from axon.wire.messages.inventory import (
    FeeFilter,
    GetData,
    Inv,
    InvItem,
    InvType,
    MempoolMessage,
    NotFound,
    Tx,
)
from axon.wire.messages.keepalive import Ping, Pong
from axon.wire.messages.limits import Malformed, OverLimit
from axon.wire.messages.staletips import StaleTip
from axon.wire.messages.unknown import Unknown

Message = (
    Version
    | Verack
    | WtxidRelay
    | SendAddrV2
    | Feature
    | SendHeaders
    | SendCmpct
    | FeeFilter
    | Ping
    | Pong
    | GetAddr
    | Addr
    | AddrV2
    | Inv
    | GetData
    | NotFound
    | GetHeaders
    | Headers
    | GetBlocks
    | BlockMessage
    | CmpctBlock
    | GetBlockTxn
    | BlockTxn
    | Tx
    | MempoolMessage
    | MerkleBlock
    | FilterLoad
    | FilterAdd
    | FilterClear
    | GetCFilters
    | CFilter
    | GetCFHeaders
    | CFHeaders
    | GetCFCheckpt
    | CFCheckpt
    | StaleTip
)
"""Any message that we speak."""

__all__ = [
    "Addr",
    "AddrV2",
    "BlockMessage",
    "BlockTxn",
    "CFCheckpt",
    "CFHeaders",
    "CFilter",
    "CmpctBlock",
    "Feature",
    "FeeFilter",
    "FilterAdd",
    "FilterClear",
    "FilterLoad",
    "GetAddr",
    "GetBlockTxn",
    "GetBlocks",
    "GetCFCheckpt",
    "GetCFHeaders",
    "GetCFilters",
    "GetData",
    "GetHeaders",
    "Headers",
    "Inv",
    "InvItem",
    "InvType",
    "Malformed",
    "MempoolMessage",
    "MerkleBlock",
    "Message",
    "NotFound",
    "OverLimit",
    "Ping",
    "Pong",
    "SendAddrV2",
    "SendCmpct",
    "SendHeaders",
    "Services",
    "StaleTip",
    "Tx",
    "Unknown",
    "Verack",
    "Version",
    "WtxidRelay",
]
