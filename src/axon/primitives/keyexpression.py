"""The keys inside descriptors (BIP 380, multipath of BIP 389): origin, key, derivation, wildcard.

`[d34db33f/44h/0h/0h]xpub.../1/*` is an extended key known to descend from another, of which the
children of the second child are meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache

from axon.errors import DecodeError
from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.hashes import hash160
from axon.primitives.keys import (
    COMPRESSED_SIZE,
    UNCOMPRESSED_SIZE,
    X_ONLY_SIZE,
    decode_wif,
    is_public_key,
    is_x_only_key,
    public_key,
)
from axon.primitives.network import Network


class DescriptorError(DecodeError):
    """A text is no descriptor; says why in Bitcoin Core's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.args = (reason,)


class Wildcard(Enum):
    """Whether a key expression stands for all children of its last key."""

    NONE = auto()
    UNHARDENED = auto()
    HARDENED = auto()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a key comes from.

    Args:
        fingerprint: 4 bytes, of the key at which the path begins.
        path: child numbers from there to the key.
        apostrophe: whether hardened steps are written `'`, not `h`.
    """

    fingerprint: bytes
    path: tuple[int, ...] = ()
    apostrophe: bool = False

    def __str__(self) -> str:
        return f"[{self.fingerprint.hex()}{path_text(self.path, self.apostrophe)}]"

    def encode(self) -> bytes:
        """As PSBTs carry it: the fingerprint, and 32 bits for each step, little-endian."""
        steps = [step.to_bytes(4, "little") for step in self.path]
        return self.fingerprint + b"".join(steps)


@dataclass(frozen=True, slots=True)
class KeyExpression:
    """One key, or a family of keys.

    Args:
        network: whose prefixes its text has.
        key: a public key (33 or 65 bytes), or an extended key.
        origin: what was said of its origin.
        path: derivations from the extended key.
        wildcard: whether one more follows, by the index.
        apostrophe: whether hardened steps are written `'`, not `h`.
        x_only: whether the text shows 32 bytes only.
        secret: the private key was given.
        private: that key, 32 bytes, where it is not in an extended one.
        alternatives: for how many keys its text stands (BIP 389), of which this is the first.
    """

    network: Network = field(repr=False)
    key: bytes | ExtendedKey
    origin: Origin | None = None
    path: tuple[int, ...] = ()
    wildcard: Wildcard = Wildcard.NONE
    apostrophe: bool = False
    x_only: bool = False
    secret: bool = False
    private: bytes = field(default=b"", repr=False)
    alternatives: int = 1

    @property
    def is_range(self) -> bool:
        """Whether it ends in `*`, and so stands for a family of keys."""
        return self.wildcard is not Wildcard.NONE

    @property
    def is_compressed(self) -> bool:
        """Whether its public keys have 33 bytes."""
        return isinstance(self.key, ExtendedKey) or len(self.key) == COMPRESSED_SIZE

    def public_key(self, index: int) -> bytes:
        """The public key, or that of a family with this index: 33 or 65 bytes.

        Raises:
            DecodeError: a private key is needed to derive it.
        """
        if isinstance(self.key, bytes):
            return self.key
        last = _descend(self.key, self.path)
        if self.wildcard is Wildcard.NONE:
            return last.public_key
        if self.wildcard is Wildcard.HARDENED:
            index += HARDENED
        elif last.is_private:
            last = _neutered(last)
        return last.child(index).public_key

    def private_key(self, index: int) -> bytes | None:
        """The private key of 32 bytes, or that of a family with this index; None without it."""
        if isinstance(self.key, bytes):
            return self.private or None
        if not self.key.is_private:
            return None
        last = _descend(self.key, self.path)
        if self.wildcard is Wildcard.HARDENED:
            index += HARDENED
        return (last if self.wildcard is Wildcard.NONE else last.child(index)).key[1:]

    def origin_of(self, index: int) -> Origin:
        """Where the one key of this index comes from, as far as is known.

        Raises:
            DecodeError: as `public_key`.
        """
        if isinstance(self.key, bytes):
            fingerprint, path = hash160(self.key)[:4], self.path
        else:
            fingerprint, path = self.key.fingerprint, self.path
            if self.wildcard is not Wildcard.NONE:
                path += (index + (HARDENED if self.wildcard is Wildcard.HARDENED else 0),)
        if self.origin is not None:
            fingerprint, path = self.origin.fingerprint, self.origin.path + path
        return Origin(fingerprint, path)

    def fixed(self, index: int) -> KeyExpression:
        """The one key of this index with its whole origin, as what was found is described."""
        public = self.public_key(index)
        return KeyExpression(self.network, public, self.origin_of(index), x_only=self.x_only)

    def __str__(self) -> str:
        """Its text without private keys."""
        origin = "" if self.origin is None else str(self.origin)
        if isinstance(self.key, bytes):
            return origin + (self.key[1:] if self.x_only else self.key).hex()
        text = self.key.public().encode(self.network) + path_text(self.path, self.apostrophe)
        if self.wildcard is not Wildcard.NONE:
            text += "/*"
            if self.wildcard is Wildcard.HARDENED:
                text += "'" if self.apostrophe else "h"
        return origin + text


@lru_cache(maxsize=64)
def _descend(key: ExtendedKey, path: tuple[int, ...]) -> ExtendedKey:
    """The last fixed key of a path: a range asks for it a thousand times."""
    return key.descend(path)


@lru_cache(maxsize=64)
def _neutered(key: ExtendedKey) -> ExtendedKey:
    return key.public()


def path_text(path: Sequence[int], apostrophe: bool) -> str:
    """A derivation path, each step behind a slash."""
    mark = "'" if apostrophe else "h"
    return "".join(f"/{step - HARDENED}{mark}" if step >= HARDENED else f"/{step}" for step in path)


def parse_key(
    text: str, network: Network, *, x_only: bool = False, uncompressed: bool = False
) -> KeyExpression:
    """A key expression from its text.

    Args:
        x_only: whether it stands inside `tr()`, where 32 bytes are a key.
        uncompressed: whether 65 bytes are one.

    Raises:
        DescriptorError: it is none.
    """
    if text.count("]") > 1:
        raise DescriptorError("Multiple ']' characters found for a single pubkey")
    origin: Origin | None = None
    if "]" in text:
        head, _, text = text.partition("]")
        if not head.startswith("["):
            first = head[:1] or "]"
            raise DescriptorError(
                f"Key origin start '[ character expected but not found, got '{first}' instead"
            )
        origin = _parse_origin(head[1:])
    return _parse_bare(text, network, origin, x_only, uncompressed)


def _parse_origin(text: str) -> Origin:
    fingerprint, *steps = text.split("/")
    if len(fingerprint) != 8:
        raise DescriptorError(
            f"Fingerprint is not 4 bytes ({len(fingerprint)} characters instead of 8 characters)"
        )
    if not _is_hex(fingerprint):
        raise DescriptorError(f"Fingerprint '{fingerprint}' is not hex")
    path, apostrophe, _ = parse_path(steps, multipath=False)
    return Origin(bytes.fromhex(fingerprint), path, apostrophe)


def parse_path(
    steps: Sequence[str], *, multipath: bool = True
) -> tuple[tuple[int, ...], bool, int]:
    """A derivation path; of a step with several values (`<0;1>`, BIP 389) the first one.

    Args:
        multipath: whether there may be such a step.

    Returns:
        The path, whether it has hardened steps that are written with an apostrophe, and for how
        many paths it stands.

    Raises:
        DescriptorError: a step is no child number.
    """
    path: list[int] = []
    apostrophe, alternatives = False, 1
    for step in steps:
        if not (step.startswith("<") and step.endswith(">")):
            number, apostrophe = _child(step, apostrophe)
            path.append(number)
            continue
        if not multipath:
            raise DescriptorError(
                f"Key path value '{step}' specifies multipath in a section where multipath is not"
                " allowed"
            )
        if alternatives > 1:
            raise DescriptorError("Multiple multipath key path specifiers found")
        values = step[1:-1].split(";")
        if len(values) < 2:
            raise DescriptorError("Multipath key path specifiers must have at least two items")
        numbers: dict[int, None] = {}
        for value in values:
            number, apostrophe = _child(value, apostrophe)
            if number in numbers:
                raise DescriptorError(f"Duplicated key path value {number} in multipath specifier")
            numbers[number] = None
        path.append(next(iter(numbers)))
        alternatives = len(numbers)
    return tuple(path), apostrophe, alternatives


def _child(step: str, apostrophe: bool) -> tuple[int, bool]:
    """A child number, and how hardened ones are written as far as has been seen."""
    hardened = step.endswith(("'", "h"))
    if hardened:
        apostrophe = step.endswith("'")
    digits = step[:-1] if hardened else step
    if not digits.isascii() or not digits.isdigit() or int(digits) >= 1 << 32:
        raise DescriptorError(f"Key path value '{digits}' is not a valid uint32")
    if int(digits) >= HARDENED:
        raise DescriptorError(f"Key path value {int(digits)} is out of range")
    return int(digits) + (HARDENED if hardened else 0), apostrophe


def _parse_bare(
    text: str, network: Network, origin: Origin | None, x_only: bool, uncompressed: bool
) -> KeyExpression:
    first, *steps = text.split("/")
    if not first:
        raise DescriptorError("No key provided")
    if first != first.strip():
        raise DescriptorError(f"Key '{first}' is invalid due to whitespace")
    if not steps:
        fixed = _parse_fixed(first, network, origin, x_only, uncompressed)
        if fixed is not None:
            return fixed
    wildcard = Wildcard.NONE
    apostrophe = False
    if steps and steps[-1] in ("*", "*'", "*h"):
        last = steps.pop()
        wildcard = Wildcard.UNHARDENED if last == "*" else Wildcard.HARDENED
        apostrophe = last == "*'"
    try:
        extended = ExtendedKey.decode(first, network)
    except DecodeError:
        raise DescriptorError(f"key '{first}' is not valid") from None
    path, inner, alternatives = parse_path(steps)
    return KeyExpression(
        network,
        extended,
        origin,
        path,
        wildcard,
        apostrophe or inner,
        secret=extended.is_private,
        alternatives=alternatives,
    )


def _parse_fixed(
    text: str, network: Network, origin: Origin | None, x_only: bool, uncompressed: bool
) -> KeyExpression | None:
    """A key in hex or a private key; None if the text is neither."""
    secret = shown_x_only = False
    private = b""
    if _is_hex(text):
        key = bytes.fromhex(text)
        if len(key) == UNCOMPRESSED_SIZE and key[0] in (6, 7):
            raise DescriptorError("Hybrid public keys are not allowed")
        if x_only and len(key) == X_ONLY_SIZE and is_x_only_key(key):
            key, shown_x_only = b"\x02" + key, True
        elif not is_public_key(key):
            raise DescriptorError(f"Pubkey '{text}' is invalid")
    else:
        try:
            private, compressed = decode_wif(text, network)
        except DecodeError:
            return None
        key, secret, shown_x_only = public_key(private, compressed=compressed), True, x_only
    if len(key) == UNCOMPRESSED_SIZE and not uncompressed:
        raise DescriptorError("Uncompressed keys are not allowed")
    return KeyExpression(network, key, origin, x_only=shown_x_only, secret=secret, private=private)


def _is_hex(text: str) -> bool:
    return (
        len(text) > 0
        and len(text) % 2 == 0
        and all(sign in "0123456789abcdefABCDEF" for sign in text)
    )
