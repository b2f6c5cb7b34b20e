"""Ways between the components of a trial: slow and lossy, or dead in one direction, until healed.

The relay of links carries them (`lab/shaping`), so what is done here is done to packets, and no end
is told of it. The clocks of a trial run faster than this machine's, and a link is as slow as was
said by those.
"""

from __future__ import annotations

from collections.abc import Iterable

from axon.swarm.faultplan import Way
from axon.swarm.lab.manifest import ComponentKind, Manifest
from axon.swarm.lab.shapedlinks import ShapedLink, with_link
from axon.swarm.lab.slowlinks import set_links, unshape
from axon.swarm.linkquality import LinkQuality

Names = tuple[str, ...]


def shape(
    manifest: Manifest, near: Names, far: Names | None, way: Way, quality: LinkQuality
) -> None:
    """Have the ways between two sides be like this.

    Args:
        manifest: of the run.
        near, far: names of components; None for all, also those of the near side.
        way: which direction, as the near side sees it.
        quality: by this machine's clock.

    Raises:
        NodeFailed: the system refuses.
    """
    one, other = _linked(manifest, near), _linked(manifest, far or ())
    if one and (other or far is None):
        _put(manifest, one, other, way, quality)


def swallow(manifest: Manifest, near: Names, far: Names | None, way: Way) -> None:
    """Let nothing pass from one side to the other.

    Args:
        manifest: of the run.
        near, far: names of components; None for all others.
        way: which direction, as the near side sees it.

    Raises:
        NodeFailed: the system refuses.
    """
    others = [name for name in manifest.components if name not in near]
    one, other = _linked(manifest, near), _linked(manifest, others if far is None else far)
    if one and other:
        _put(manifest, one, other, way, None)


def heal(manifest: Manifest) -> None:
    """Have all ways be as they were.

    Raises:
        NodeFailed: the system refuses.
    """
    if manifest.links:
        unshape(manifest)


def _put(
    manifest: Manifest, near: Names, far: Names, way: Way, quality: LinkQuality | None
) -> None:
    links = manifest.links
    if way is not Way.IN:
        links = with_link(links, ShapedLink(near, far, quality))
    if way is not Way.OUT:
        links = with_link(links, ShapedLink(far, near, quality))
    set_links(manifest, links)


def _linked(manifest: Manifest, names: Iterable[str]) -> Names:
    """Those of some names who have a link; a miner works at its nodes, a seed is no program."""
    found = (manifest.components[name] for name in names if name in manifest.components)
    return tuple(item.name for item in found if item.kind is not ComponentKind.MINER)
