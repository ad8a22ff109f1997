"""Which files can be read, and which type a file really is. The content has the first word."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from src.documents.exceptions import UnsupportedFileError

_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument."
PLAIN_TEXT: Final = "text/plain"
HTML: Final = "text/html"
MARKDOWN: Final = "text/markdown"
LATEX: Final = "application/x-latex"
ORG: Final = "text/x-org"
RST: Final = "text/x-rst"
DOCX: Final = f"{_OPEN_XML}wordprocessingml.document"
PPTX: Final = f"{_OPEN_XML}presentationml.presentation"
XLSX: Final = f"{_OPEN_XML}spreadsheetml.sheet"
EPUB: Final = "application/epub+zip"
XML: Final = "application/xml"
CSV: Final = "text/csv"
TSV: Final = "text/tab-separated-values"
MAIL: Final = "message/rfc822"
PDF: Final = "application/pdf"
_RTF: Final = "application/rtf"
_UNKNOWN: Final = "application/octet-stream"
_ZIP: Final = "application/zip"
_OLE: Final = "application/x-ole-storage"
_OLE_MARK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."

_SIGNATURES: Final[Mapping[bytes, str]] = {
    b"%PDF-": PDF,
    b"{\\rtf": _RTF,
}
_BINARY_SIGNATURES: Final[Mapping[bytes, str]] = {
    b"PK\x03\x04": _ZIP,
    _OLE_MARK: _OLE,
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"MZ": "application/vnd.microsoft.portable-executable",
    b"\x7fELF": "application/x-elf",
    b"\xcf\xfa\xed\xfe": "application/x-mach-binary",
    b"\x1f\x8b": "application/gzip",
    b"7z\xbc\xaf\x27\x1c": "application/x-7z-compressed",
    b"Rar!\x1a\x07": "application/vnd.rar",
    b"SQLite format 3\x00": "application/vnd.sqlite3",
    b"ID3": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"RIFF": "application/x-riff",
}
_ZIPPED: Final[Mapping[str, str]] = {
    ".docx": DOCX,
    ".pptx": PPTX,
    ".xlsx": XLSX,
    ".odt": f"{_OPEN_DOCUMENT}text",
    ".ods": f"{_OPEN_DOCUMENT}spreadsheet",
    ".epub": EPUB,
}
# What a ZIP of another name shows in its first entries.
_ZIP_ENTRIES: Final[Mapping[bytes, str]] = {
    b"word/": ".docx",
    b"ppt/": ".pptx",
    b"xl/": ".xlsx",
    b"mimetypeapplication/vnd.oasis.opendocument.text": ".odt",
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet": ".ods",
    b"mimetypeapplication/epub+zip": ".epub",
}
_OLE_STORED: Final[Mapping[str, str]] = {
    ".doc": "application/msword",
    ".ppt": "application/vnd.ms-powerpoint",
    ".xls": "application/vnd.ms-excel",
    ".msg": "application/vnd.ms-outlook",
}
_TEXTUAL: Final[Mapping[str, str]] = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xml": XML,
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".csv": CSV,
    ".tsv": TSV,
    ".rst": RST,
    ".org": ORG,
    ".tex": LATEX,
    ".eml": MAIL,
    ".ipynb": "application/x-ipynb+json",
}
# Recognised without their names.
_NAMED: Final[Mapping[str, str]] = {".txt": PLAIN_TEXT, ".pdf": PDF, ".rtf": _RTF}
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
# What no text contains; tab, line ends, form feed and escape do occur.
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HTML_START: Final = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_PDF_HEADER_BYTES: Final = 1024


def supported_types() -> tuple[str, ...]:
    tables = (_ZIPPED, _OLE_STORED, _TEXTUAL)
    named = {mime_type for table in tables for mime_type in table.values()}
    return tuple(sorted({PLAIN_TEXT, PDF, _RTF, *named}))


def list_extensions(mime_type: str) -> list[str]:
    tables = (_ZIPPED, _OLE_STORED, _TEXTUAL, _NAMED)
    return sorted(suffix for table in tables for suffix, name in table.items() if name == mime_type)


def is_textual(mime_type: str) -> bool:
    """Whether the bytes are text in an encoding that has to be guessed; mail names its own."""
    return mime_type == PLAIN_TEXT or mime_type in set(_TEXTUAL.values()) - {MAIL}


def is_older_sheet(mime_type: str) -> bool:
    """Whether it is a spreadsheet of another kind than `XLSX`."""
    return mime_type in {_ZIPPED[".ods"], _OLE_STORED[".xls"]}


def is_sealed_office_file(content: bytes, mime_type: str) -> bool:
    """Office wraps a document with a password into its older container, whatever the name."""
    return content.startswith(_OLE_MARK) and mime_type in _ZIPPED.values()


def detect_type(head: bytes, filename: str) -> str:
    """The MIME type by the first kilobytes; the name decides only among what they allow.

    Raises `UnsupportedFileError` for what cannot be read: images (there is no text recognition),
    archives, programs and unknown binary content.
    """
    suffix = PurePosixPath(filename.lower()).suffix
    found = _match(_SIGNATURES, head) or (
        _find_binary_type(head, suffix) if _is_binary(head) else _find_textual_type(head, suffix)
    )
    if found not in supported_types():
        raise UnsupportedFileError(f"The content is of type {found}, which cannot be read as text.")
    return found


def _is_binary(head: bytes) -> bool:
    return not head.startswith(_WIDE_MARKS) and _CONTROL.search(head) is not None


def _find_binary_type(head: bytes, suffix: str) -> str:
    found = _match(_BINARY_SIGNATURES, head)
    if found == _ZIP:
        return _ZIPPED.get(suffix) or _look_into_zip(head)
    if found == _OLE:
        return _OLE_STORED.get(suffix) or _ZIPPED.get(suffix) or _OLE
    if found is None and b"%PDF-" in head[:_PDF_HEADER_BYTES]:
        return PDF
    return found or _UNKNOWN


def _find_textual_type(head: bytes, suffix: str) -> str:
    if suffix not in _TEXTUAL and _HTML_START.match(head):
        return HTML
    return _TEXTUAL.get(suffix, PLAIN_TEXT)


def _match(signatures: Mapping[bytes, str], head: bytes) -> str | None:
    return next((name for mark, name in signatures.items() if head.startswith(mark)), None)


def _look_into_zip(head: bytes) -> str:
    found = (_ZIPPED[suffix] for entry, suffix in _ZIP_ENTRIES.items() if entry in head)
    return next(found, _ZIP)
