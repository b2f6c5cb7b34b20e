"""Descriptors that somebody brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from axon.chain.headertree import HeaderEntry
from axon.errors import DecodeError
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.keyexpression import DescriptorError
from axon.primitives.network import Network
from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import label_from, require_unlocked
from axon.rpc.corewallet.reach import seen_by
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import type_name

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

MAX_IMPORTED: Final = 1_000
"""Descriptors of one call; each takes a write to the disk."""

MAX_RANGE: Final = 100_000
"""Scripts of one descriptor that may be watched from the start: some seconds of deriving."""

WINDOW_S: Final = 2 * 3600
"""A block's time may be so far off."""


@method("wallet", shown={"requests": "requests"})
async def importdescriptors(daemon: Daemon, call: Call, requests: list[Json]) -> Json:
    """Import descriptors. Blocks since their timestamps are looked through again; the call returns
    when that is done. Requires wallet passphrase to be set with walletpassphrase call if wallet is
    encrypted.

    Args:
        requests: Data to be imported: objects with desc (with its checksum), timestamp (a UNIX time
            or "now"), and active, range, next_index, internal, label

    Returns:
        [                               (json array) one for each
          {                             (json object)
            "success" : true|false,     (boolean) Whether it was imported
            "warnings" : [ "str" ],     (json array, optional) What was taken for granted
            "error" : {...}             (json object, optional) Why it was not
          },
          ...
        ]
    """
    wallet = await seen_by(daemon, call)
    if wallet.scanning is not None:
        message = "Wallet is currently rescanning. Abort existing rescan or wait."
        raise RpcError(Code.WALLET, message)
    if len(requests) > MAX_IMPORTED:
        raise RpcError(Code.PARAMETER, f"at most {MAX_IMPORTED} descriptors at a time")
    tip = daemon.node.active.tip
    now_s = tip.median_time_past()
    times = [max(_timestamp(each, now_s), 1) for each in requests]
    await wallet.ask(_RequireUnlocked())
    start = _rescan_start(tip, min([tip.time, *times]) - WINDOW_S)
    answers: list[dict[str, Json]] = []
    for request, time_s in zip(requests, times, strict=True):
        answers.append(await wallet.ask(_Import(request, time_s, daemon.node.network, start)))
    if start is not None and any(each["success"] for each in answers):
        try:
            await wallet.rescan(start, None)
        except RpcError as error:
            if error.message == "Rescan aborted.":
                raise RpcError(Code.MISC, "Rescan aborted by user.") from None
            raise
    return answers


def _rescan_start(tip: HeaderEntry, from_s: int) -> int | None:
    """The height of the first block that is not older; None if none is."""
    before = None if tip.parent is None else tip.parent.last_before(from_s)
    first = tip.ancestor(0 if before is None else before.height + 1)
    return first.height if first is not None and first.time >= from_s else None


def _timestamp(request: Json, now_s: int) -> int:
    if isinstance(request, list):
        raise RpcError(Code.TYPE, "JSON value of type array is not of expected type object")
    if not isinstance(request, dict) or "timestamp" not in request:
        raise RpcError(Code.TYPE, "Missing required timestamp field for key")
    value = request["timestamp"]
    if value == "now":
        return now_s
    if type(value) is int:
        return value
    raise RpcError(
        Code.TYPE,
        f'Expected number or "now" timestamp value for key. got type {type_name(value)}',
    )


@dataclass(frozen=True, slots=True)
class _RequireUnlocked:
    def run(self, desk: DescriptorDesk) -> None:
        require_unlocked(desk)


