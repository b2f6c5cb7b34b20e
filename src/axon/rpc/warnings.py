"""What a node warns of: the field `warnings` of its answers."""

from __future__ import annotations

from collections.abc import Sequence

from axon.rpc.amounts import Json


class Warnings:
    """The warnings of one node.

    Args:
        lasting: those of the start, about its options.
        as_text: only the last one is told, as a text and not in a list, as Bitcoin Core did before
            version 28 (`-deprecatedrpc=warnings`).
    """

    def __init__(self, lasting: Sequence[str] = (), *, as_text: bool = False) -> None:
        self._lasting = tuple(lasting)
        self._raised: dict[int, str] = {}
        self._as_text = as_text

    def change(self, number: int, text: str | None) -> bool:
        """Take in a warning of the validator by its number, None when it is over; whether it is
        new."""
        if text is None:
            self._raised.pop(number, None)
            return False
        is_new = number not in self._raised
        self._raised[number] = text
        return is_new

    def to_json(self) -> Json:
        """All of them, as a caller reads them."""
        told = [*self._lasting, *(self._raised[number] for number in sorted(self._raised))]
        if self._as_text:
            return told[-1] if told else ""
        return list(told)
