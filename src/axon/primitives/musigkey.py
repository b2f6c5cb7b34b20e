"""Keys of several signers inside descriptors: `musig(KEY,KEY,...)/path` (BIP 390)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.keyexpression import (
    DescriptorError,
    KeyExpression,
    Origin,
    Wildcard,
    parse_key,
    parse_path,
    path_text,
)
from axon.primitives.musig2 import aggregate, synthetic_key
from axon.primitives.network import Network

START = "musig("


@dataclass(frozen=True, slots=True)
class MusigKey:
    """The aggregate of some keys, or a family of its children; used like a `KeyExpression`.

    Args:
        network: of the participants.
        participants: in the order of the text; they are aggregated in the order of their bytes.
        path: derivations from the aggregate.
        wildcard: whether one more follows, by the index; never a hardened one.
        path_alternatives: for how many paths its derivation stands.
    """

    network: Network = field(repr=False)
    participants: tuple[KeyExpression, ...]
    path: tuple[int, ...] = ()
    wildcard: Wildcard = Wildcard.NONE
    path_alternatives: int = 1

    @property
    def alternatives(self) -> int:
        """For how many keys its text stands (BIP 389), of which this is the first."""
        return max([self.path_alternatives, *[key.alternatives for key in self.participants]])

    @property
    def is_range(self) -> bool:
        """Whether it stands for a family of keys."""
        return self.wildcard is not Wildcard.NONE or any(key.is_range for key in self.participants)

    @property
    def is_compressed(self) -> bool:
        """Its public keys have 33 bytes."""
        return True

    @property
    def secret(self) -> bool:
        """Whether the private key of a participant was given."""
        return any(key.secret for key in self.participants)

    def sorted_keys(self, index: int) -> tuple[bytes, ...]:
        """The public keys of the participants, 33 bytes each, as they are aggregated.

        Raises:
            DecodeError: a private key is needed to derive one.
        """
        return tuple(sorted([key.public_key(index) for key in self.participants]))

    def aggregate_key(self, index: int) -> bytes:
        """The aggregate itself, 33 bytes.

        Raises:
            DecodeError: as `sorted_keys`.
        """
        return _aggregate(self.sorted_keys(index))

    def public_key(self, index: int) -> bytes:
        """The public key, or that of a family with this index: 33 bytes.

        Raises:
            DecodeError: as `sorted_keys`.
        """
        key = self.aggregate_key(index)
        if not self._steps(index):
            return key
        return _synthetic(key, self.path).descend(self._steps(index)[len(self.path) :]).public_key

    def _steps(self, index: int) -> tuple[int, ...]:
        return self.path if self.wildcard is Wildcard.NONE else (*self.path, index)

    def origin_of(self, index: int) -> Origin:
        """Where the key comes from: the aggregate, and the derivations from it."""
        return Origin(synthetic_key(self.aggregate_key(index)).fingerprint, self._steps(index))

    def fixed(self, index: int) -> KeyExpression:
        """The one key of this index, as what was found is described."""
        public = self.public_key(index)
        return KeyExpression(self.network, public, self.origin_of(index), x_only=True)

    def __str__(self) -> str:
        """Its text without private keys."""
        text = f"{START}{','.join(map(str, self.participants))}){path_text(self.path, False)}"
        return text if self.wildcard is Wildcard.NONE else f"{text}/*"


@lru_cache(maxsize=64)
def _aggregate(keys: tuple[bytes, ...]) -> bytes:
    return aggregate(keys)


@lru_cache(maxsize=64)
def _synthetic(key: bytes, path: tuple[int, ...]) -> ExtendedKey:
    return synthetic_key(key).descend(path)


def parse_musig(text: str, network: Network) -> MusigKey:
    """A key of several signers from its text, which begins with `musig(`.

    Raises:
        DescriptorError: it is none.
    """
    if text.count(")") > 1:
        raise DescriptorError("Too many ')' in musig() expression")
    body, bracket, derivation = text[len(START) :].partition(")")
    if not bracket:
        raise DescriptorError("Invalid musig() expression")
    if not body:
        raise DescriptorError("musig(): Must contain key expressions")
    participants: list[KeyExpression] = []
    for each in body.split(","):
        try:
            participants.append(parse_key(each, network))
        except DescriptorError as error:
            raise DescriptorError(f"musig(): {error}") from None
    keys = tuple(participants)
    if not derivation.startswith("/"):
        return _with_one_length(MusigKey(network, keys))
    if any(isinstance(key.key, bytes) for key in keys):
        raise DescriptorError("musig(): derivation requires all participants to be xpubs or xprvs")
    if any(key.is_range for key in keys):
        raise DescriptorError(
            "musig(): Cannot have ranged participant keys if musig() also has derivation"
        )
    return _with_one_length(MusigKey(network, keys, *_derivation(derivation[1:].split("/"))))


def _with_one_length(key: MusigKey) -> MusigKey:
    """The same, if its parts stand for as many keys each, or for one.

    Raises:
        DescriptorError: they do not.
    """
    lengths = {each.alternatives for each in key.participants} - {1}
    if lengths and key.path_alternatives > 1:
        raise DescriptorError(
            "musig(): Cannot have multipath participant keys if musig() is also multipath"
        )
    if len(lengths) > 1:
        raise DescriptorError("musig(): Multipath derivation paths have mismatched lengths")
    return key


def _derivation(steps: list[str]) -> tuple[tuple[int, ...], Wildcard, int]:
    wildcard = Wildcard.NONE
    if steps[-1] in ("*'", "*h"):
        raise DescriptorError("musig(): Cannot have hardened child derivation")
    if steps[-1] == "*":
        steps, wildcard = steps[:-1], Wildcard.UNHARDENED
    try:
        path, _, alternatives = parse_path(steps)
    except DescriptorError as error:
        raise DescriptorError(f"musig(): {error}") from None
    if any(step >= HARDENED for step in path):
        raise DescriptorError("musig(): cannot have hardened derivation steps")
    return path, wildcard, alternatives
