"""Cuts a text into passages: as long as allowed, ending where a thought does. Pure and linear.

A passage ends at the strongest boundary of its second half: a heading, a paragraph, a line, a
sentence, a word. It begins again some way before the end of the one before, at a boundary too, so
that what stands across the cut is whole in one of the two. Each position is looked at a bounded
number of times, whatever the text: one line of 10 MB takes no longer than 10 MB of short ones.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from typing import Final

# Longer ones are paragraphs that look like headings, and would be repeated with every passage.
LONGEST_HEADING: Final = 200
_HEADING_SEPARATOR: Final = " > "
_WORD: Final = re.compile(r"\S")
_PARAGRAPH_END: Final = re.compile(r"\n[^\S\n]*\n")
_LINE_END: Final = re.compile(r"\n")
# Full stops of the scripts that have one of their own need no space behind them.
_SENTENCE_END: Final = re.compile(
    r"[.!?…]['\"”’»)\]]*(?=\s)|[。！？｡।॥։؟۔]['\"”’」』）]*"  # noqa: RUF001, they are meant
)
_WORD_END: Final = re.compile(r"(?=\s)")
_ENDS: Final = (_PARAGRAPH_END, _LINE_END, _SENTENCE_END, _WORD_END)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at `start`, in characters; a smaller level stands above a larger one."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class PageStart:
    start: int
    number: int


_Path = tuple[Heading, ...]
_NOWHERE: Final[_Path] = ()


@dataclass(frozen=True, slots=True)
class ExtractedChunk:
    """`text` is exactly what stands at `[start, end)`, in characters, of the extracted text."""

    ordinal: int
    text: str
    start: int
    end: int
    page_first: int | None
    page_last: int | None
    heading: str | None


def cut_chunks(
    text: str,
    *,
    max_characters: int,
    overlap: int,
    headings: Sequence[Heading] = (),
    pages: Sequence[PageStart] = (),
) -> list[ExtractedChunk]:
    """`headings` and `pages` stand in the order of the text."""
    paths = [*accumulate(headings, _descend, initial=_NOWHERE)]
    starts = [heading.start for heading in headings]
    return [
        ExtractedChunk(
            ordinal=ordinal,
            text=text[start:end],
            start=start,
            end=end,
            page_first=_find_page(pages, start),
            page_last=_find_page(pages, end - 1),
            heading=_join_path(paths[bisect_right(starts, start)]),
        )
        for ordinal, (start, end) in enumerate(_cut(text, starts, max_characters, overlap))
    ]


def _cut(
    text: str, headings: Sequence[int], max_characters: int, overlap: int
) -> Iterator[tuple[int, int]]:
    # A quarter at most, so that every passage is at least a quarter of new text.
    overlap = min(overlap, max_characters // 4)
    start = _skip_space(text, 0)
    while start < len(text):
        end = _find_end(text, start, start + max_characters, headings)
        yield start, start + len(text[start:end].rstrip())
        begins_anew = end == len(text) or _starts_at(headings, end)
        start = _skip_space(text, end if begins_anew else _find_start(text, end - overlap, end))


def _find_end(text: str, start: int, limit: int, headings: Sequence[int]) -> int:
    if limit >= len(text):
        return len(text)
    middle = (start + limit) // 2
    last = bisect_right(headings, limit) - 1
    if last >= 0 and headings[last] > middle:
        return headings[last]
    for boundary in _ENDS:
        # One character more, for the boundaries that look at what comes next.
        ends = [match.end() for match in boundary.finditer(text, middle, limit + 1)]
        fitting = [end for end in ends if end <= limit]
        if fitting:
            return fitting[-1]
    return limit


def _find_start(text: str, earliest: int, end: int) -> int:
    """Where the next passage begins, to share up to `end - earliest` characters with this one."""
    for boundary in _ENDS:
        match = boundary.search(text, earliest, end)
        if match is not None:
            return match.end()
    return earliest


def _skip_space(text: str, position: int) -> int:
    word = _WORD.search(text, position)
    return word.start() if word else len(text)


def _starts_at(headings: Sequence[int], position: int) -> bool:
    place = bisect_left(headings, position)
    return place < len(headings) and headings[place] == position


def _descend(path: _Path, heading: Heading) -> _Path:
    return (*(above for above in path if above.level < heading.level), heading)


def _join_path(path: _Path) -> str | None:
    return _HEADING_SEPARATOR.join(heading.text for heading in path) or None


def _find_page(pages: Sequence[PageStart], position: int) -> int | None:
    """What stands before the first page, if anything does, belongs to it."""
    if not pages:
        return None
    return pages[max(0, bisect_right(pages, position, key=attrgetter("start")) - 1)].number
