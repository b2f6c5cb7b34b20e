"""All headers that prove their work and obey the rules, and which of them lead furthest.

Every header is kept that connects to a known one and passes `HeaderRules`; the best is that with
the most accumulated work, the first seen among equals. A block that proves invalid takes all that
builds on it out of the race (`mark_invalid`), and nothing more may build on it.

Work is what bounds the tree: each entry cost its maker the hashes that its target asks for. Chains
that start at the easiest target of long ago are cheap, though; whoever asks peers for headers
decides first that what they send is worth keeping (p2p/headersync).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from axon.chain.headerentry import HeaderEntry
from axon.chain.headertable import HeaderTable
from axon.chain.rules import HeaderRules
from axon.errors import DamageError
from axon.primitives.hashes import BlockHash, sha256d, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import Network
from axon.primitives.octets import StoredOctets
from axon.primitives.verdict import Rejected

__all__ = ["HeaderEntry", "HeaderTree", "HeadersVerdict"]

_PREV = slice(4, 36)
_BITS = slice(72, 76)


@dataclass(frozen=True, slots=True)
class HeadersVerdict:
    """What became of a run of headers.

    Args:
        count: how many were accepted, known ones included.
        new: how many of them were not known before: the last ones.
        last: the last of them; None if there is none.
        rejected: why the next one was refused; None if all were accepted. Nothing behind it was
            looked at.
    """

    count: int
    new: int
    last: HeaderEntry | None
    rejected: Rejected | None


class HeaderTree:
    """The known headers of one network.

    Args:
        network: whose rules hold.
        table: with the entry from which to grow, trusted; None for the genesis block. See
            `HeaderTable` for which heights can serve.
    """

    def __init__(self, network: Network, table: HeaderTable | None = None) -> None:
        if table is None:
            table = HeaderTable(network.genesis.header)
        root = table.root
        self.network = network
        self._rules = HeaderRules(network)
        self._table = table
        self._leaves: dict[HeaderEntry, None] = {root: None}  # Nothing builds on these.
        self._invalid: set[BlockHash] = set()  # With all descendants; only asked, never walked.
        self._set_aside: set[BlockHash] = set()  # Of these, those that the operator wants invalid.
        self.genesis = root
        self.best = root

    def __len__(self) -> int:
        """How many headers are known."""
        return len(self._table)

    def get(self, block_hash: BlockHash) -> HeaderEntry | None:
        """The entry of a header, or None."""
        return self._table.get(block_hash)

    def add(self, header: Header, now: int) -> HeaderEntry | Rejected:
        """Take in one header; its entry, also if it was known, or why it is refused.

        Args:
            header: any 80 bytes.
            now: microseconds since 1970.
        """
        block_hash, table = header.hash, self._table
        newest = table.at(len(table) - 1)
        # Nothing builds on the newest yet, so what does is not known: mostly it is that.
        is_next = header.raw[_PREV] == newest.hash
        known = None if is_next else table.get(block_hash)
        if known is not None:
            if block_hash not in self._invalid:
                return known
            detail = f"block {to_hex(block_hash)} was previously marked invalid"
            return Rejected("duplicate-invalid", detail)
        raw = header.raw
        parent = newest if is_next else table.get(raw[_PREV])
        if parent is None:
            return self._rules.check_work(raw, block_hash) or Rejected("prev-blk-not-found")
        if self._invalid and parent.hash in self._invalid:
            return self._rules.check_work(raw, block_hash) or Rejected("bad-prevblk")
        rejected = self._rules.check(raw, block_hash, parent, now)
        return self._insert(raw, block_hash, parent) if rejected is None else rejected

    def add_chain(self, headers: Iterable[Header], now: int) -> HeadersVerdict:
        """Take in headers one after the other, up to the first that is refused.

        Args:
            headers: as a `headers` message brings them, each on the one before.
            now: microseconds since 1970.
        """
        known = len(self._table)
        chain = tuple(headers)
        count, last = 0, None
        while count < len(chain):
            added = self.add(chain[count], now)
            if isinstance(added, Rejected):
                return HeadersVerdict(count, len(self._table) - known, last, added)
            count += 1
            plain, last = self._add_plain(chain, count, added, now)
            count += plain
        return HeadersVerdict(count, len(self._table) - known, last, None)

    def read_from(self, stored: StoredOctets) -> None:
        """Let headers that are loaded or restored next lie where they are stored.

        Args:
            stored: them, one behind the other; readable as long as the tree is there.
        """
        self._table.read_from(stored)

    def segments(self) -> list[tuple[int, int]]:
        """The shape of the tree, for `restore`: headers by number, and on which each builds.

        All others build on the one before, with the same target.
        """
        return self._table.segments()

    def restore(self, chunks: Iterable[bytes], segments: Sequence[tuple[int, int]]) -> None:
        """Take in headers that a tree had loaded in an earlier run, without looking at their work.

        Args:
            chunks: the same as then, whole, as the caller knows for certain; each some headers of
                80 bytes, one behind the other.
            segments: what the other tree said its shape was.

        Raises:
            DamageError: the shape is that of other headers.
        """
        assert len(self._table) == 1, "an earlier run began with the root, too"
        self._table.restore(chunks, segments)
        self._table.stop_reading()
        self._leaves = dict.fromkeys([self._table.at(slot) for slot in self._table.leaves()])
        self.best = self._find_best()

    def load(self, chunks: Iterable[bytes]) -> int:
        """Take in headers that this tree accepted in an earlier run, in any order of theirs.

        Their links and work are checked, to notice damage; the rules of time and target are not.

        Args:
            chunks: each some headers of 80 bytes, one behind the other; a parent comes before its
                children.

        Returns:
            How many were new.

        Raises:
            DamageError: a header does not connect or does not prove its work, or a chunk ends in
                the middle of one. The headers before it stay.
        """
        known, position = len(self._table), 0
        try:
            for chunk in chunks:
                if len(chunk) % HEADER_SIZE:
                    raise DamageError(f"stored headers end in the middle of header {position}")
                self._load_chunk(chunk, position)
                position += len(chunk) // HEADER_SIZE
        finally:
            self._table.stop_reading()
        return len(self._table) - known

    def next_bits(self, parent: HeaderEntry, time: int) -> int:
        """The target that a header after `parent` must state, in compact form.

        Args:
            parent: any entry.
            time: of the new header, in seconds since 1970; it matters on test chains only.
        """
        return self._rules.next_bits(parent, time)

    def mark_invalid(self, block_hash: BlockHash, *, set_aside: bool = False) -> None:
        """Exclude a known header and all that builds on it: its block proved invalid.

        The best header becomes the one with the most work among the rest.

        Args:
            block_hash: which; not the root of the tree.
            set_aside: nothing is wrong with it, but the operator wants it so.
        """
        culprit = self._known(block_hash)
        assert culprit is not self.genesis, "the root of the tree is trusted"
        for leaf in self._leaves:
            if leaf.ancestor(culprit.height) is culprit:
                entry: HeaderEntry | None = leaf
                while entry is not None and entry.height >= culprit.height:
                    if set_aside and entry.hash not in self._invalid:
                        self._set_aside.add(entry.hash)
                    self._invalid.add(entry.hash)
                    entry = entry.parent
        if self.best.hash in self._invalid:
            self.best = self._find_best()

    def reconsider(self, block_hash: BlockHash) -> None:
        """Take a known header back, with what it builds on and what builds on it.

        Other branches that were excluded stay so.
        """
        chosen = self._known(block_hash)
        for leaf in self._leaves:
            if leaf.ancestor(chosen.height) is chosen:
                self._take_back(leaf, chosen.height)
        entry = chosen.parent
        while entry is not None and entry.hash in self._invalid:
            self._take_back(entry, entry.height)
            entry = entry.parent
        self.best = self._find_best()

    def _take_back(self, last: HeaderEntry, lowest: int) -> None:
        entry: HeaderEntry | None = last
        while entry is not None and entry.height >= lowest:
            self._invalid.discard(entry.hash)
            self._set_aside.discard(entry.hash)
            entry = entry.parent

    def is_invalid(self, block_hash: BlockHash) -> bool:
        """Whether a header was marked invalid, itself or by an ancestor."""
        return block_hash in self._invalid

    def is_set_aside(self, header: Header) -> bool:
        """Whether a header is excluded only because the operator wants it or its parent so.

        Nobody is to blame who sends it.
        """
        return header.hash in self._set_aside or header.prev in self._set_aside

    def tips(self) -> list[HeaderEntry]:
        """The entries that nothing builds on, invalid ones included, highest first."""
        return sorted(self._leaves, key=lambda leaf: -leaf.height)

    def fork(self, a: HeaderEntry, b: HeaderEntry) -> HeaderEntry:
        """The last common ancestor of two entries of this tree, in O(log n)."""
        common = a.fork_with(b)
        assert common is not None, "entries of one tree share its root"
        return common

    def _known(self, block_hash: BlockHash) -> HeaderEntry:
        entry = self._table.get(block_hash)
        if entry is None:
            raise KeyError(block_hash)
        return entry

    def _insert(self, raw: bytes, block_hash: BlockHash, parent: HeaderEntry) -> HeaderEntry:
        entry = self._table.append(raw, block_hash, parent)
        self._grown(parent, entry)
        return entry

    def _grown(self, parent: HeaderEntry, last: HeaderEntry) -> None:
        """A new chain ends in an entry, and begins on another."""
        self._leaves.pop(parent, None)
        self._leaves[last] = None
        if parent is self.best or last.chainwork > self.best.chainwork:
            self.best = last

    def _add_plain(
        self, chain: tuple[Header, ...], start: int, parent: HeaderEntry, now: int
    ) -> tuple[int, HeaderEntry]:
        """Take in the headers from `start` on that need no closer look; how many, and the last.

        All are checked, then all inserted: half the cost of one after the other. Without any the
        parent is the last.
        """
        # If the first is unknown so are all that build on it.
        if self._rules.is_varying or start == len(chain) or self._table.knows(chain[start].hash):
            return 0, parent
        count = self._rules.count_plain(chain, start, parent, now)
        if not count:
            return 0, parent
        last = self._table.extend(chain[start : start + count], parent)
        self._grown(parent, last)
        return count, last

    def _load_chunk(self, chunk: bytes, position: int) -> None:
        offset = 0
        while offset < len(chunk):
            offset += self._reload_plain(chunk, offset) * HEADER_SIZE
            if offset < len(chunk):
                raw = chunk[offset : offset + HEADER_SIZE]
                self._reload(raw, position + offset // HEADER_SIZE)
                offset += HEADER_SIZE

    def _reload(self, raw: bytes, position: int) -> None:
        block_hash = BlockHash(sha256d(raw))
        if self._table.knows(block_hash):
            self._table.stop_reading()
            return
        parent = self._table.get(raw[_PREV])
        if parent is None:
            raise DamageError(f"stored header {position} is damaged: it connects to no other")
        if self._rules.check_work(raw, block_hash, parent.target_run) is not None:
            raise DamageError(f"stored header {position} is damaged: it proves no work")
        self._insert(raw, block_hash, parent)

    def _reload_plain(self, chunk: bytes, start: int) -> int:
        """Take in the stored headers that follow the newest with its target; how many they are.

        Args:
            chunk: headers one behind the other.
            start: where to begin in it.
        """
        newest = self._table.at(len(self._table) - 1)
        before, target_run, from_bytes = newest.hash, newest.target_run, int.from_bytes
        target, bits = target_run.target, newest.raw[_BITS]
        hashes: list[BlockHash] = []
        for offset in range(start, len(chunk), HEADER_SIZE):
            raw = chunk[offset : offset + HEADER_SIZE]
            if raw[_PREV] != before or raw[_BITS] != bits:
                break
            block_hash = BlockHash(sha256(sha256(raw).digest()).digest())
            if from_bytes(block_hash, "little") > target:
                break
            hashes.append(block_hash)
            before = block_hash
        if hashes:
            self._table.adopt(chunk[start : start + len(hashes) * HEADER_SIZE], hashes)
            self._grown(newest, self._table.at(len(self._table) - 1))
        return len(hashes)

    def _find_best(self) -> HeaderEntry:
        """The most work that is left; of equals the one that was first seen."""
        ends: list[HeaderEntry] = []
        for leaf in self._leaves:
            entry = leaf
            while entry.hash in self._invalid:
                assert entry.parent is not None, "the root of the tree is trusted"
                entry = entry.parent
            ends.append(entry)
        most = max(entry.chainwork for entry in ends)
        equal = [entry for entry in ends if entry.chainwork == most]
        return min(equal, key=lambda entry: entry.slot)
