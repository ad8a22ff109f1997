"""Files within ZIP archives, which office files and books are, read within bounds."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

# Of entries that are held as a whole, unpacked; pictures are not among them.
_MOST_BYTES: Final = 100 * 1024 * 1024
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
        self._entries = {entry.filename.lower(): entry for entry in self._archive.infolist()}
        self._left_bytes = _MOST_BYTES

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names as they are written."""
        return (entry.filename for entry in self._entries.values())

    def read(self, name: str) -> bytes | None:
        """Return what the entry holds, or None where there is none."""
        entry = self._entries.get(name.lower())
        if entry is None:
            return None
        try:
            with self._archive.open(entry) as file:
                content = file.read(self._left_bytes + 1)  # What it says of its size may be a lie.
        except _BROKEN as error:
            raise BrokenArchiveError from error
        self._left_bytes -= len(content)
        if self._left_bytes < 0:
            raise BrokenArchiveError
        return content

    def read_xml(self, name: str) -> ET.Element:
        """Return the root of an entry that has to be there."""
        try:
            # Expat refuses entities that grow, and the process has a limit of memory.
            return ET.fromstring(self.read(name) or b"")  # noqa: S314
        except (ET.ParseError, LookupError, ValueError) as error:  # Or an encoding nobody knows.
            raise BrokenArchiveError from error

    def iterate_xml(self, name: str, kind: str) -> Iterator[ET.Element]:
        """Yield the elements of a kind, of any namespace; each is emptied when the next is read.

        So an entry of any size can be read, for as long as there is time.
        """
        try:
            with self._archive.open(self._entries[name.lower()]) as file:
                for _, element in ET.iterparse(file):  # noqa: S314, as above
                    if element.tag.rpartition("}")[2] == kind:
                        yield element
                        element.clear()
        except (*_BROKEN, ET.ParseError, LookupError) as error:
            raise BrokenArchiveError from error


def resolve(base: str, target: str) -> str:
    """Return the name of the entry that `target` means where it stands in the entry `base`."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(base), target)).lstrip("/")
