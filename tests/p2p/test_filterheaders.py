"""The chain of filter headers: a list of pairs, its file, its fork with the best chain."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from axon.p2p.filterheaders import RECORD_SIZE, FilterHeaderChain, HeadersChange
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.primitives.network import REGTEST
from tests.p2p.chains import Ledger, mine_headers

CHAIN = mine_headers(REGTEST.genesis.header, 60)
FORK = mine_headers(CHAIN[39], 30, salt=1)


def write(file: bytearray, start_height: int, change: HeadersChange | None) -> None:
    """What a job does to the file."""
    if change is not None:
        del file[(change.start_height - start_height) * RECORD_SIZE :]
        file += change.records


STEPS = st.lists(
    st.tuples(st.sampled_from(("append", "truncate", "write", "kill")), st.integers(0, 9)),
    max_size=40,
)


@settings(max_examples=200)
@given(STEPS, st.sampled_from((0, 1, 5000)))
def test_it_is_a_list_and_its_file_follows(steps: list[tuple[str, int]], start: int) -> None:
    chain, file = FilterHeaderChain(start, bytes([7]) * 32), bytearray()
    model: list[tuple[BlockHash, bytes]] = []
    serial = 0
    for verb, number in steps:
        match verb:
            case "append":
                names = range(serial, serial + number)
                news = [(BlockHash(sha256d(b"%d" % n)), sha256d(b"h%d" % n)) for n in names]
                serial += number
                chain.append([block for block, _ in news], [header for _, header in news])
                model += news
            case "truncate":
                del model[max(0, len(model) - number) :]
                chain.truncate(start + len(model) - 1)
            case "write":
                write(file, start, chain.take_changes())
                assert chain.take_changes() is None
            case "kill":  # The last record is cut short.
                chain = FilterHeaderChain.load(bytes(file) + bytes(number), start, bytes([7]) * 32)
                model = [
                    (BlockHash(bytes(file[at : at + 32])), bytes(file[at + 32 : at + 64]))
                    for at in range(0, len(file), RECORD_SIZE)
                ]
        assert chain.height == start + len(model) - 1
        assert chain.at(start - 1) == bytes([7]) * 32
        for place, (block_hash, header) in enumerate(model):
            assert chain.block_hash(start + place) == block_hash
            assert chain.at(start + place) == header
    write(file, start, chain.take_changes())
    assert bytes(file) == b"".join(block_hash + header for block_hash, header in model)


def test_a_filter_fits_its_header_and_no_other() -> None:
    chain, header = FilterHeaderChain(), ZERO_HASH
    for number in range(5):
        header = sha256d(sha256d(b"%d" % number) + header)
        chain.append([BlockHash(bytes([number]) * 32)], [header])
    for height in range(5):
        for number in range(5):
            assert chain.fits(height, sha256d(b"%d" % number)) == (height == number)


def test_the_fork_is_the_last_common_block() -> None:
    ledger = Ledger()
    main = [ledger.tree.genesis, *ledger.learn(CHAIN)]
    other = ledger.learn(FORK)
    for length in range(len(main) + 1):
        chain = FilterHeaderChain()
        chain.append([entry.hash for entry in main[:length]], [bytes(32)] * length)
        assert chain.fork(main[-1]) == length - 1
        assert chain.fork(main[20]) == min(20, length - 1)
        assert chain.fork(other[-1]) == min(40, length - 1)
