"""A pull parser for `multipart/form-data` (RFC 7578) that holds one network chunk, never a file.

The framework's own form parsing spools every file to a temporary file first. Here the consumer
of a part pulls its bytes from the socket, so a slow disk slows the sender down.
"""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from src.documents.exceptions import MalformedUploadError


@dataclass(frozen=True, slots=True)
class Part:
    """One field or file. `content` must be consumed before the next part is asked for, or is lost.

    `filename` is None for a plain field; the sender chose it, so it is never a path to us.
    """

    name: str
    filename: str | None
    content: AsyncIterator[bytes]


def get_boundary(content_type: str) -> bytes:
    media_type, options = parse_options_header(content_type)
    if media_type != b"multipart/form-data" or b"boundary" not in options:
        raise MalformedUploadError("Send the files as multipart/form-data.")
    return options[b"boundary"]


async def read_parts(body: AsyncIterator[bytes], boundary: bytes) -> AsyncGenerator[Part]:
    """Yield the parts of a body in order. Raises `MalformedUploadError`."""
    source = _Events(body, boundary)
    while (event := await source.next()) is not None:
        if not isinstance(event, _PartBegin):
            continue  # What the consumer left of the part before.
        async with aclosing(_read_content(source)) as content:
            yield Part(event.name, event.filename, content)


async def _read_content(source: "_Events") -> AsyncGenerator[bytes]:
    while isinstance(event := await source.next(), bytes):
        yield event


@dataclass(frozen=True, slots=True)
class _PartBegin:
    name: str
    filename: str | None


class _PartEnd:
    """Marks the end of a part's bytes."""


_Event = _PartBegin | bytes | _PartEnd


@dataclass(slots=True)
class _Header:
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)


class _Events:
    """Feeds the body to the push parser and hands out what it pushed, one event at a time."""

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        self._body = body
        self._pending: deque[_Event] = deque()
        self._header = _Header()
        self._disposition = b""
        self._has_ended = False
        with _parser_errors():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": lambda: self._pending.append(_PartEnd()),
                    "on_end": self._end,
                },
            )

    async def next(self) -> _Event | None:
        while not self._pending:
            chunk = await anext(self._body, None)
            if chunk is None:
                if not self._has_ended:
                    raise MalformedUploadError("The upload was cut off.")
                return None
            self._feed(chunk)
        return self._pending.popleft()

    def _feed(self, chunk: bytes) -> None:
        with _parser_errors():
            self._parser.write(chunk)

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header.name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header.value += data[start:end]

    def _end_header(self) -> None:
        if self._header.name.lower() == b"content-disposition":
            self._disposition = bytes(self._header.value)
        self._header = _Header()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise MalformedUploadError("A part of the upload has no name.")
        filename = options.get(b"filename")
        self._pending.append(
            _PartBegin(
                options[b"name"].decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
            )
        )

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._pending.append(data[start:end])

    def _end(self) -> None:
        self._has_ended = True


@contextmanager
def _parser_errors() -> Iterator[None]:
    try:
        yield
    except FormParserError as exc:
        raise MalformedUploadError from exc
