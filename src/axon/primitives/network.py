"""The networks: what differs between mainnet, the test networks and regtest.

Names, ports, folders and activation heights are Bitcoin Core's; signet is the default one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from axon.primitives.block import Block
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import sha256d
from axon.primitives.header import Header
from axon.primitives.transaction import COIN

DIFFICULTY_INTERVAL: Final = 2016
"""Blocks from one change of difficulty to the next, where it changes."""

TARGET_TIMESPAN_S: Final = 14 * 24 * 3600
"""Seconds that this many blocks should take."""

TARGET_SPACING_S: Final = 600
"""Seconds from block to block."""

COINBASE_MATURITY: Final = 100
"""Blocks until the output of a coinbase may be spent."""

NO_TIMEOUT: Final = (1 << 63) - 1
"""A median time that no block has."""

_GENESIS_TX = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d"
    "0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66"
    "207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe55"
    "48271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba"
    "0b8d578a4c702b6bf11d5fac00000000"
)
_GENESIS_TX_4 = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff5504ffff001d"
    "01044c4c30332f4d61792f323032342030303030303030303030303030303030303030303165626435386332343439"
    "373062336161396437383362623030313031316662653865613865393865303065ffffffff0100f2052a0100000023"
    "21000000000000000000000000000000000000000000000000000000000000000000ac00000000"
)
_GENESIS_ROOT = bytes.fromhex("3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a")
_GENESIS_ROOT_4 = bytes.fromhex("4e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a")


def _genesis(time: int, bits: int, nonce: int, *, testnet4: bool = False) -> Block:
    root, transaction = (
        (_GENESIS_ROOT_4, _GENESIS_TX_4) if testnet4 else (_GENESIS_ROOT, _GENESIS_TX)
    )
    head = bytes.fromhex("01000000") + bytes(32) + root
    tail = b"".join(number.to_bytes(4, "little") for number in (time, bits, nonce))
    return Block.decode(Header(head + tail).raw + b"\x01" + transaction)


@dataclass(frozen=True, slots=True)
class Network:
    """One network's parameters.

    Args:
        name: as `-chain=` spells it.
        folder: below the data directory; empty on mainnet.
        magic: 4 bytes that begin every v1 message.
        port: where nodes listen.
        rpc_port: where RPC listens.
        genesis: block 0.
        pow_limit: the easiest target.
        minimum_chainwork: a chain with less work is not believed to be the network's.
        bech32_hrp: the human-readable part of witness addresses.
        p2pkh_prefix: version byte of base58 key hash addresses.
        p2sh_prefix: version byte of base58 script hash addresses.
        wif_prefix: version byte of base58 private keys.
        xpub_prefix: 4 bytes before a serialised extended public key (BIP 32).
        xprv_prefix: the same for an extended private key.
        dns_seeds: names that resolve to nodes.
        fixed_seeds: `host:port` of nodes to fall back on.
        difficulty_interval: blocks from one change of difficulty to the next.
        halving_interval: blocks from one halving of the subsidy to the next.
        min_difficulty_blocks: whether a block twenty minutes late may have the easiest target.
        bip94: testnet4's retarget and time warp rules.
        no_retargeting: whether the target never changes.
        bip34_height: from here a coinbase begins with its height; likewise for the next.
        segwit_height: from here witnesses are valid.
        testdummy: when signals for a change that changes nothing begin to count and when it has
            failed, by the median time, and the height from which it holds at the earliest (BIP 9);
            None where there is no such change.
        signet_challenge: the script that the signature of each block has to satisfy (BIP 325);
            None where blocks are not signed.
        prune_after_height: with a chain no longer than this no blocks are pruned.
        is_test: whether blocks are cheap and clocks may be set by RPC (regtest).
    """

    name: str
    folder: str
    magic: bytes
    port: int
    rpc_port: int
    genesis: Block = field(repr=False)
    pow_limit: int = field(repr=False)
    minimum_chainwork: int = field(repr=False, default=0)
    bech32_hrp: str = "tb"
    p2pkh_prefix: int = 111
    p2sh_prefix: int = 196
    wif_prefix: int = 239
    xpub_prefix: bytes = field(repr=False, default=bytes.fromhex("043587cf"))
    xprv_prefix: bytes = field(repr=False, default=bytes.fromhex("04358394"))
    dns_seeds: tuple[str, ...] = field(repr=False, default=())
    fixed_seeds: tuple[str, ...] = field(repr=False, default=())
    difficulty_interval: int = DIFFICULTY_INTERVAL
    halving_interval: int = 210_000
    min_difficulty_blocks: bool = False
    bip94: bool = False
    no_retargeting: bool = False
    bip34_height: int = 1
    bip65_height: int = 1
    bip66_height: int = 1
    csv_height: int = 1
    segwit_height: int = 1
    testdummy: tuple[int, int, int] | None = None
    signet_challenge: bytes | None = field(repr=False, default=None)
    prune_after_height: int = 1_000
    is_test: bool = False

    def has_segwit(self, height: int) -> bool:
        """Whether blocks at this height commit to their witnesses (BIP 141)."""
        return height >= self.segwit_height

    def subsidy_sat(self, height: int) -> int:
        """New coins that the block at this height may make: 50 BTC, halved again and again."""
        halvings = height // self.halving_interval
        return 50 * COIN >> halvings if halvings < 64 else 0


_POW_LIMIT = (1 << 224) - 1

MAINNET: Final = Network(
    name="main",
    folder="",
    magic=bytes.fromhex("f9beb4d9"),
    port=8333,
    rpc_port=8332,
    genesis=_genesis(1231006505, 0x1D00FFFF, 2083236893),
    pow_limit=_POW_LIMIT,
    minimum_chainwork=0x63C4EBD298DB40AF57541800,
    bech32_hrp="bc",
    p2pkh_prefix=0,
    p2sh_prefix=5,
    wif_prefix=128,
    xpub_prefix=bytes.fromhex("0488b21e"),
    xprv_prefix=bytes.fromhex("0488ade4"),
    dns_seeds=(
        "seed.bitcoin.sipa.be",
        "dnsseed.bluematt.me",
        "seed.bitcoin.jonasschnelli.ch",
        "seed.btc.petertodd.net",
        "seed.bitcoin.sprovoost.nl",
        "dnsseed.emzy.de",
        "seed.bitcoin.wiz.biz",
        "seed.mainnet.achownodes.xyz",
    ),
    bip34_height=227_931,
    bip65_height=388_381,
    bip66_height=363_725,
    csv_height=419_328,
    segwit_height=481_824,
    prune_after_height=100_000,
)

TESTNET3: Final = Network(
    name="test",
    folder="testnet3",
    magic=bytes.fromhex("0b110907"),
    port=18333,
    rpc_port=18332,
    genesis=_genesis(1296688602, 0x1D00FFFF, 414098458),
    pow_limit=_POW_LIMIT,
    minimum_chainwork=0xC59B14E264BA6C15DB9,
    dns_seeds=(
        "testnet-seed.bitcoin.jonasschnelli.ch",
        "seed.tbtc.petertodd.net",
        "seed.testnet.bitcoin.sprovoost.nl",
        "testnet-seed.bluematt.me",
    ),
    min_difficulty_blocks=True,
    bip34_height=21_111,
    bip65_height=581_885,
    bip66_height=330_776,
    csv_height=770_112,
    segwit_height=834_624,
)

TESTNET4: Final = Network(
    name="testnet4",
    folder="testnet4",
    magic=bytes.fromhex("1c163f28"),
    port=48333,
    rpc_port=48332,
    genesis=_genesis(1714777860, 0x1D00FFFF, 393743547, testnet4=True),
    pow_limit=_POW_LIMIT,
    minimum_chainwork=0x34A4690FE592DC49C7C,
    dns_seeds=("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
    min_difficulty_blocks=True,
    bip94=True,
)

SIGNET: Final = Network(
    name="signet",
    folder="signet",
    magic=bytes.fromhex("0a03cf40"),
    port=38333,
    rpc_port=38332,
    genesis=_genesis(1598918400, 0x1E0377AE, 52613770),
    pow_limit=0x377AE << 216,
    minimum_chainwork=0x67D328E681A,
    signet_challenge=bytes.fromhex(
        "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430"
        "210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae"
    ),
    dns_seeds=("seed.signet.bitcoin.sprovoost.nl", "seed.signet.achownodes.xyz"),
)

REGTEST: Final = Network(
    name="regtest",
    folder="regtest",
    magic=bytes.fromhex("fabfb5da"),
    port=18444,
    rpc_port=18443,
    genesis=_genesis(1296688602, 0x207FFFFF, 2),
    pow_limit=(1 << 255) - 1,
    bech32_hrp="bcrt",
    difficulty_interval=144,
    halving_interval=150,
    min_difficulty_blocks=True,
    no_retargeting=True,
    segwit_height=0,
    testdummy=(0, NO_TIMEOUT, 0),
    is_test=True,
)

NETWORKS: Final = {
    network.name: network for network in (MAINNET, TESTNET3, TESTNET4, SIGNET, REGTEST)
}
"""Every network by its `-chain=` name."""


def signet_of(challenge: bytes, dns_seeds: tuple[str, ...] = ()) -> Network:
    """The signet whose blocks are signed for another challenge (BIP 325).

    Args:
        challenge: a script of at most 10,000 bytes.
        dns_seeds: names that resolve to its nodes.
    """
    magic = sha256d(compact_size(len(challenge)) + challenge)[:4]
    return replace(
        SIGNET,
        magic=magic,
        minimum_chainwork=0,
        dns_seeds=dns_seeds,
        fixed_seeds=(),
        signet_challenge=challenge,
    )
