"""What the doctor tries: what the lab needs, what it uses, and what it could use one day."""

from __future__ import annotations

from dataclasses import replace

from axon.swarm.lab.doctor import backends, examine
from axon.swarm.lab.manifest import BackendName


def test_what_is_needed_is_used_and_works_here() -> None:
    found = examine()
    assert all(item.used for item in found if item.needed)
    assert all(item.works for item in found if item.needed)
    assert [item.name for item in found if item.used and not item.needed] == [
        "memory",
        "pausing processes",
        "network namespaces (--backend netns)",
        "Bitcoin Core (--mix bitcoind:K)",
    ]
    assert backends(found)[0] is BackendName.PROC


def test_what_is_missing_is_left_out_of_the_backends() -> None:
    found = examine()
    spaces = next(item for item in found if "netns" in item.name)
    assert backends([replace(spaces, works=False)]) == [BackendName.PROC]
    assert backends([replace(spaces, works=True)]) == [BackendName.PROC, BackendName.NETNS]
    assert backends([replace(found[0], works=False), replace(spaces, works=True)]) == []
