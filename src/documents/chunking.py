"""The bookkeeping of passages: from the extractor's byte ranges to exact character offsets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

_HEADING_SEPARATOR: Final = " > "


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """A passage as the extractor cut it: a range of the UTF-8 bytes of the text."""

    start: int
    end: int
    page_first: int | None = None
    page_last: int | None = None
    headings: tuple[str, ...] = ()


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


def cut_chunks(text: str, spans: Sequence[ByteSpan]) -> list[ExtractedChunk]:
    """Trim the spans, number them, and drop headings that the following passage carries along."""
    offsets = _map_offsets(text, {bound for span in spans for bound in (span.start, span.end)})
    chunks: list[ExtractedChunk] = []
    for span, following in zip_longest(spans, spans[1:]):
        start, end = _trim(text, offsets[span.start], offsets[span.end])
        lines = text[start:end].splitlines()
        carried = ("", *following.headings) if following else ("",)
        if all(line.strip() in carried for line in lines):
            continue
        chunks.append(
            ExtractedChunk(
                ordinal=len(chunks),
                text=text[start:end],
                start=start,
                end=end,
                page_first=span.page_first,
                page_last=span.page_last,
                heading=_HEADING_SEPARATOR.join(span.headings) or None,
            )
        )
    return chunks


def _map_offsets(text: str, positions: Iterable[int]) -> dict[int, int]:
    """Byte positions to character positions; one inside a character counts as its beginning."""
    encoded = text.encode()
    offsets: dict[int, int] = {}
    byte = character = 0
    for position in sorted(positions):
        piece = encoded[byte:position].decode(errors="ignore")
        character += len(piece)
        byte += len(piece.encode())
        offsets[position] = character
    return offsets


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    words = text[start:end]
    start += len(words) - len(words.lstrip())
    return start, start + len(words.strip())
