"""Files within ZIP archives, which office files and books are, read within bounds."""

import io
import posixpath
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, Final, cast
from xml.etree import ElementTree as ET

# Of entries that are held as a whole, unpacked; pictures are not among them.
_MOST_BYTES: Final = 100 * 1024 * 1024
_SAYS_UTF_8: Final = 0x800
# What an empty one counts for: it takes its time, and may be named a million times.
_FEWEST_BYTES: Final = 1_000
_BLOCK_BYTES: Final = 16 * 1024
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # A compression that Python does not know.
    RuntimeError,  # A password is needed.
    ValueError,
)


class BrokenArchiveError(Exception):
    """It cannot be unpacked, or to more than anybody would send."""


class Archive:
    """Of two entries of a name, the last one counts. Names are compared without their case."""

    def __init__(self, content: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
            raise BrokenArchiveError from error
        self._entries = {_get_key(entry): entry for entry in self._archive.infolist()}
        self._left_bytes = _MOST_BYTES

    def __contains__(self, name: str) -> bool:
        return _fold(name) in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names as they are written."""
        return (entry.filename for entry in self._entries.values())

    def read(self, name: str) -> bytes | None:
        """Return what the entry holds, or None where there is none."""
        if name not in self:
            return None
        try:
            with self._open(name) as file:
                content = file.read(self._left_bytes + 1)  # What it says of its size may be a lie.
        except _BROKEN as error:
            raise BrokenArchiveError from error
        self._left_bytes -= max(len(content), _FEWEST_BYTES)
        if self._left_bytes < 0:
            raise BrokenArchiveError
        return content

    def _open(self, name: str) -> IO[bytes]:
        """Office files and books know two compressions; Python's others have no bound."""
        entry = self._entries[_fold(name)]
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError
        return self._archive.open(entry)

    def read_xml(self, name: str) -> ET.Element:
        """Return the root of an entry that has to be there."""
        try:
            # Expat refuses entities that grow, and the process has a limit of memory.
            return ET.fromstring(self.read(name) or b"")  # noqa: S314
        except (ET.ParseError, LookupError, ValueError) as error:  # Or an encoding nobody knows.
            raise BrokenArchiveError from error

    def iterate_xml(self, name: str, kind: str) -> Iterator[ET.Element]:
        """Yield the elements of a kind, of any namespace; each is emptied when the next is read.

        So little is held of an entry of any size.
        """
        try:
            with self._open(name) as file:
                parser: ET.XMLPullParser[Any] = ET.XMLPullParser(["end"])
                size = _BLOCK_BYTES
                while block := file.read(size):
                    parser.feed(block)
                    # An older Expat reads a token anew with every block, until it has its end.
                    size *= 2
                    events = cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
                    for _, element in events:
                        size = _BLOCK_BYTES
                        if get_name(element) == kind:
                            yield element
                            element.clear()
                parser.close()
        except (*_BROKEN, ET.ParseError, LookupError) as error:
            raise BrokenArchiveError from error


def get_name(element: ET.Element) -> str:
    """Without its namespace, of which each edition of a standard has its own."""
    return element.tag.rpartition("}")[2]


def _get_key(entry: zipfile.ZipInfo) -> str:
    """Many a program writes UTF-8 without saying so."""
    name = entry.filename
    if not entry.flag_bits & _SAYS_UTF_8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return _fold(name)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()


def resolve(base: str, target: str) -> str:
    """Return the name of the entry that `target` means where it stands in the entry `base`."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(base), target)).lstrip("/")
