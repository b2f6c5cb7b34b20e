"""What became of a trial, in words."""

from __future__ import annotations

from axon.swarm.trialreport import told_late


def test_clients_that_want_the_same_are_told_together() -> None:
    late = [("w1", "pay"), ("w1", "read"), ("j1", "join"), ("w2", "pay"), ("w2", "read")]
    assert told_late(late) == "w1 and w2 cannot pay, read; j1 cannot join"
    assert told_late([]) == ""
