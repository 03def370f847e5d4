"""Reads a rendered page back with a real parser."""

import functools
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "path", "rect", "circle", "use", "link", "img"}


_ENDS = {tag: {"td"} for tag in ("td", "th")} | {"tr": {"td", "tr"}, "dt": {"dd"}, "dd": {"dt"}, "li": {"li", "p"}}
_ENDS |= {tag: {"p"} for tag in ("p", "ul", "ol", "dl", "pre", "div", "table", "details")}
"""Element -> what its beginning ends, as HTML has it."""
_MAY_STAY_OPEN = {"td", "tr", "dt", "dd", "li", "p"}
"""What the end of the element around it ends."""


@dataclass
class Element:
    """One element: its name, attributes, the names of those around it, and the text within."""

    tag: str
    attributes: dict[str, str]
    path: tuple[str, ...]
    pieces: list[str]
    """The whole page's text; this element's is from ``start`` to ``end``."""
    start: int
    end: int = -1

    @property
    def text(self) -> str:
        """All text within, at any depth."""
        return "".join(self.pieces[self.start : self.end])


@dataclass
class Page(HTMLParser):
    """All elements of a page, in order, and whether every one was closed properly."""

    elements: list[Element] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        path = tuple(element.tag for element in self.open)
        at = len(self.pieces)
        element = Element(tag, {name: value or "" for name, value in attrs}, path, self.pieces, at, at)
        self.elements.append(element)
        return element

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        while self.open and self.open[-1].tag in _ENDS.get(tag, ()):
            self._close()
        element = self._add(tag, attrs)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself (within SVG)."""
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, which must be the one opened last, but for those whose end may be left out."""
        while self.open and self.open[-1].tag in _MAY_STAY_OPEN - {tag}:
            self._close()
        if not self.open or self.open[-1].tag != tag:
            self.unbalanced.append(tag)
            return
        self._close()

    def _close(self) -> None:
        self.open.pop().end = len(self.pieces)

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.pieces.append(data)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements called TAG whose attributes hold the given words."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(value in element.attributes.get(name, "").split() for name, value in wanted.items())
        ]

    def one(self, id: str) -> Element:
        """Return the only element with this id."""
        (found,) = [element for element in self.elements if element.attributes.get("id") == id]
        return found


@functools.lru_cache(maxsize=32)
def parse(text: str) -> Page:
    """Return the page, and fail when an element was not closed that must be."""
    page = Page()
    page.feed(text)
    page.close()
    assert not page.unbalanced, page.unbalanced[:5]
    assert not page.open, [element.tag for element in page.open]
    return page
