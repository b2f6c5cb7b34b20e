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
from unicodedata import normalize

import bdkpython as bdk

from axon.errors import DecodeError
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import Descriptor, DescriptorError, parse_descriptor
from axon.primitives.keyexpression import parse_key
from axon.primitives.network import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4, Network
from axon.wallet.entropy import ENTROPY_SIZES
from axon.wallet.errors import BadDescriptor, BadMnemonic
from axon.wallet.seal import SCRYPT_LOG_N, seal
from axon.wallet.wordlists import check_words, is_english, other_root_key

ENTROPY_SIZE: Final = 16
"""Bytes behind 12 words: 128 bits, as strong as the curve."""

MAX_DESCRIPTOR_SIZE: Final = 10_000
"""Characters; multisig of twenty keys with origins takes 3,000."""

_WATCHABLE: Final = frozenset({"pkh", "wpkh", "sh", "wsh", "tr", "addr"})

_EXTENDED_KEY: Final = re.compile(r"[^,(){}#]*[xt]pub[^,(){}#]*")

_PRIVATE_KEY = re.compile(
    r"\b(?:[xyzYZtuvUV]prv[1-9A-HJ-NP-Za-km-z]|[59cKL][1-9A-HJ-NP-Za-km-z]{50,51}\b)"
)


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
class Mnemonic:
    """What keys are made of: words and, where one was chosen, the passphrase of BIP 39.

    Args:
        words: checked, in NFKD.
        bip39_passphrase: the 25th word, in NFKD; with another one, or none, the same words are
            another wallet, and nothing tells which was meant.
    """

    words: str = field(repr=False)
    bip39_passphrase: str = field(default="", repr=False)

    def encode(self) -> bytes:
        """As it is sealed: the words; behind a zero byte the passphrase, if there is one."""
        parts = (self.words, self.bip39_passphrase) if self.bip39_passphrase else (self.words,)
        return "\0".join(parts).encode()

    @classmethod
    def decode(cls, data: bytes) -> Mnemonic:
        """From what was sealed."""
        words, _, passphrase = data.decode().partition("\0")
        return cls(words, passphrase)


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
    """The 12 words for 16 random bytes, or up to 24 for more of them (BIP 39)."""
    assert len(entropy) in ENTROPY_SIZES.values(), "BIP 39 has words for these sizes alone"
    return str(bdk.Mnemonic.from_entropy(entropy))


def from_words(
    words: str,
    network: Network,
    kind: AccountKind,
    passphrase: str,
    salt: bytes,
    nonce: bytes,
    *,
    bip39_passphrase: str = "",
    log_n: int = SCRYPT_LOG_N,
) -> Source:
    """Account 0 of a mnemonic.

    Args:
        passphrase: what will be asked for to sign; it seals the words and changes no key.
        salt, nonce, log_n: as `seal` takes them.
        bip39_passphrase: the 25th word, sealed with the others; empty for none.

    Raises:
        BadMnemonic: the words are none, or the BIP 39 passphrase is no text.
    """
    try:
        bip39_passphrase.encode()
    except UnicodeError:  # Bytes from a terminal that are no UTF-8.
        raise BadMnemonic("the BIP 39 passphrase is no UTF-8 text: type it anew") from None
    mnemonic = Mnemonic(check_words(words), normalize("NFKD", bip39_passphrase))
    receive, change = private_descriptors(mnemonic, network, kind)
    descriptors = Descriptors(str(receive), str(change))  # BDK leaves private keys out of these.
    sealed = seal(mnemonic.encode(), passphrase, salt, nonce, log_n=log_n)
    return Source(descriptors, kind, sealed)


def root_key(mnemonic: Mnemonic, network: Network) -> bdk.DescriptorSecretKey:
    """The key from which all others of a mnemonic are derived (BIP 32)."""
    words, passphrase = mnemonic.words, mnemonic.bip39_passphrase
    if is_english(words):
        made = bdk.Mnemonic.from_string(words)
        return bdk.DescriptorSecretKey(network_kind(network), made, passphrase or None)
    is_test = network is not MAINNET
    return bdk.DescriptorSecretKey.from_string(other_root_key(words, passphrase, is_test=is_test))


def extended_root(mnemonic: Mnemonic, network: Network) -> ExtendedKey:
    """The same key for what BDK does not derive."""
    return ExtendedKey.decode(str(root_key(mnemonic, network)).partition("/")[0], network)


def private_descriptors(
    mnemonic: Mnemonic, network: Network, kind: AccountKind
) -> tuple[bdk.Descriptor, bdk.Descriptor]:
    """The two descriptors of account 0, with the key that signs for them."""
    coins, key = network_kind(network), root_key(mnemonic, network)
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
    texts = single_descriptors(network, receive)
    if change is not None:
        texts += single_descriptors(network, change)
    if len(texts) > 2:
        raise BadDescriptor(f"expected one descriptor or two, for receiving and change: {receive}")
    if len(texts) > 1 and any(text.startswith("addr(") for text in texts):
        raise BadDescriptor("expected one address to watch: make a wallet for each")
    if len(set(texts)) < len(texts):
        raise BadDescriptor("expected two different descriptors: leave the second one out")
    return Source(Descriptors(*texts))


def single_descriptors(network: Network, text: str) -> list[str]:
    """The descriptors that a text stands for (BIP 389), with public keys and their checksums.

    Raises:
        BadDescriptor: malformed, of another network, with a private key, or without addresses.
    """
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
        singles = _miniscript_descriptors(network, text)
        if singles:
            return singles
        raise BadDescriptor(f"this is no descriptor: {error}") from None
    for each in parsed:
        _check_watchable(each)
    if parsed[0].name == "addr":
        return [parsed[0].to_text()]
    try:
        return [str(bdk.Descriptor(each.to_text(), network_kind(network))) for each in parsed]
    except bdk.DescriptorError:
        raise BadDescriptor("this descriptor is sound, but none that BDK can spend from") from None


def _miniscript_descriptors(network: Network, text: str) -> list[str]:
    """The descriptors of a script of conditions (miniscript, BIP 379), which BDK reads; empty if it
    is none, or one that could be spent in ways that nobody means."""
    if not text.startswith(("wsh(", "sh(wsh(", "tr(")):
        return []
    try:
        whole = bdk.Descriptor(text, network_kind(network))
        whole.sanity_check()
        singles = whole.to_single_descriptors() if whole.is_multipath() else [whole]
        texts = [str(each) for each in singles]
        for key in [key for each in texts for key in _EXTENDED_KEY.findall(each)]:
            parse_key(key, network).public_key(0)  # BDK ends the process where it cannot derive.
    except (bdk.DescriptorError, bdk.MiniscriptError, DecodeError):
        return []
    return texts


def _check_watchable(descriptor: Descriptor) -> None:
    if descriptor.has_private_keys:
        raise BadDescriptor("this descriptor holds a private key: give the one with public keys")
    if descriptor.name not in _WATCHABLE:
        raise BadDescriptor(
            f"{descriptor.name}() has no addresses to watch: give pkh, wpkh, sh, wsh, tr or addr"
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