@dataclass(frozen=True, slots=True)
class _Import:
    request: Mapping[str, Json] = field(repr=False)
    time_s: int
    network: Network
    rescan_from: int | None

    def run(self, desk: DescriptorDesk) -> dict[str, Json]:
        warnings: list[Json] = []
        answer: dict[str, Json] = {"success": True}
        try:
            self._take(desk, warnings)
        except RpcError as error:
            answer = {"success": False, "error": error.to_json()}
        return {**answer, **({"warnings": warnings} if warnings else {})}

    def _take(self, desk: DescriptorDesk, warnings: list[Json]) -> None:
        given = self.request
        if "desc" not in given:
            raise RpcError(Code.PARAMETER, "Descriptor not found.")
        label = label_from(given.get("label"))
        text = str(given["desc"])
        try:
            parsed = parse_descriptor(text, self.network, checksum=True)
        except DescriptorError as error:
            raise RpcError(Code.NOT_FOUND, str(error)) from None
        if "internal" in given and len(parsed) > 1:
            raise RpcError(
                Code.NOT_FOUND,
                "Cannot have multipath descriptor while also specifying 'internal'",
            )
        fields = self._range(parsed[0], desk.ahead, warnings)
        self._check(desk, parsed, warnings)
        private_texts = _single_texts(text, parsed)
        for place, (each, private_text) in enumerate(zip(parsed, private_texts, strict=True)):
            internal = bool(given.get("internal", False))
            if len(parsed) == 2:
                internal = place == 1
            held = desk.held(
                active=bool(given.get("active", False)),
                internal=internal,
                timestamp_s=self.time_s,
                **fields,
            )
            secret = private_text if each.has_private_keys else None
            try:
                kept = desk.range_of(each)
                if kept and not (held.start <= kept[0] and kept[1] <= held.end) and each.is_range:
                    first, last = kept[0], kept[1] - 1
                    raise RpcError(
                        Code.WALLET,
                        f"Could not add descriptor '{text}': new range must include current range ="
                        f" [{first},{last}]",
                    )
                desk.hold(each, secret, held, self.rescan_from)
            except DecodeError:
                raise RpcError(
                    Code.WALLET,
                    "Cannot expand descriptor. Probably because of hardened derivations without"
                    " private keys provided",
                ) from None
        if label:
            for script in parsed[0].scripts(0):
                address = desk.wallet.address(script)
                if address:
                    desk.wallet.set_label(address, label)

    def _check(
        self, desk: DescriptorDesk, parsed: Sequence[Descriptor], warnings: list[Json]
    ) -> None:
        given, first = self.request, parsed[0]
        refused = {
            "Active descriptors must be ranged": given.get("active") and not first.is_range,
            "Multipath descriptors should not have a label": "label" in given and len(parsed) > 1,
            "Ranged descriptors should not have a label": "label" in given and first.is_range,
            "Internal addresses should not have a label": "label" in given
            and given.get("internal"),
        }
        for reason, is_so in refused.items():
            if is_so:
                raise RpcError(Code.PARAMETER, reason)
        if given.get("active") and first.name == "combo":
            raise RpcError(Code.WALLET, "Combo descriptors cannot be set to active")
        has_private, may = first.has_private_keys, desk.wallet.flags.private_keys
        if has_private and not may:
            raise RpcError(
                Code.WALLET,
                "Cannot import private keys to a wallet with private keys disabled",
            )
        if may and not has_private:
            raise RpcError(
                Code.WALLET,
                "Cannot import descriptor without private keys to a wallet with private keys"
                " enabled",
            )
        if may and not all(key.secret for key in desk.keys_of(first)):
            warnings.append(
                "Not all private keys provided. Some wallet functionality may return unexpected"
                " errors"
            )

    def _range(self, first: Descriptor, ahead: int, warnings: list[Json]) -> dict[str, Any]:
        if not first.is_range:
            if "range" in self.request:
                raise RpcError(
                    Code.PARAMETER, "Range should not be specified for an un-ranged descriptor"
                )
            return {"ahead": ahead}
        start, end = 0, ahead
        if "range" in self.request:
            start, end = _ends(self.request["range"])
        else:
            warnings.append("Range not given, using default keypool range")
        following = self.request.get("next_index", start)
        if type(following) is not int or not start <= following < end:
            raise RpcError(Code.PARAMETER, "next_index is out of range")
        if end - start > MAX_RANGE:
            raise RpcError(Code.PARAMETER, "Range is too large")
        return {"start": start, "end": end, "next_index": following, "ahead": ahead}


def _ends(value: Json) -> tuple[int, int]:
    """First index, and one behind the last.

    Raises:
        RpcError: -8, it is no range.
    """
    if type(value) is int:
        value = [0, value]
    is_pair = isinstance(value, list) and len(value) == 2
    if not is_pair or any(type(each) is not int for each in value):
        raise RpcError(Code.PARAMETER, "Range must be specified as end or as [begin,end]")
    begin, end = value
    if begin < 0:
        raise RpcError(Code.PARAMETER, "Range should be greater or equal than 0")
    if end >> 31:
        raise RpcError(Code.PARAMETER, "End of range is too high")
    if end < begin:
        raise RpcError(
            Code.PARAMETER, "Range specified as [begin,end] must not have begin after end"
        )
    return begin, end + 1


def _single_texts(text: str, parsed: Sequence[Descriptor]) -> list[str]:
    """The texts, as they were given, of what a multipath text stands for."""
    body = text.partition("#")[0]
    if len(parsed) == 1:
        return [body]
    singles = [""] * len(parsed)
    rest = body
    while "<" in rest:
        before, _, rest = rest.partition("<")
        choices, _, rest = rest.partition(">")
        parts = choices.split(";")
        singles = [made + before + part for made, part in zip(singles, parts, strict=True)]
    return [made + rest for made in singles]
