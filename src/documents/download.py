"""Handing a stored file back: ranges, validators, and headers that keep it from being a page.

Somebody else's HTML must never run under our origin, so whatever a browser might take for a page
goes out as bytes to be saved.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from src.documents.exceptions import RangeNotSatisfiableError

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PAGES: Final = frozenset({"text/html", "application/xml", "application/xhtml+xml"})
_UNQUOTABLE: Final = re.compile(r'[^ !#$&-.0-\[\]^-~]|["%]')


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `[start, end)`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers of a request that decide what of a file goes out."""

    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None

    def is_fresh(self, etag: str) -> bool:
        """Whether the client has this very file already (RFC 9110, 13.1.2)."""
        if self.if_none_match is None:
            return False
        known = [tag.strip().removeprefix("W/") for tag in self.if_none_match.split(",")]
        return etag in known or "*" in known

    def pick_range(self, etag: str, size_bytes: int) -> ByteRange | None:
        """None is the whole file: for no range, several, or one of a file that has changed."""
        if self.range is None or (self.if_range is not None and self.if_range != etag):
            return None
        return parse_range(self.range, size_bytes)


def parse_range(header: str, size_bytes: int) -> ByteRange | None:
    """Read one range (RFC 9110, 14.1.2). A malformed one is ignored, as the RFC has it."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(int(last) + 1 if last else size_bytes, size_bytes)
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiableError(size_bytes)
    return ByteRange(start, end)


def make_headers(filename: str, etag: str) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": make_disposition(filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }


def make_disposition(filename: str) -> str:
    """Name the file twice: for old clients in ASCII, for all others exactly (RFC 6266)."""
    plain = _UNQUOTABLE.sub("_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def get_served_type(media_type: str) -> str:
    return "application/octet-stream" if media_type in _PAGES else media_type


async def begin(content: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Read the first block, so that what fails does so before the answer begins."""
    first = await anext(content, b"")
    return _resume(first, content)


async def _resume(first: bytes, content: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(content):
        yield first
        async for block in content:
            yield block
