"""Where the headings of Markdown are. It is read as it stands: all of it is text.

A line is looked at once, by the rules of https://spec.commonmark.org, but for what containers and
paragraphs of several lines would change.
"""

import re
from collections.abc import Iterator
from typing import Final

from src.documents.reading.chunking import LONGEST_HEADING, Heading

# The bytes of a picture within the text say nothing to anybody.
_PICTURE: Final = re.compile(r"(data:[\w.+-]{1,40}/[\w.+-]{1,80};base64,)[A-Za-z0-9+/=]{64,}+")
_LINE: Final = re.compile(r"[^\n]*\n?")
_FENCE: Final = re.compile(r" {0,3}(`{3,}+|~{3,}+)")
_NUMBERED: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_CLOSING: Final = re.compile(r"(?:^|[ \t]+)#+$")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)[ \t]*$")
# What begins something else than a paragraph, and so cannot be underlined.
_OTHER_BLOCK: Final = re.compile(r"    |\t| {0,3}(?:[>#|]|[-+*][ \t]|\d{1,9}[.)][ \t]|<)")
_TAG: Final = re.compile(r"<[^<>]*>")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_FORMATTING: Final = re.compile(r"\*+|`+|~~|(?<!\w)_+|_+(?!\w)|\\(?=[^\w\s])")
_FRONT_MATTER: Final = re.compile(r"(---|\+\+\+)[ \t]*\n(?=\S)(?:[^\n]*\n)*?\1[ \t]*(?:\n|\Z)")


def read_markdown(source: str) -> tuple[str, list[Heading]]:
    text = _PICTURE.sub(r"\1…", source)
    return text, [*_find_headings(text)]


def _find_headings(text: str) -> Iterator[Heading]:
    front_matter = _FRONT_MATTER.match(text)
    fence, is_in_paragraph = "", False
    above: re.Match[str] | None = None  # The line before, when it is a paragraph by itself.
    for line in _LINE.finditer(text, front_matter.end() if front_matter else 0):
        content = line[0][: 2 * LONGEST_HEADING].rstrip()
        if (mark := _FENCE.match(content)) or fence:
            fence, above, is_in_paragraph = _follow_fence(fence, content, mark), None, False
        elif numbered := _NUMBERED.match(content):
            yield from _name(line, len(numbered[1]), numbered[2])
            above, is_in_paragraph = None, False
        elif above and (underline := _UNDERLINE.match(content)):
            yield from _name(above, 1 if "=" in underline[1] else 2, above[0])
            above, is_in_paragraph = None, False
        else:
            is_alone = not is_in_paragraph and not _OTHER_BLOCK.match(content)
            is_in_paragraph = bool(content)
            above = line if is_alone and content else None


def _follow_fence(fence: str, content: str, mark: re.Match[str] | None) -> str:
    """Return the fence that is open behind this line; only one like it closes it."""
    if not fence and mark:
        return "" if "`" in mark[1] and "`" in content[mark.end() :] else mark[1]
    if mark and mark[1].startswith(fence) and not content[mark.end() :]:
        return ""
    return fence


def _name(line: re.Match[str], level: int, source: str) -> Iterator[Heading]:
    if len(source) > 2 * LONGEST_HEADING:
        return
    title = _LINK.sub(r"\1", _TAG.sub("", _CLOSING.sub("", source.strip())))
    title = " ".join(_FORMATTING.sub("", title).split())
    if 0 < len(title) <= LONGEST_HEADING:
        yield Heading(line.start(), level, title)
