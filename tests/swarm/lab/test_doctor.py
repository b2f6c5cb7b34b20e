"""What the doctor tries: what the lab needs, what it uses, and what it could use one day."""

from __future__ import annotations

from axon.swarm.lab.doctor import examine


def test_what_is_needed_is_used_and_works_here() -> None:
    found = examine()
    assert all(item.used for item in found if item.needed)
    assert all(item.works for item in found if item.needed)
    assert [item.name for item in found if item.used and not item.needed] == [
        "memory",
        "pausing processes",
    ]
