"""The text of an HTML page, as a reader of the page would see it: pure, and linear in its length.

Elements are not nested in a tree: a page is a row of texts and tags, and a tag says how far the
text behind it stands from the text before it. So no text depends on the elements around it, whether
they are closed, known or 100,000 deep. What a browser never shows is left out: comments, scripts,
styles and templates (docs/decisions/0107-html-is-read-by-us.md).
"""

import re
from dataclasses import dataclass, field
from enum import IntEnum
from html import unescape
from io import StringIO
from typing import Final

from src.documents.reading.chunking import LONGEST_HEADING, Heading

# A comment, a tag by its name, or what browsers drop as if it were a comment: `<?xml>`, `</3>`.
_MARKUP: Final = re.compile(r"<(?:(?P<comment>!--)|/?(?P<name>[a-zA-Z][^\s/>]*+)|[!?/])")
_COMMENT_END: Final = re.compile(r"--!?>")
# Quotes hide a `>` only where a value begins. One that is never closed hides nothing.
_TAG_END: Final = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>""")
# Python refuses to read numbers of thousands of digits; no character has one of more than seven.
_LONG_NUMBER: Final = re.compile(r"&#[0-9]{8,}+;?")
_LINE_ENDS: Final = re.compile(r"\r\n?")


class _Gap(IntEnum):
    """What stands between two texts; of several in a row the widest counts."""

    NOTHING = 0
    SPACE = 1
    LINE = 2
    PARAGRAPH = 3
    CELL = 4
    ROW = 5
    TABLE = 6


_WRITTEN: Final = {
    _Gap.NOTHING: "",
    _Gap.SPACE: " ",
    _Gap.LINE: "\n",
    _Gap.PARAGRAPH: "\n\n",
    _Gap.CELL: "",
    _Gap.ROW: "\n",
    _Gap.TABLE: "\n\n",
}
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_CELLS: Final = frozenset({"td", "th"})
_PREFORMATTED: Final = frozenset({"pre", "textarea", "listing", "xmp", "plaintext"})
_LINES: Final = (
    "address area audio base body br canvas center datalist dd desc details dialog dir div dl dt"
    " fieldset figcaption figure footer foreignobject form frame frameset head header hgroup html"
    " iframe legend li link main map menu meta nav noframes noscript object ol optgroup option"
    " param search select source summary svg text ul video"
)
_PARAGRAPHS: Final = "article aside blockquote caption hr p section title"
_GAPS: Final = {
    **dict.fromkeys(("button", "input", "label", "meter", "progress"), _Gap.SPACE),
    **dict.fromkeys(_LINES.split(), _Gap.LINE),
    **dict.fromkeys((*_PARAGRAPHS.split(), *_HEADINGS, *_PREFORMATTED), _Gap.PARAGRAPH),
    **dict.fromkeys(("tr", "thead", "tbody", "tfoot"), _Gap.ROW),
    "table": _Gap.TABLE,
}
_RAW_ENDS: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style")
}


@dataclass(slots=True)
class _Writer:
    out: StringIO = field(default_factory=StringIO)
    length: int = 0
    gap: _Gap = _Gap.NOTHING
    headings: list[Heading] = field(default_factory=list)
    # Of the heading that is open, if any: its level, where its text starts, and the text.
    level: int = 0
    start: int | None = None
    title: list[str] = field(default_factory=list)
    # Of the row of a table: how many cells began, and how many of them since the last text.
    cells: int = 0
    bars: int = 0
    preformatted: int = 0
    # How many templates are open: what is in them is not shown.
    hidden: int = 0

    def add_text(self, text: str) -> None:
        if "&" in text:  # Of some numbers nothing is left.
            text = unescape(_LONG_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))
        if self.hidden or not text:
            return
        if self.preformatted:
            text = _LINE_ENDS.sub("\n", text)
            self._put(text.lstrip("\n") if self.gap >= _Gap.PARAGRAPH else text)
            return
        if text[0].isspace():
            self._widen(_Gap.SPACE)
        if words := text.split():
            self._put(" ".join(words))
            if text[-1].isspace():
                self._widen(_Gap.SPACE)

    def add_tag(self, name: str, *, is_end: bool) -> None:
        if name in _CELLS:
            if not is_end:
                self._begin_cell()
            return
        gap = _GAPS.get(name, _Gap.LINE if "-" in name else _Gap.NOTHING)
        if gap >= _Gap.PARAGRAPH:
            self._leave_heading(is_begun=name not in _HEADINGS)
        if name in _HEADINGS and not is_end:
            self.level = _HEADINGS[name]
        if name in _PREFORMATTED:
            self.preformatted = max(0, self.preformatted + (-1 if is_end else 1))
        if gap >= _Gap.ROW:
            self.cells = self.bars = 0
        self._widen(gap)

    def _begin_cell(self) -> None:
        if self.cells:
            self.bars += 1
            self._widen(_Gap.CELL)
        self.cells += 1

    def _leave_heading(self, *, is_begun: bool) -> None:
        """A paragraph ends a heading that nobody closed, but not one that has no text yet."""
        if self.start is None:
            if not is_begun:
                self.level = 0
            return
        title = " ".join("".join(self.title).split())
        if len(title) <= LONGEST_HEADING:
            self.headings.append(Heading(self.start, self.level, title))
        self.level, self.start = 0, None
        self.title.clear()

    def _widen(self, gap: _Gap) -> None:
        self.gap = max(self.gap, gap)

    def _put(self, text: str) -> None:
        if not text:
            return
        before = _WRITTEN[self.gap] if self.length else ""
        if self.bars:
            before += " " * (self.gap == _Gap.CELL) + "| " * self.bars
        if self.level:
            self._note_title(before, text)
        self.out.write(before)
        self.out.write(text)
        self.length += len(before) + len(text)
        self.gap, self.bars = _Gap.NOTHING, 0

    def _note_title(self, before: str, text: str) -> None:
        if self.start is None:
            self.start = self.length + len(before)
            self.title.append(text)
        elif self.length - self.start <= LONGEST_HEADING:
            self.title += (before, text)


def read_html(page: str) -> tuple[str, list[Heading]]:
    writer = _Writer()
    position, has_sound_quotes = 0, True
    last = page.rfind(">")
    while (found := _MARKUP.search(page, position)) and found.start() < last:
        writer.add_text(page[position : found.start()])
        if found["comment"]:
            position = _find_comment_end(page, found.end())
            continue
        tag_end = _TAG_END.match(page, found.end()) if has_sound_quotes else None
        has_sound_quotes = tag_end is not None
        position = tag_end.end() if tag_end else page.index(">", found.end()) + 1
        if found["name"]:
            position = _follow_tag(writer, page, found, position)
    writer.add_text(page[position:])
    writer.add_tag("html", is_end=True)
    return writer.out.getvalue(), writer.headings


def _find_comment_end(page: str, start: int) -> int:
    """`<!-->` is a whole comment; one that nobody closed goes on to the end of the page."""
    end = _COMMENT_END.search(page, start - 2)
    return end.end() if end else len(page)


def _follow_tag(writer: _Writer, page: str, found: re.Match[str], position: int) -> int:
    """Return where the page goes on behind this tag, and behind what it hides."""
    name = found["name"].lower()
    is_end = page[found.start() + 1] == "/"
    is_empty = page[position - 2] == "/"
    if name == "template":
        if not is_empty:
            writer.hidden = max(0, writer.hidden + (-1 if is_end else 1))
    elif name not in _RAW_ENDS:
        if not writer.hidden:
            writer.add_tag(name, is_end=is_end)
    elif not is_end and not is_empty:
        end = _RAW_ENDS[name].search(page, position)
        return end.start() if end else len(page)
    return position
