"""The text of EPUB books (EPUB 3.3, W3C): chapter after chapter, each read like any other page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Final
from urllib.parse import unquote

from src.documents.reading.archives import Archive, resolve
from src.documents.reading.chunking import Heading
from src.documents.reading.encodings import decode
from src.documents.reading.html import read_html

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_PAGES: Final = frozenset({"application/xhtml+xml", "text/html"})
# Fonts are often obfuscated; that seals nothing that we read.
_OBFUSCATIONS: Final = frozenset(
    {
        "http://www.idpf.org/2008/embedding",
        "http://ns.adobe.com/pdf/enc#RC",
    }
)
# It holds nothing but the title of the book, or of the chapter.
_HEAD_END: Final = re.compile(r"(?i)</head\s*>")
# In XML any element may be empty; in HTML most would hold what follows.
_EMPTY: Final = re.compile(r"<([a-zA-Z][^\s<>/]*+)([^<>]*)/>")


class SealedBookError(Exception):
    """Its chapters are encrypted."""


def read_epub(content: bytes) -> tuple[str, list[Heading]]:
    """Raises `BrokenArchiveError` for what is no book, and `SealedBookError`."""
    book = Archive(content)
    if not _is_open(book):
        raise SealedBookError
    text, headings = StringIO(), list[Heading]()
    for name in _list_pages(book):
        page = book.read(name)
        if page is None:  # Nobody shall take it for empty.
            text.write(f"Not read: {name} is missing.\n\n")
            continue
        words, found = _read_page(decode(page))
        headings += (replace(one, start=text.tell() + one.start) for one in found)
        text.write(f"{words}\n\n")
    return text.getvalue(), headings


def _list_pages(book: Archive) -> Iterator[str]:
    """Names of its pages, in the order of reading, without the table of contents."""
    root = book.read_xml(_CONTAINER).find(".//{*}rootfile")
    path = "" if root is None else root.get("full-path", "")
    package = book.read_xml(path)
    items = {item.get("id"): item for item in package.iterfind("{*}manifest/{*}item")}
    for reference in package.iterfind("{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _PAGES:
            continue
        if "nav" not in item.get("properties", "").split():
            href = item.get("href", "")
            name = resolve(path, unquote(href))
            yield name if name in book else resolve(path, href)


def _is_open(book: Archive) -> bool:
    if _ENCRYPTION not in book:
        return True
    methods = book.read_xml(_ENCRYPTION).iterfind(".//{*}EncryptionMethod")
    return all(method.get("Algorithm") in _OBFUSCATIONS for method in methods)


def _read_page(page: str) -> tuple[str, list[Heading]]:
    head = _HEAD_END.search(page)
    return read_html(_EMPTY.sub(r"<\1\2></\1>", page[head.end() if head else 0 :]))
