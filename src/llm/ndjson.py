r"""Newline-delimited JSON from bytes: whole lines, however the network cut them.

Lines end at b"\n" only. httpx's own line reader also splits at U+0085 and U+2028, which JSON may
carry inside a string.
"""

MAX_LINE_BYTES = 8 * 1024 * 1024


class MalformedLineError(ValueError):
    """A line is too long or is not UTF-8."""


class NDJSONDecoder:
    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._partial = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes, without the blank ones."""
        head, newline, tail = data.partition(b"\n")
        self._partial += head
        if not newline:
            self._check_length(self._partial)
            return []
        *complete, rest = bytes(self._partial), *tail.split(b"\n")
        self._partial = bytearray(rest)
        self._check_length(self._partial)
        return self._decode(complete)

    def finish(self) -> list[str]:
        """Return the last line if it came without its newline."""
        rest, self._partial = bytes(self._partial), bytearray()
        return self._decode([rest])

    def _decode(self, lines: list[bytes]) -> list[str]:
        return [self._decode_line(line) for line in lines if line.strip()]

    def _decode_line(self, line: bytes) -> str:
        self._check_length(line)
        try:
            return line.decode()
        except UnicodeDecodeError as exc:
            raise MalformedLineError("A line is not UTF-8.") from exc

    def _check_length(self, line: bytes | bytearray) -> None:
        if len(line) > self._max_line_bytes:
            raise MalformedLineError(f"A line is longer than {self._max_line_bytes} bytes.")
