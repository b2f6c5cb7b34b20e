"""The store in memory: what every store promises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.chain.store import MemoryStore

KEYS = st.binary(min_size=1, max_size=3)


@given(st.lists(st.dictionaries(KEYS, st.none() | st.binary(max_size=3), max_size=6)), KEYS)
def test_agrees_with_a_dict(batches: list[dict[bytes, bytes | None]], prefix: bytes) -> None:
    store, model = MemoryStore(), dict[bytes, bytes]()
    for batch in batches:
        store.write(batch)
        for key, value in batch.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        keys = [*batch, prefix]
        assert store.multi_get(keys) == [model.get(key) for key in keys]
        assert [store.get(key) for key in keys] == [model.get(key) for key in keys]
    expected = sorted(item for item in model.items() if item[0].startswith(prefix))
    assert list(store.items(prefix)) == expected
    assert list(store.items(b"")) == sorted(model.items())
