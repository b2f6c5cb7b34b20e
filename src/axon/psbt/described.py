"""What a descriptor tells a signer: the scripts and keys of one of its outputs."""

from __future__ import annotations

from axon.primitives.descriptortree import Descriptor, DescriptorKey, leaf_scripts
from axon.primitives.hashes import hash160
from axon.primitives.keyexpression import KeyExpression, Origin
from axon.primitives.musigkey import MusigKey
from axon.primitives.taptree import TAPSCRIPT
from axon.psbt.keyring import Keyring
from axon.psbt.taptrees import spend_of


def add_descriptor(
    keyring: Keyring, descriptor: Descriptor, index: int, *, private: bool = False
) -> None:
    """Take in what a descriptor says of the outputs with one index.

    Args:
        private: whether its private keys are taken in, too.

    Raises:
        DecodeError: a private key is needed to derive a public one.
    """
    if descriptor.name == "combo":
        for each in descriptor.combined():
            add_descriptor(keyring, each, index, private=private)
        return
    for key in descriptor.all_keys():
        _add_key(keyring, key, index, private=private)
        if descriptor.x_only:
            public = key.public_key(index)
            keyring.keys.setdefault(hash160(public[1:]), public)
    if descriptor.inner is not None:
        keyring.add_script(descriptor.inner.scripts(index)[0])
        add_descriptor(keyring, descriptor.inner, index, private=private)
    if descriptor.name == "tr":
        internal = descriptor.keys[0].public_key(index)[1:]
        leaves = [
            (depth, TAPSCRIPT, script) for depth, script in leaf_scripts(descriptor.tree, index)
        ]
        output = descriptor.scripts(index)[0][2:]
        keyring.spends[output] = spend_of(internal, leaves)


def _add_key(keyring: Keyring, key: DescriptorKey, index: int, *, private: bool) -> None:
    if isinstance(key, MusigKey):
        for each in key.participants:
            _add_key(keyring, each, index, private=private)
        together = key.aggregate_key(index)
        keyring.aggregates[together] = key.sorted_keys(index)
        public = key.public_key(index)
        if public == together:
            keyring.add_key(public, Origin(hash160(public)[:4]).encode())
        else:
            keyring.add_key(public, key.origin_of(index).encode())
        return
    public = key.public_key(index)
    keyring.add_key(public, key.origin_of(index).encode())
    if private:
        _add_secret(keyring, key, public, index)


def _add_secret(keyring: Keyring, key: KeyExpression, public: bytes, index: int) -> None:
    secret = key.private_key(index)
    if secret is not None:
        keyring.secrets[hash160(public)] = secret
