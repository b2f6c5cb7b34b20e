"""The parameters of a network, as libbitcoinkernel takes them.

Its C interface knows the five networks as they are. Another signet, and a regtest whose rules begin
at other heights, are made by methods of Bitcoin Core that its builds for Linux export beside that
interface; they are called by their mangled names, in the one version that axon pins. The options
that these read are laid out here as GNU's standard library has them.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import addressof, c_bool, c_int16, c_int32, c_size_t, c_ubyte, c_void_p
from itertools import pairwise
from typing import Any, Final

from axon.consensus import library
from axon.consensus.library import KernelError
from axon.primitives.network import REGTEST, SIGNET, Network

_FIRST_BURIED: Final = -(1 << 15)
_BURIED: Final = ("bip34_height", "bip65_height", "bip66_height", "csv_height", "segwit_height")
"""In the order of Bitcoin Core's numbers for them, which begin with the least."""


class _Bytes(ctypes.Structure):
    """`std::optional<std::vector<uint8_t>>`; likewise with other elements."""

    _fields_ = (
        ("begin", c_void_p),
        ("end", c_void_p),
        ("end_of_room", c_void_p),
        ("is_there", c_bool),
    )


class _SignetOptions(ctypes.Structure):
    _fields_ = (("challenge", _Bytes), ("seeds", _Bytes))


class _Height(ctypes.Structure):
    """A node of `std::unordered_map<BuriedDeployment, int>`; the last one's `next` is null."""

    _fields_ = (("next", c_void_p), ("deployment", c_int16), ("height", c_int32))


class _Map(ctypes.Structure):
    """`std::unordered_map`, to be walked through and nothing else."""

    _fields_ = (
        ("buckets", c_void_p),
        ("bucket_count", c_size_t),
        ("first", c_void_p),
        ("count", c_size_t),
        ("load", c_size_t * 2),
        ("bucket", c_void_p),
    )


class _RegtestOptions(ctypes.Structure):
    _fields_ = (
        ("version_bits", _Map),
        ("heights", _Map),
        ("prunes_fast", c_bool),
        ("bip94", c_bool),
    )


def create(network: Network) -> int:
    """The handle of a network's parameters, which the caller destroys.

    Raises:
        KernelError: this build of the library knows the networks only as they are.
    """
    if network.name == SIGNET.name and network.signet_challenge != SIGNET.signet_challenge:
        assert network.signet_challenge is not None, "blocks of a signet are signed"
        return _signet(network.signet_challenge)
    if network.name == REGTEST.name and _heights(network) != _heights(REGTEST):
        return _regtest(network)
    handle: int = library.chain_parameters_create(library.CHAIN_TYPES[network.name])
    return handle


def _heights(network: Network) -> list[int]:
    return [getattr(network, name) for name in _BURIED]


def _signet(challenge: bytes) -> int:
    data = (c_ubyte * max(len(challenge), 1)).from_buffer_copy(challenge or b"\0")
    begin = addressof(data)
    end = begin + len(challenge)
    given = _Bytes(begin=begin, end=end, end_of_room=end, is_there=True)
    return _made(library.chain_parameters_signet, _SignetOptions(challenge=given))


def _regtest(network: Network) -> int:
    nodes = [
        _Height(deployment=_FIRST_BURIED + number, height=height)
        for number, height in enumerate(_heights(network))
    ]
    for node, following in pairwise(nodes):
        node.next = addressof(following)
    heights = _Map(first=addressof(nodes[0]), count=len(nodes))
    return _made(library.chain_parameters_regtest, _RegtestOptions(heights=heights))


def _made(make: Any, options: ctypes.Structure) -> int:
    if make is None or not sys.platform.startswith("linux"):
        raise KernelError(
            "This build of libbitcoinkernel knows the networks only as they are: -signetchallenge "
            "and -testactivationheight are not to be had with it."
        )
    handle: int = make(addressof(options)).pointer
    return handle
