"""Which links of a run are slow or lossy, as its manifest and its relay have it.

The way from one component to another is as the last entry says that means it. Where none does,
nothing is done to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from axon.swarm.linkquality import LinkQuality


@dataclass(frozen=True, slots=True)
class ShapedLink:
    """The ways from some components to some others; not those back.

    Args:
        sources, targets: names; empty for all.
        quality: what each of these ways is like.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    quality: LinkQuality

    def means(self, source: str, target: str) -> bool:
        """Whether the way from one to the other is one of them."""
        return source in (self.sources or (source,)) and target in (self.targets or (target,))

    def to_json(self) -> dict[str, object]:
        """As it stands in the manifest."""
        return {
            "sources": self.sources,
            "targets": self.targets,
            "quality": self.quality.params(),
            "said": str(self.quality),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the manifest."""
        quality = LinkQuality.from_params(data["quality"])
        return cls(tuple(data["sources"]), tuple(data["targets"]), quality)


def quality_of(links: Sequence[ShapedLink], source: str, target: str) -> LinkQuality | None:
    """What the way from one to the other is like; None where nothing is done to it."""
    return next((each.quality for each in reversed(links) if each.means(source, target)), None)


def is_source(links: Sequence[ShapedLink], name: str) -> bool:
    """Whether something is done to what somebody sends."""
    return any(name in (each.sources or (name,)) for each in links)


def with_link(links: Sequence[ShapedLink], added: ShapedLink) -> tuple[ShapedLink, ...]:
    """The same with one more, which takes the place of one for the same ways."""
    ways = (added.sources, added.targets)
    return (*(each for each in links if (each.sources, each.targets) != ways), added)
