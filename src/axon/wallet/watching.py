"""What people have of a wallet that they want to watch: descriptors, keys, exports of programs.

A phone shows an xpub, ypub or zpub (SLIP 132); Sparrow, Coldcard, Electrum, Specter and Bitcoin
Core write files. All of it becomes one descriptor or two. What had to be guessed on the way is said
in remarks, so that nobody watches addresses that no wallet gives out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from axon.errors import DecodeError
from axon.primitives.address import base58check_decode, base58check_encode, encode_address
from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.descriptor import DescriptorError, parse_descriptor
from axon.primitives.network import MAINNET, Network
from axon.wallet.errors import BadDescriptor
from axon.wallet.keys import AccountKind, single_descriptors

MAX_EXPORT_SIZE: Final = 200_000
"""Characters: the export of a signing device with all its accounts takes 5,000."""

_PREFIXES: Final[dict[bytes, tuple[bool, str]]] = {
    bytes.fromhex("0488b21e"): (True, "xpub"),
    bytes.fromhex("049d7cb2"): (True, "ypub"),
    bytes.fromhex("04b24746"): (True, "zpub"),
    bytes.fromhex("0295b43f"): (True, "Ypub"),
    bytes.fromhex("02aa7ed3"): (True, "Zpub"),
    bytes.fromhex("043587cf"): (False, "tpub"),
    bytes.fromhex("044a5262"): (False, "upub"),
    bytes.fromhex("045f1cf6"): (False, "vpub"),
    bytes.fromhex("024289ef"): (False, "Upub"),
    bytes.fromhex("02575483"): (False, "Vpub"),
}
"""Whether of the main network, and how the key begins in base 58 (SLIP 132)."""

_KINDS: Final = {
    "y": AccountKind.BIP49,
    "u": AccountKind.BIP49,
    "z": AccountKind.BIP84,
    "v": AccountKind.BIP84,
}
"""Which scripts a key is for, by its first letter."""

_FORMS: Final = {
    AccountKind.BIP44: "pkh({})",
    AccountKind.BIP49: "sh(wpkh({}))",
    AccountKind.BIP84: "wpkh({})",
    AccountKind.BIP86: "tr({})",
}

_SPARROW_FORMS: Final = {
    "P2PKH": "pkh({})",
    "P2SH_P2WPKH": "sh(wpkh({}))",
    "P2WPKH": "wpkh({})",
    "P2TR": "tr({})",
    "P2SH": "sh({})",
    "P2SH_P2WSH": "sh(wsh({}))",
    "P2WSH": "wsh({})",
}

_KEY: Final = re.compile(r"\b([xyzYZtuvUV]pub[1-9A-HJ-NP-Za-km-z]{100,112})")
_BARE: Final = re.compile(r"(\[[0-9a-fA-F]{8}[0-9hH'/]*\])?([xyzYZtuvUV]pub[1-9A-HJ-NP-Za-km-z]+)")
_PATHLESS: Final = re.compile(_KEY.pattern + r"(/\*)?(?=[,)}]|$)")
_ACCOUNT_DEPTH: Final = 3
_CHAIN_DEPTH: Final = 4


@dataclass(frozen=True, slots=True)
class Watched:
    """What is to be watched.

    Args:
        receive: a descriptor, for addresses that are given to others.
        change: for what comes back; None if there is no other one.
        remarks: what was not said and had to be taken for granted, in sentences without their full
            stop.
        first_address: the first one as an export names it; None if none does.
    """

    receive: str
    change: str | None
    remarks: tuple[str, ...] = ()
    first_address: str | None = None


def read_watched(
    text: str, network: Network, kind: AccountKind, *, as_written: bool = False
) -> Watched:
    """What a text stands for that somebody has of a wallet.

    Args:
        text: a descriptor, two of them on two lines, an extended public key, or what a program has
            exported.
        kind: of addresses, where the text does not say.
        as_written: the key of an account without a path is meant so.

    Raises:
        BadDescriptor: it is none of these, or of another network, or holds a private key.
    """
    if len(text) > MAX_EXPORT_SIZE:
        raise BadDescriptor(f"expected at most {MAX_EXPORT_SIZE} characters of descriptors")
    text = text.strip().removeprefix("\ufeff")
    lines, first = [text], None
    if re.match(r"\{|\[\s*\{", text):
        lines, first = _from_export(text, kind)
    lines = [line.strip() for each in lines for line in each.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    remarks: list[str] = []
    singles: list[str] = []
    for line in lines:
        descriptor = _as_descriptor(line, network, kind, as_written, remarks)
        singles += [each for each in single_descriptors(network, descriptor) if each not in singles]
    if not 1 <= len(singles) <= 2:
        raise BadDescriptor(
            f"expected one descriptor or two, for receiving and change, not {len(singles)}"
        )
    receive, change = (*singles, None)[:2]
    assert receive is not None
    if first is not None and first != _first_address(receive, network):
        raise BadDescriptor(
            f"this export names {first} as its first address, but its keys give another: it is"
            " damaged, or of another kind than --kind says"
        )
    return Watched(receive, change, tuple(remarks), first)


def _as_descriptor(
    line: str, network: Network, kind: AccountKind, as_written: bool, remarks: list[str]
) -> str:
    bare = _BARE.fullmatch(line)
    if bare is not None:
        return _of_key(bare[1] or "", bare[2], network, kind, remarks)
    plain = _KEY.sub(lambda found: _plain_key(found[1], network), line)
    if plain != line:
        plain = plain.partition("#")[0]  # The checksum was of the other spelling.
    return plain if as_written else _with_paths(plain, network, remarks)


def _of_key(origin: str, text: str, network: Network, kind: AccountKind, remarks: list[str]) -> str:
    """The descriptor of an account of which only the key is known."""
    purpose = re.match(r"\[[0-9a-fA-F]{8}/(\d+)[hH']", origin)
    named = {f"bip{purpose[1]}" if purpose else ""} & set(AccountKind)
    kind = _KINDS.get(text[0], AccountKind(named.pop()) if named else kind)
    if text[0] in "YZUV":
        raise BadDescriptor(
            f"{text[:4]}... is one key of a wallet of several: give the whole descriptor, such as"
            " wsh(sortedmulti(2,KEY1/<0;1>/*,KEY2/<0;1>/*))"
        )
    plain = _plain_key(text, network)
    depth = _decoded(plain, network).depth
    if depth == _CHAIN_DEPTH:
        path = "/*"
    elif depth in (0, _ACCOUNT_DEPTH):
        path = "/<0;1>/*"
    else:
        raise BadDescriptor(
            f"{text[:4]}... is no key of an account, it is {depth} steps below its master key:"
            " give a descriptor that says what to derive from it"
        )
    form = _FORMS[kind]
    remarks.append(
        f"{text[:12]}... alone does not say what to derive: taken as"
        f" {form.format(text[:12] + '...' + path)}, the addresses of {kind.upper()}"
    )
    return form.format(origin + plain + path)


def _with_paths(line: str, network: Network, remarks: list[str]) -> str:
    """A descriptor whose keys are all of accounts and say no path, with the usual one."""
    body, mark, _ = line.partition("#")
    keys = _KEY.findall(body)
    found = _PATHLESS.findall(body)
    if not keys or len(found) < len(keys) or not all(_is_account(key, network) for key in keys):
        return line
    usual = _PATHLESS.sub(lambda match: f"{match[1]}/<0;1>/*", body)
    shown = _KEY.sub(lambda match: f"{match[1][:12]}...", body)
    meant = _KEY.sub(lambda match: f"{match[1][:12]}...", usual)
    if mark:
        raise BadDescriptor(
            f"{shown} names the key of an account, and addresses that no wallet gives out: write"
            f" {meant}, or add --as-written"
        )
    remarks.append(f"{shown} names the key of an account without its usual path: taken as {meant}")
    return usual


def _is_account(text: str, network: Network) -> bool:
    key = _decoded(text, network)
    return key.depth >= _ACCOUNT_DEPTH and key.number >= HARDENED


def _plain_key(text: str, network: Network) -> str:
    """The same key as `xpub` or `tpub`, as descriptors have it."""
    try:
        payload = base58check_decode(text)
    except DecodeError:
        raise BadDescriptor(f"{text[:12]}... is mistyped or cut short: copy it again") from None
    is_main, begin = _PREFIXES.get(payload[:4], (None, ""))
    if is_main is None:
        raise BadDescriptor(f"{text[:12]}... is no extended public key")
    if is_main is not (network is MAINNET):
        owner = "main" if is_main else "a test network"
        raise BadDescriptor(f"{begin}... is a key of {owner}, the wallet is of {network.name}")
    return base58check_encode(network.xpub_prefix + payload[4:])


def _decoded(text: str, network: Network) -> ExtendedKey:
    try:
        return ExtendedKey.decode(text, network)
    except DecodeError as error:
        raise BadDescriptor(f"{text[:12]}... is no extended public key: {error}") from None


def _first_address(descriptor: str, network: Network) -> str | None:
    try:
        return encode_address(parse_descriptor(descriptor, network)[0].scripts(0)[0], network)
    except DescriptorError:
        return None


# Exports.


def _from_export(text: str, kind: AccountKind) -> tuple[list[str], str | None]:
    """The descriptors of a file that a program has written, and its first address if it says it.

    Raises:
        BadDescriptor: it is of no known form.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    entries = data.get("descriptors") if isinstance(data, dict) else data
    try:
        if isinstance(entries, list):
            return _from_core(entries, kind), None
        if isinstance(data, dict):
            if isinstance(data.get("descriptor"), str):  # Specter.
                return [data["descriptor"]], None
            if isinstance(data.get("keystores"), list):
                return [_from_sparrow(data)], None
            if isinstance(data.get("keystore"), dict):
                return [_from_electrum(data["keystore"])], None
            if isinstance(data.get(str(kind)), dict):
                return _from_coldcard(data, data[str(kind)], kind)
    except (KeyError, TypeError, AttributeError, ValueError):
        pass
    raise BadDescriptor(
        "this JSON is no export that axon knows, of Sparrow, Coldcard, Electrum, Specter or Bitcoin"
        f" Core with addresses of {kind}: give its output descriptor"
    )


