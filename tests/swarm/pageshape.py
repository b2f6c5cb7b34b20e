"""What a page is made of, for the tests of those who write one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

FETCHED = ("script", "link", "img", "iframe", "object", "image", "use", "foreignObject")
"""Elements by which a page would run or fetch something."""


@dataclass
class Picture:
    """One inline SVG.

    Attributes:
        title: what it says to those who do not see it.
        size: its width and height in its own units.
        classes: of its parts, each as often as it is there.
        texts: what is written in it.
        beyond: parts that lie outside of it.
    """

    title: str = ""
    size: tuple[float, float] = (0.0, 0.0)
    classes: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)


class Shape(HTMLParser):
    """Which elements there are, and whether each that is opened is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.classes: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.pictures: list[Picture] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.classes += [value or "" for name, value in attrs if name == "class"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag == "svg":
            self.pictures.append(Picture())
        if "svg" in self._open or tag == "svg":
            self._draw(tag, {name: value or "" for name, value in attrs})
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "svg" in self._open and self._open[-1] == "title" and self._open[-2] == "svg":
            self.pictures[-1].title += data
        elif "svg" in self._open and self._open[-1] == "text":
            self.pictures[-1].texts.append(data)

    def _draw(self, tag: str, attrs: dict[str, str]) -> None:
        """Note one part of a picture, and whether it lies within."""
        picture = self.pictures[-1]
        if tag == "svg":
            _, _, wide, high = map(float, attrs["viewbox"].split())
            picture.size = wide, high
            return
        picture.classes += attrs.get("class", "").split()
        wide, high = picture.size
        across = [float(attrs[name]) for name in ("x", "x1", "x2", "cx") if name in attrs]
        down = [float(attrs[name]) for name in ("y", "y1", "y2", "cy") if name in attrs]
        if tag == "rect":
            across.append(across[0] + float(attrs["width"]))
            down.append(down[0] + float(attrs["height"]))
        if tag == "path" and "marker" not in self._open:
            across += [float(x) for x in re.findall(r"[MHL](-?[\d.]+)", attrs["d"])]
        if not all(-1 <= x <= wide + 1 for x in across) or not all(
            -1 <= y <= high + 1 for y in down
        ):
            picture.beyond.append(f"{tag} {attrs}")

    def check_harmless(self) -> None:
        """Nothing is run or fetched, and each place that is linked to is there, once."""
        assert not {*FETCHED} & {*self.tags}
        assert all(link.startswith("#") for link in self.links), "nothing is fetched"
        assert {link.removeprefix("#") for link in self.links} <= {*self.ids}
        assert len(self.ids) == len({*self.ids})

    def check_pictures(self) -> None:
        """Each picture says what it shows, is not empty, and draws nothing outside of itself."""
        for picture in self.pictures:
            if picture.size[1] > 20:  # Else it is the key to a line.
                assert picture.title, "a picture has words"
                assert picture.texts, picture.title
            assert not picture.beyond, f"{picture.title}: {picture.beyond[:2]}"
