"""Keys: a mnemonic (BIP 39), the account that comes of it, and descriptors that are only watched.

The words exist in memory while a wallet is made and while it signs. What is kept of them is sealed
(`wallet/seal`); beside it stand the public descriptors, from which every script follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import bdkpython as bdk

from axon.errors import DecodeError
from axon.primitives.descriptor import Descriptor, DescriptorError, parse_descriptor
from axon.primitives.network import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4, Network
from axon.wallet.errors import BadDescriptor, BadMnemonic
from axon.wallet.seal import SCRYPT_LOG_N, seal

ENTROPY_SIZE: Final = 16
"""Bytes behind 12 words: 128 bits, as strong as the curve."""

WORD_COUNTS: Final = (12, 15, 18, 21, 24)

MAX_DESCRIPTOR_SIZE: Final = 10_000
"""Characters; multisig of twenty keys with origins takes 3,000."""

_WATCHABLE: Final = frozenset({"pkh", "wpkh", "sh", "wsh", "tr"})

_PRIVATE_KEY = re.compile(r"\b(?:[xt]prv[1-9A-HJ-NP-Za-km-z]|[59cKL][1-9A-HJ-NP-Za-km-z]{50,51}\b)")


class AccountKind(StrEnum):
    """Which scripts an account pays to, by the BIP that gives its derivation path."""

    BIP84 = "bip84"
    BIP86 = "bip86"
    BIP49 = "bip49"
    BIP44 = "bip44"


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Two families of scripts, as descriptors with public keys only and with their checksums.

    Args:
        receive: for addresses that are given to others.
        change: for what comes back to us; None: to `receive` as well.
    """

    receive: str
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a wallet's scripts come from, and its keys if it has any.

    Args:
        descriptors: of its scripts.
        kind: of an account made from a mnemonic; None if the descriptors were given.
        sealed: the mnemonic, sealed; None for a wallet that only watches.
    """

    descriptors: Descriptors
    kind: AccountKind | None = None
    sealed: bytes | None = field(default=None, repr=False)


_TEMPLATES: Final[dict[AccountKind, Callable[..., bdk.Descriptor]]] = {
    AccountKind.BIP84: bdk.Descriptor.new_bip84,
    AccountKind.BIP86: bdk.Descriptor.new_bip86,
    AccountKind.BIP49: bdk.Descriptor.new_bip49,
    AccountKind.BIP44: bdk.Descriptor.new_bip44,
}

_BDK_NETWORKS: Final = {
    MAINNET.name: bdk.Network.BITCOIN,
    TESTNET3.name: bdk.Network.TESTNET,
    TESTNET4.name: bdk.Network.TESTNET4,
    SIGNET.name: bdk.Network.SIGNET,
    REGTEST.name: bdk.Network.REGTEST,
}


def bdk_network(network: Network) -> bdk.Network:
    """BDK's name of a network."""
    return _BDK_NETWORKS[network.name]


def network_kind(network: Network) -> bdk.NetworkKind:
    """Which prefixes its extended keys have."""
    return bdk.NetworkKind.MAIN if network is MAINNET else bdk.NetworkKind.TEST


def new_words(entropy: bytes) -> str:
    """The 12 words for 16 random bytes (BIP 39)."""
    assert len(entropy) == ENTROPY_SIZE, "12 words are made of 16 bytes"
    return str(bdk.Mnemonic.from_entropy(entropy))


def check_words(text: str) -> str:
    """A mnemonic as it was written down: lower case, one space between words.

    Raises:
        BadMnemonic: the number of words, a word or the checksum is wrong; no word is quoted.
    """
    words = text.lower().split()
    if len(words) not in WORD_COUNTS:
        raise BadMnemonic(f"a mnemonic has 12 words (or 15, 18, 21, 24), not {len(words)}")
    try:
        return str(bdk.Mnemonic.from_string(" ".join(words)))
    except bdk.Bip39Error as error:
        place: int | None = getattr(error, "index", None)  # Of a word that is in no list.
        if place is not None:
            raise BadMnemonic(
                f"word {place + 1} is not in the word list of BIP 39: check its spelling"
            ) from None
        raise BadMnemonic(
            "every word exists, but the checksum is wrong: check their order, and look for a word"
            " that was taken for a similar one"
        ) from None