def _from_core(entries: list[Any], kind: AccountKind) -> list[str]:
    """What `listdescriptors` says, or `importdescriptors` takes."""
    if len(entries) > 2:
        head = _FORMS[kind].partition("{")[0]
        entries = [each for each in entries if each.get("active") and each["desc"].startswith(head)]
    chosen = sorted(entries, key=lambda each: bool(each.get("internal")))
    return [str(each["desc"]) for each in chosen]


def _from_coldcard(
    data: dict[str, Any], account: dict[str, Any], kind: AccountKind
) -> tuple[list[str], str | None]:
    first = account.get("first")
    if isinstance(account.get("desc"), str):
        return [account["desc"]], first
    path = str(account["deriv"]).removeprefix("m")
    key = f"[{str(data['xfp']).lower()}{path}]{account['xpub']}/<0;1>/*"
    return [_FORMS[kind].format(key)], first


def _from_electrum(keystore: dict[str, Any]) -> str:
    """A wallet of one key, as Electrum keeps it and Coldcard writes it for Electrum."""
    key = str(keystore["xpub"])
    master, path = keystore.get("root_fingerprint"), keystore.get("derivation")
    origin = f"[{master}{str(path).removeprefix('m')}]" if master and path else ""
    return _FORMS[_KINDS.get(key[0], AccountKind.BIP44)].format(f"{origin}{key}/<0;1>/*")


def _from_sparrow(data: dict[str, Any]) -> str:
    keys = [
        f"[{each['keyDerivation']['masterFingerprint']}"
        f"{each['keyDerivation']['derivation'].removeprefix('m')}]"
        f"{each['extendedPublicKey']}/<0;1>/*"
        for each in data["keystores"]
    ]
    form = _SPARROW_FORMS[data["scriptType"]]
    if data["policyType"] == "SINGLE":
        (key,) = keys
        return form.format(key)
    threshold = re.search(r"multi\((\d+),", data["defaultPolicy"]["miniscript"]["script"])
    if threshold is None:
        raise ValueError("a policy of another form")
    return form.format(f"sortedmulti({threshold[1]},{','.join(keys)})")
