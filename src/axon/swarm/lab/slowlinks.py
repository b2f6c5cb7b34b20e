"""Links of a run that are made slow or lossy, and which ones a person means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from axon.errors import ConfigError
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.manifest import ComponentKind, Manifest
from axon.swarm.lab.shapedlinks import NOTHING_PASSES, ShapedLink, with_link
from axon.swarm.lab.targets import Targets
from axon.swarm.linkquality import LinkQuality

Sides = tuple[tuple[str, ...], tuple[str, ...]]
"""The names on both sides; the second is empty for all others."""


def read_sides(text: str, targets: Targets, manifest: Manifest) -> Sides:
    """Between whom `n1-n2`, `n1,n2|n3` or `n1` is; the last means all links of n1.

    Raises:
        ConfigError: it means nothing here, or somebody who has no link.
    """
    near, far = _split(text, targets)
    for name in (*near, *far):
        if manifest.components[name].kind is ComponentKind.MINER:
            node = manifest.components[name].node
            raise ConfigError(f"{name} is a miner, and has no link: it works at {node}")
    both = [name for name in near if name in far]
    if both:
        raise ConfigError(f"{both[0]} is on both sides of {text!r}; a link has two ends")
    return near, far


def _split(text: str, targets: Targets) -> Sides:
    if "|" in text:
        one, _, other = text.partition("|")
        return tuple(targets.read(one)), tuple(targets.read(other))
    for place, character in enumerate(text):
        if character == "-":  # A name may have one, too.
            with suppress(ConfigError):
                return tuple(targets.read(text[:place])), tuple(targets.read(text[place + 1 :]))
    return tuple(targets.read(text)), ()


def shape(manifest: Manifest, sides: Sides, quality: LinkQuality, *, one_way: bool) -> None:
    """Have links be like this from now on, also for connections that stand.

    Args:
        manifest: of the run.
        sides: as `read_sides` gives them.
        quality: what they are to be like.
        one_way: only what the first side sends.

    Raises:
        ConfigError: the backend cannot do it.
        NodeFailed: the system refuses.
    """
    backend_of(manifest).check_shaping()
    near, far = sides
    links = with_link(manifest.links, ShapedLink(near, far, quality))
    if not one_way:
        links = with_link(links, ShapedLink(far, near, quality))
    set_links(manifest, links)


def unshape(manifest: Manifest) -> None:
    """Have all links be as they were.

    Raises:
        NodeFailed: the system refuses.
    """
    set_links(manifest, ())


def set_links(manifest: Manifest, links: tuple[ShapedLink, ...]) -> None:
    """Have all links be like this, and all others as ever.

    Raises:
        NodeFailed: the system refuses.
    """
    manifest.links = links
    manifest.save()
    backend_of(manifest).shape(manifest)


def shown(manifest: Manifest) -> Iterator[str]:
    """Each link that is shaped, in words: `n1 > n2: latency=80ms`."""
    for link in manifest.links:
        near, far = (" ".join(names) or "all" for names in (link.sources, link.targets))
        yield f"{near} > {far}: {link.quality or NOTHING_PASSES}"
