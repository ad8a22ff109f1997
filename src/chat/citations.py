"""Finds the `[n]` markers of an answer, also while it is still growing. Pure.

A number that no source has is the model's invention: it stays in the text, because `[9]` may as
well be part of a quotation or of code, but it is no citation.
"""

import re
from dataclasses import dataclass
from typing import Final

_MARKER: Final = re.compile(r"\[([0-9]{1,3}(?: ?, ?[0-9]{1,3}){0,15})\]")
_LONGEST_MARKER: Final = 2 + 3 + 15 * 6


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker at `[start, end)`, in characters of the answer, and the sources it names."""

    start: int
    end: int
    numbers: tuple[int, ...]


class CitationParser:
    """Fed with an answer piece by piece; a marker may be cut anywhere."""

    def __init__(self, source_count: int) -> None:
        self.cited: set[int] = set()
        self._source_count = source_count
        self._rest = ""
        self._position = 0

    def feed(self, text: str) -> list[Citation]:
        """Return the citations that this piece completes."""
        if not self._rest and "[" not in text:
            self._position += len(text)
            return []
        known = self._rest + text
        citations = [
            Citation(self._position + match.start(), self._position + match.end(), numbers)
            for match in _MARKER.finditer(known)
            if (numbers := self._read_numbers(match[1]))
        ]
        for citation in citations:
            self.cited.update(citation.numbers)
        self._rest = _find_beginning(known)
        self._position += len(known) - len(self._rest)
        return citations

    def _read_numbers(self, text: str) -> tuple[int, ...]:
        numbers = (int(number) for number in text.split(","))
        return tuple(number for number in numbers if 1 <= number <= self._source_count)


def find_citations(answer: str, source_count: int) -> list[Citation]:
    return CitationParser(source_count).feed(answer)


def _find_beginning(text: str) -> str:
    """Return the end of a text that may be the beginning of a marker."""
    start = text.rfind("[", max(len(text) - _LONGEST_MARKER, 0))
    return "" if start < 0 or "]" in text[start:] else text[start:]
