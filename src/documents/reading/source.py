"""Where the headings of LaTeX, Org and reStructuredText are, which are read as they stand."""

import re
from collections.abc import Iterator
from typing import Final

from src.documents.reading.chunking import LONGEST_HEADING, Heading

_LINE: Final = re.compile(r"[^\n]+")
_LATEX_LEVELS: Final = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_LATEX_HEADING: Final = re.compile(
    rf"\\({'|'.join(_LATEX_LEVELS)})\*?(?:\[[^\]\n]{{0,200}}\])?"
    r"\{((?:[^{}\n]|\{[^{}\n]{0,200}\}){1,200}+)\}"
)
_LATEX_SIGN: Final = re.compile(r"\\[a-zA-Z]+\*?|[{}]")
_COMMENT_REACH: Final = 200
_ORG_HEADING: Final = re.compile(r"(\*+)[ \t]+(?:(?:TODO|DONE)[ \t]+)?(.*)")
_ORG_TAGS: Final = re.compile(r"[ \t]+:[\w@#%:]+:$")
_RST_SIGNS: Final = "[-=`:'\"~^_*+#<>.]"
# The line before is empty, and one that is underlined only is not indented.
_RST_HEADING: Final = re.compile(
    rf"(?:^|(?<=\n\n))(?:(?P<over>({_RST_SIGNS})\2{{1,400}}+)[ \t]*\n[ \t]?)?"
    rf"(?P<title>[^\s.][^\n]{{0,199}}+)\n(?P<under>({_RST_SIGNS})\5{{1,400}}+)[ \t]*(?=\n|$)"
)


def read_latex(text: str) -> tuple[str, list[Heading]]:
    return text, [*_find_latex(text)]


def _find_latex(text: str) -> Iterator[Heading]:
    for found in _LATEX_HEADING.finditer(text):
        nearby = text[max(0, found.start() - _COMMENT_REACH) : found.start()]
        is_comment = "%" in nearby.rpartition("\n")[2].replace("\\%", "")
        title = " ".join(_LATEX_SIGN.sub("", found[2]).split())
        if title and not is_comment:
            level = _LATEX_LEVELS.index(found[1]) + 1
            yield Heading(found.start(), level, title[:LONGEST_HEADING])


def read_org(text: str) -> tuple[str, list[Heading]]:
    return text, [*_find_org(text)]


def _find_org(text: str) -> Iterator[Heading]:
    for line in _LINE.finditer(text):
        if len(line[0]) <= 2 * LONGEST_HEADING and (found := _ORG_HEADING.match(line[0])):
            title = _ORG_TAGS.sub("", found[2].rstrip()).strip()
            if 0 < len(title) <= LONGEST_HEADING:
                yield Heading(line.start(), len(found[1]), title)


def read_rst(source: str) -> tuple[str, list[Heading]]:
    text = source.replace("\r\n", "\n")
    return text, [*_find_rst(text)]


def _find_rst(text: str) -> Iterator[Heading]:
    """How a heading is underlined says its level, in the order in which a text uses that."""
    styles: list[tuple[str, bool]] = []
    for found in _RST_HEADING.finditer(text):
        over, title, under = found["over"], found["title"].rstrip(), found["under"]
        if len(under) < len(title) or (over and over != under):
            continue
        style = (under[0], bool(over))
        if style not in styles:
            styles.append(style)
        yield Heading(found.start("title"), styles.index(style) + 1, title.strip())
