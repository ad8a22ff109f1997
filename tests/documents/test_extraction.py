"""Reading files: which type they are, what text they hold, and where each passage stands."""

import asyncio
from pathlib import Path

import kreuzberg
import pytest

from src.config import DocumentSettings
from src.documents.exceptions import (
    EmptyDocumentError,
    EncryptedDocumentError,
    ExtractionTimedOutError,
    UnparsableDocumentError,
    UnsupportedFileError,
)
from src.documents.reading.extraction import (
    Extraction,
    detect_type,
    extract,
    locate_headings,
    supported_types,
)
from src.documents.reading.reader import limit_reading
from tests.fixtures.files import DOCX, make_docx, make_pdf

LIMITS = limit_reading(DocumentSettings(chunk_characters=200, chunk_overlap_characters=40))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
PROSE = "Ünïcode änd 漢字 and 😀 stand in this sentence. Another one follows it closely. " * 20


async def read(content: bytes, mime_type: str = "text/plain") -> Extraction:
    return await extract(content, mime_type, LIMITS)


@pytest.mark.parametrize(
    ("head", "filename", "expected"),
    [
        (b"%PDF-1.7 ...", "report.txt", "application/pdf"),
        (b"\x00junk %PDF-1.4", "scan.pdf", "application/pdf"),
        (b"We explain that %PDF- starts a file.", "notes.md", "text/markdown"),
        (make_docx([(None, "x")]), "letter.docx", DOCX),
        (make_docx([(None, "x")]), "letter", DOCX),
        (make_docx([(None, "x")]), "letter.pdf", DOCX),
        (b"PK\x03\x04" + bytes(30), "sheet.xlsx", detect_type(b"PK\x03\x04\x00xl/", "")),
        (OLE, "old.doc", "application/msword"),
        (OLE, "sealed.docx", DOCX),
        (b"{\\rtf1 x}", "x.txt", "application/rtf"),
        (b"# Title", "README.MD", "text/markdown"),
        (b"a,b\n1,2", "table.csv", "text/csv"),
        (b"plain words", "noname", "text/plain"),
        (b"import os", "script.py", "text/plain"),
        (b"MZ is a title that begins like a program", "mz.txt", "text/plain"),
        (b"  <!DOCTYPE html><p>x", "page", "text/html"),
        (b"<html><p>x", "source.md", "text/markdown"),
        ("wide".encode("utf-16"), "wide.txt", "text/plain"),
        ("naïve".encode("latin-1"), "old.txt", "text/plain"),
    ],
)
def test_content_decides_and_the_name_refines(head: bytes, filename: str, expected: str) -> None:
    assert detect_type(head, filename) == expected


