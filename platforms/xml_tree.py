"""XML as a tree of elements that know their line, read without ever expanding an entity."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from wattq.errors import PlatformError, at

__all__ = ["Element", "parse_tree"]

_MAX_DEPTH = 64


class Element:
    """One XML element.

    Attributes:
        tag: name of the element.
        attrs: its attributes.
        line: line of the file where it begins, from 1.
        children: the elements inside, in order.
    """

    __slots__ = ("attrs", "children", "line", "tag")

    def __init__(self, tag: str, attrs: dict[str, str], line: int) -> None:
        self.tag = tag
        self.attrs = attrs
        self.line = line
        self.children: list[Element] = []

    def walk(self) -> Iterator[Element]:
        """Yield this element and all below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse_tree(content: bytes, source: str) -> Element:
    """Return the root element of an XML document.

    A DOCTYPE line is accepted and its document is not fetched; entity declarations are refused, since they can make a
    small file enormous.

    Raises:
        PlatformError: when the content is not well-formed, declares entities, or is nested deeper than 64 elements.
    """
    # SimGrid's parser, unlike expat, lets blank lines stand before the XML declaration; Batsim ships such files.
    stripped = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    builder = _Builder(source, content[: len(content) - len(stripped)].count(b"\n"))
    try:
        builder.parser.Parse(stripped, True)
    except expat.ExpatError as error:
        place = at(source, error.lineno + builder.skipped)
        reason = f"{expat.ErrorString(error.code)}, column {error.offset + 1}"
        raise PlatformError(f"{place}: not well-formed XML ({reason}); mend the file") from None
    except (ValueError, LookupError) as error:
        if isinstance(error, PlatformError):
            raise
        raise PlatformError(f"{at(source, 1)}: not readable as XML ({error}); save the file as UTF-8") from None
    if builder.root is None:
        raise PlatformError(f"{at(source)}: holds no XML element; a platform file has one <platform>")
    return builder.root


class _Builder:
    """The callbacks of one parse."""

    def __init__(self, source: str, skipped: int) -> None:
        self.source = source
        self.skipped = skipped
        self.root: Element | None = None
        self.open: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity

    @property
    def line(self) -> int:
        """The line that is being read."""
        return self.parser.CurrentLineNumber + self.skipped

    def _fail(self, message: str) -> None:
        raise PlatformError(f"{at(self.source, self.line)}: {message}")

    def _start(self, tag: str, attrs: dict[str, str]) -> None:
        element = Element(tag, attrs, self.line)
        if len(self.open) >= _MAX_DEPTH:
            self._fail(f"<{tag}> is nested deeper than {_MAX_DEPTH} elements; flatten the zones")
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def _end(self, _tag: str) -> None:
        self.open.pop()

    def _text(self, text: str) -> None:
        if not text.isspace():
            self._fail(f"text '{text.strip()[:40]}' stands between elements; SimGrid knows attributes only, remove it")

    def _entity(self, name: str, *_rest: object) -> None:
        self._fail(f"declares the entity '{name}'; entities are not expanded, write the value where it is used")
