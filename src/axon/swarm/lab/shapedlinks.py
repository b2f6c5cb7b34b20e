"""Which links of a run are slow or lossy, as its manifest and its relay have it.

The way from one component to another is as the last entry says that means it. Where none does,
nothing is done to it; where one says that nothing passes, no other makes it pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from axon.swarm.linkquality import LinkQuality

NOTHING_PASSES: Final = "nothing passes"


@dataclass(frozen=True, slots=True)
class ShapedLink:
    """The ways from some components to some others; not those back.

    Args:
        sources, targets: names; empty for all.
        quality: what each of these ways is like; None if nothing passes.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    quality: LinkQuality | None

    def means(self, source: str, target: str) -> bool:
        """Whether the way from one to the other is one of them."""
        return source in (self.sources or (source,)) and target in (self.targets or (target,))

    def to_json(self) -> dict[str, object]:
        """As it stands in the manifest."""
        return {
            "sources": self.sources,
            "targets": self.targets,
            "quality": None if self.quality is None else self.quality.params(),
            "said": str(self.quality or NOTHING_PASSES),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the manifest."""
        params = data["quality"]
        quality = None if params is None else LinkQuality.from_params(params)
        return cls(tuple(data["sources"]), tuple(data["targets"]), quality)


def link_of(links: Sequence[ShapedLink], source: str, target: str) -> ShapedLink | None:
    """What says how the way from one to the other is; None where nothing is done to it."""
    meant = [each for each in reversed(links) if each.means(source, target)]
    return next((each for each in meant if each.quality is None), meant[0] if meant else None)


def is_source(links: Sequence[ShapedLink], name: str) -> bool:
    """Whether something is done to what somebody sends."""
    return any(name in (each.sources or (name,)) for each in links)


def with_link(links: Sequence[ShapedLink], added: ShapedLink) -> tuple[ShapedLink, ...]:
    """The same with one more, which takes the place of one for the same ways."""

    def is_replaced(each: ShapedLink) -> bool:
        same_ways = (each.sources, each.targets) == (added.sources, added.targets)
        return same_ways and (each.quality is None) == (added.quality is None)

    return (*(each for each in links if not is_replaced(each)), added)