@pytest.mark.parametrize(
    ("head", "filename", "named"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "fake.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "photo.jpg", "image/jpeg"),
        (b"MZ\x90\x00\x03", "setup.docx", "portable-executable"),
        (b"\x7fELF\x02\x01\x01\x00", "run.txt", "x-elf"),
        (b"PK\x03\x04" + bytes(30), "photos.zip", "application/zip"),
        (OLE, "thumbs.db", "x-ole-storage"),
        (b"\x1f\x8b\x08\x00", "logs.gz", "gzip"),
        (b"\x00\x01\x02\x03", "blob.txt", "octet-stream"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(head: bytes, filename: str, named: str) -> None:
    with pytest.raises(UnsupportedFileError, match=named) as refusal:
        detect_type(head, filename)
    assert (refusal.value.status, refusal.value.code) == (415, "unsupported_media_type")


def test_every_supported_type_is_known_to_the_extractor() -> None:
    assert [kreuzberg.validate_mime_type(name) for name in supported_types()] == [
        *supported_types()
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("utf-8-sig"), "Grüße"),
        ("Grüße 😀".encode("utf-16"), "Grüße 😀"),
        ("\ufeffGrüße".encode("utf-16-be"), "Grüße"),
        ("\ufeffGrüße".encode("utf-32-le"), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"quoted \x93word\x94", "quoted “word”"),
        (b"a\x00b", "a b"),
        (b"\xff\xfea\x00\x00\xd8", "a\ufffd"),
    ],
)
async def test_text_of_any_encoding_is_read(content: bytes, expected: str) -> None:
    assert [chunk.text for chunk in (await read(content)).chunks] == [expected]


async def test_latin_1_pages_and_mail_keep_their_letters() -> None:
    page = "<html><head><meta charset='iso-8859-1'></head><body><p>Grüße</p></body></html>"
    assert (await read(page.encode("latin-1"), "text/html")).chunks[0].text == "Grüße"
    mail = "Subject: Hi\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nGrüße\r\n"
    assert "Grüße" in (await read(mail.encode("latin-1"), "message/rfc822")).chunks[-1].text


async def test_plain_text_passages_stand_where_they_say() -> None:
    extraction = await read(PROSE.encode())
    assert len(extraction.chunks) > 5
    assert extraction.page_count is None
    for ordinal, chunk in enumerate(extraction.chunks):
        assert chunk.ordinal == ordinal
        assert chunk.text == PROSE[chunk.start : chunk.end]
        assert len(chunk.text) <= LIMITS.chunk_characters
    assert extraction.chunks[0].start == 0
    assert extraction.chunks[-1].end == len(PROSE.strip())
    pairs = zip(extraction.chunks, extraction.chunks[1:], strict=False)
    assert all(right.start <= left.end + 1 for left, right in pairs)


async def test_markdown_passages_know_their_headings() -> None:
    body = "Some words about it. " * 20
    extraction = await read(f"# Guide\n\n{body}\n\n## Wiring\n\n{body}".encode(), "text/markdown")
    headings = [chunk.heading for chunk in extraction.chunks]
    assert headings[0] == "Guide"
    assert headings[-1] == "Guide > Wiring"
    assert "Wiring" not in [chunk.text for chunk in extraction.chunks]


async def test_pdf_passages_know_their_pages() -> None:
    pages = [f"Page {name} speaks. " * 10 for name in ("one", "two", "three")]
    extraction = await read(make_pdf(pages), "application/pdf")
    assert extraction.page_count == 3
    assert (extraction.chunks[0].page_first, extraction.chunks[-1].page_last) == (1, 3)
    for chunk in extraction.chunks:
        assert chunk.page_first is not None
        assert chunk.page_last is not None
        assert 1 <= chunk.page_first <= chunk.page_last <= 3
        assert "Page " in chunk.text


async def test_pdf_passages_know_their_headings() -> None:
    body = "\n".join(
        f"Line {number} says what lamps and oil cost in the harbour." for number in range(12)
    )
    pages = [f"# Of lamps\n{body}", f"# Of oil\n{body}"]
    chunks = (await read(make_pdf(pages), "application/pdf")).chunks
    headings = {chunk.page_last: chunk.heading for chunk in chunks}
    assert headings == {1: "Of lamps", 2: "Of oil"}


async def test_word_passages_know_their_headings_but_no_pages() -> None:
    content = make_docx([("Heading1", "Einführung"), (None, "Ein Absatz mit Wörtern. " * 30)])
    extraction = await read(content, DOCX)
    assert {chunk.heading for chunk in extraction.chunks} == {"Einführung"}
    assert {(chunk.page_first, chunk.page_last) for chunk in extraction.chunks} == {(None, None)}


@pytest.mark.parametrize(
    ("text", "mime_type"),
    [
        ('{"name": nobody closed this', "application/json"),
        ("[database]\npassword = nobody quoted this", "application/toml"),
    ],
)
async def test_what_breaks_its_own_format_is_read_as_it_stands(text: str, mime_type: str) -> None:
    assert (await read(text.encode(), mime_type)).chunks[0].text == text


@pytest.mark.parametrize(
    ("content", "mime_type", "error"),
    [
        (b"  \n\t ", "text/plain", EmptyDocumentError),
        (b"\x00", "text/plain", EmptyDocumentError),
        (b"<html><script>x()</script></html>", "text/html", EmptyDocumentError),
        (make_pdf([""]), "application/pdf", EmptyDocumentError),
        (make_pdf(["secret"], is_encrypted=True), "application/pdf", EncryptedDocumentError),
        (OLE, DOCX, EncryptedDocumentError),
        (OLE, "application/msword", UnparsableDocumentError),
        (b"%PDF-1.4 and nothing else", "application/pdf", UnparsableDocumentError),
        (b"PK\x03\x04 and nothing else", DOCX, UnparsableDocumentError),
    ],
)
async def test_files_without_readable_text_say_why(
    content: bytes, mime_type: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await read(content, mime_type)


async def test_a_decompression_bomb_is_refused() -> None:
    bomb = make_docx([(None, "a" * 150_000_000)])
    assert len(bomb) < 1_000_000
    with pytest.raises(UnparsableDocumentError):
        await read(bomb, DOCX)


async def test_reading_ends_at_the_deadline() -> None:
    limits = limit_reading(DocumentSettings(extraction_timeout_seconds=0.001))
    with pytest.raises(ExtractionTimedOutError):
        await extract(PROSE.encode() * 1000, "text/markdown", limits)


def test_nothing_is_cached_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    asyncio.run(read(PROSE.encode(), "text/markdown"))
    assert list(tmp_path.iterdir()) == []


def test_headings_are_found_in_their_order_where_a_line_says_the_same() -> None:
    text = "Wiring\n\nGuide\n\nSee Wiring.\n\n  Wiring  \nwords\n\nGuide"
    listed = [(1, "Guide"), (2, "Wiring"), (2, "Nowhere"), (1, "x" * 201), (1, "Guide"), (1, "")]
    found = [(heading.start, heading.text) for heading in locate_headings(text, listed)]
    starts = (text.index("Guide"), text.index("  Wiring"), text.rindex("Guide"))
    assert found == [*zip(starts, ("Guide", "Wiring", "Guide"), strict=True)]


async def test_the_language_shows_in_a_long_text_that_begins_in_another() -> None:
    text = "Figure one. " + "Die alten Häuser der Stadt wurden im Krieg zerstört. " * 2000
    assert (await read(text.encode())).language == "deu"