def from_words(
    words: str,
    network: Network,
    kind: AccountKind,
    passphrase: str,
    salt: bytes,
    nonce: bytes,
    *,
    log_n: int = SCRYPT_LOG_N,
) -> Source:
    """Account 0 of a mnemonic.

    Args:
        passphrase: what will be asked for to sign.
        salt, nonce, log_n: as `seal` takes them.

    Raises:
        BadMnemonic: the words are none.
    """
    words = check_words(words)
    receive, change = private_descriptors(words, network, kind)
    descriptors = Descriptors(str(receive), str(change))  # BDK leaves private keys out of these.
    return Source(descriptors, kind, seal(words.encode(), passphrase, salt, nonce, log_n=log_n))


def private_descriptors(
    words: str, network: Network, kind: AccountKind
) -> tuple[bdk.Descriptor, bdk.Descriptor]:
    """The two descriptors of account 0, with the key that signs for them."""
    coins = network_kind(network)
    key = bdk.DescriptorSecretKey(coins, bdk.Mnemonic.from_string(words), None)
    make = _TEMPLATES[kind]
    return (
        make(key, bdk.KeychainKind.EXTERNAL, coins),
        make(key, bdk.KeychainKind.INTERNAL, coins),
    )


def watch(network: Network, receive: str, change: str | None = None) -> Source:
    """A wallet that only watches.

    Args:
        receive: a descriptor; one with `<0;1>` (BIP 389) stands for both.
        change: the second descriptor, if there are two.

    Raises:
        BadDescriptor: malformed, of another network, with a private key, or without addresses.
    """
    texts = _single_texts(network, receive)
    if change is not None:
        texts += _single_texts(network, change)
    if len(texts) > 2:
        raise BadDescriptor(f"expected one descriptor or two, for receiving and change: {receive}")
    if len(set(texts)) < len(texts):
        raise BadDescriptor("expected two different descriptors: leave the second one out")
    return Source(Descriptors(*texts))


def _single_texts(network: Network, text: str) -> list[str]:
    """The descriptors that a text stands for, with their checksums."""
    text = text.strip()
    if _PRIVATE_KEY.search(text):
        raise BadDescriptor(
            "this descriptor holds a private key, and axon would keep it unsealed: give the one"
            " with public keys to watch it, or restore the wallet from its words"
        )
    if len(text) > MAX_DESCRIPTOR_SIZE:
        raise BadDescriptor(f"expected a descriptor of at most {MAX_DESCRIPTOR_SIZE} characters")
    _check_key_prefix(network, text)
    try:
        parsed = parse_descriptor(text, network)
    except DescriptorError as error:
        raise BadDescriptor(f"this is no descriptor: {error}") from None
    for each in parsed:
        _check_watchable(each)
    try:
        return [str(bdk.Descriptor(each.to_text(), network_kind(network))) for each in parsed]
    except bdk.DescriptorError:
        raise BadDescriptor("this descriptor is sound, but none that BDK can spend from") from None


def _check_watchable(descriptor: Descriptor) -> None:
    if descriptor.has_private_keys:
        raise BadDescriptor("this descriptor holds a private key: give the one with public keys")
    if descriptor.name not in _WATCHABLE:
        raise BadDescriptor(
            f"{descriptor.name}() has no addresses to watch: give pkh, wpkh, sh, wsh or tr"
        )
    try:
        descriptor.scripts(0)  # BDK ends the process where it meets a key that it cannot derive.
    except DecodeError:
        raise BadDescriptor(
            "this descriptor has hardened steps below its public key: give one without"
        ) from None


def _check_key_prefix(network: Network, text: str) -> None:
    foreign = "tpub" if network is MAINNET else "xpub"
    if re.search(rf"\b{foreign}[1-9A-HJ-NP-Za-km-z]", text):
        owner = "a test network" if network is MAINNET else MAINNET.name
        raise BadDescriptor(
            f"this descriptor's keys ({foreign}...) are of {owner}, the wallet is of {network.name}"
        )
