"""Text out of files, cut into passages: pages and text by our own code, the rest by kreuzberg's.

Every file is hostile: the vendor's own limits against decompression bombs stay on, nothing is
cached on disk, and a deadline ends the work. What the vendor does in more than linear time, its
chunking and guessing the language of a whole book, it is not asked to do.
"""

import asyncio
import re
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any, Final

from kreuzberg import (
    CancellationToken,
    ExtractionConfig,
    ExtractionResult,
    KreuzbergError,
    LanguageDetectionConfig,
    PageConfig,
    extract_bytes,
)

from src.documents.exceptions import (
    EmptyDocumentError,
    EncryptedDocumentError,
    ExtractionError,
    ExtractionTimedOutError,
    UnparsableDocumentError,
    UnsupportedFileError,
)
from src.documents.reading.archives import BrokenArchiveError
from src.documents.reading.chunking import (
    LONGEST_HEADING,
    ExtractedChunk,
    Heading,
    PageStart,
    cut_chunks,
)
from src.documents.reading.encodings import decode
from src.documents.reading.epub import SealedBookError, read_epub
from src.documents.reading.filetypes import (
    CSV,
    DOCX,
    EPUB,
    HTML,
    LATEX,
    MAIL,
    MARKDOWN,
    ORG,
    PDF,
    PLAIN_TEXT,
    PPTX,
    RST,
    TSV,
    XLSX,
    XML,
    detect_type,
    is_older_sheet,
    is_sealed_office_file,
    is_textual,
    supported_types,
)
from src.documents.reading.html import read_html
from src.documents.reading.limits import ReadingLimits
from src.documents.reading.mail import Attachment, BrokenMailError, read_mail
from src.documents.reading.markdown import read_markdown
from src.documents.reading.sheets import read_sheets
from src.documents.reading.slides import read_slides
from src.documents.reading.source import read_latex, read_org, read_rst
from src.documents.reading.tables import Rows, read_csv, write_sheets
from src.documents.reading.word import show_tabs

__all__ = ["Extraction", "detect_type", "extract", "supported_types"]

# The vendor loses text of these (docs/decisions/0107-html-is-read-by-us.md).
_OURS: Final[Mapping[str, Callable[[str], tuple[str, Sequence[Heading]]]]] = {
    HTML: read_html,
    MARKDOWN: read_markdown,
    LATEX: read_latex,
    ORG: read_org,
    RST: read_rst,
    CSV: read_csv,
    TSV: partial(read_csv, delimiters="\t"),
}
# Of XML it loses the attributes.
_AS_THEY_STAND: Final = frozenset({PLAIN_TEXT, XML})
_MOST_ATTACHMENTS: Final = 50
# It takes twice as long as the text, and is worth less than to have that in time.
_MOST_PAGES_WITH_HEADINGS: Final = 1000
_HEADINGS_SECONDS: Final = 30.0
_HEAD_BYTES: Final = 64 * 1024
_LINE: Final = re.compile(r"[^\n]+")
# The language shows in a few pieces of the text; to read all of it takes seconds.
_SAMPLES: Final = 8
_SAMPLE_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Extraction:
    chunks: list[ExtractedChunk]
    page_count: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class _Contents:
    text: str
    headings: Sequence[Heading] = ()
    pages: Sequence[PageStart] = ()
    page_count: int | None = None


async def extract(content: bytes, mime_type: str, limits: ReadingLimits) -> Extraction:
    """Raises an `ExtractionError` whose detail tells the owner of the file what is wrong."""
    async with _limit(limits.extraction_timeout_seconds) as token:
        contents = await _read(content, mime_type, token)
        chunks = cut_chunks(
            _blank_nul(contents.text),
            max_characters=limits.chunk_characters,
            overlap=limits.chunk_overlap_characters,
            headings=[replace(one, text=_blank_nul(one.text)) for one in contents.headings],
            pages=contents.pages,
        )
        if not chunks:
            raise EmptyDocumentError
        language = await _detect_language(contents.text, token)
        return Extraction(chunks, contents.page_count, language)


@asynccontextmanager
async def _limit(timeout_seconds: float) -> AsyncIterator[CancellationToken]:
    """Stop the vendor's threads when nobody waits for them any more."""
    token = CancellationToken()
    try:
        async with asyncio.timeout(timeout_seconds):
            yield token
    except TimeoutError as error:
        raise ExtractionTimedOutError from error
    finally:
        token.cancel()


async def _read(content: bytes, mime_type: str, token: CancellationToken) -> _Contents:
    if is_sealed_office_file(content, mime_type):
        raise EncryptedDocumentError
    if mime_type == MAIL:
        return await _read_mail(content, token)
    if mime_type in _ARCHIVES:
        return _read_archive(content, mime_type)
    if not is_textual(mime_type):
        return await _parse(content, mime_type, token)
    text = _blank_nul(decode(content))
    if mime_type in _OURS:
        return _Contents(*_OURS[mime_type](text))
    if mime_type not in _AS_THEY_STAND:
        # What claims to be JSON and is not can still be read as it stands; so can what has its
        # text where the vendor does not look.
        with suppress(UnparsableDocumentError):
            contents = await _parse(text.encode(), mime_type, token)
            if contents.text.strip():
                return contents
    return _Contents(text)


async def _read_mail(content: bytes, token: CancellationToken) -> _Contents:
    """The body, and behind it every file attached to it, each below a heading of its own."""
    try:
        body, attachments = read_mail(content)
    except BrokenMailError:
        return _Contents(decode(content))
    if not body and not attachments:
        body = decode(content)
    text, headings = body, list[Heading]()
    for number, attachment in enumerate(attachments):
        start = len(text) + 2
        if number < _MOST_ATTACHMENTS:
            read = await _read_attachment(attachment, token)
        else:
            read = _Contents(f"Not read: only {_MOST_ATTACHMENTS} attachments of a mail are.")
        title = f"\n\nAttachment: {attachment.name}\n\n"
        behind = len(text) + len(title)
        headings.append(Heading(start, 1, attachment.name[:LONGEST_HEADING]))
        headings += (Heading(behind + h.start, h.level + 1, h.text) for h in read.headings)
        text += title + read.text
    return _Contents(text, headings)


async def _read_attachment(attachment: Attachment, token: CancellationToken) -> _Contents:
    """What cannot be read is said in its place, so that nobody takes it for empty."""
    try:
        mime_type = detect_type(attachment.content[:_HEAD_BYTES], attachment.name)
        if mime_type == MAIL:  # No mail by its name; those are read with the one around them.
            mime_type = PLAIN_TEXT
        contents = await _read(attachment.content, mime_type, token)
        if not contents.text.strip():
            raise EmptyDocumentError
    except (ExtractionError, UnsupportedFileError) as error:
        return _Contents(f"Not read: {error.detail}")
    return contents


def _read_archive(content: bytes, mime_type: str) -> _Contents:
    try:
        return _ARCHIVES[mime_type](content)
    except SealedBookError as error:
        raise EncryptedDocumentError from error
    except BrokenArchiveError as error:
        raise UnparsableDocumentError from error


def _read_presentation(content: bytes) -> _Contents:
    text, headings, slides = read_slides(content)
    return _Contents(text, headings, slides, len(slides))


_ARCHIVES: Final[Mapping[str, Callable[[bytes], _Contents]]] = {
    EPUB: lambda content: _Contents(*read_epub(content)),
    PPTX: _read_presentation,
    XLSX: lambda content: _Contents(*write_sheets(read_sheets(content))),
}


async def _parse(content: bytes, mime_type: str, token: CancellationToken) -> _Contents:
    is_sheet = is_older_sheet(mime_type)
    config = ExtractionConfig(
        use_cache=False,
        output_format="plain",
        pages=PageConfig(extract_pages=True),
        # Of a sheet it would be five times as large; in the plain text of a PDF it finds nothing.
        include_document_structure=not is_sheet and mime_type != PDF,
        cancel_token=token,
    )
    if mime_type == DOCX:
        content = show_tabs(content)
    try:
        result = await extract_bytes(content, mime_type, config)
    except (KreuzbergError, RuntimeError) as error:
        # About a text it may quote a line, and no text has a password.
        if not is_textual(mime_type) and "password" in str(error).lower():
            raise EncryptedDocumentError from error
        raise UnparsableDocumentError from error
    if is_sheet and result.tables:
        return _Contents(*write_sheets(_list_sheets(result)))
    text, pages = result.content, result.metadata.get("pages")
    headings = [*_list_headings(result)]
    if mime_type == PDF and pages and pages["total_count"] <= _MOST_PAGES_WITH_HEADINGS:
        headings = await _find_headings(content)
    return _Contents(
        text,
        headings=[*locate_headings(text, headings)],
        # Without page boundaries in the file the vendor calls everything page 1; we say nothing.
        pages=[*_locate_pages(text, pages["boundaries"] or ())] if pages else (),
        page_count=pages["total_count"] if pages else None,
    )


async def _find_headings(pdf: bytes) -> list[tuple[int, str]]:
    """What is set larger than the rest. The vendor looks for it when it writes Markdown alone.

    Its Markdown joins words of two lines, so the text is not taken from there.
    """
    try:
        async with _limit(_HEADINGS_SECONDS) as token:
            config = ExtractionConfig(
                use_cache=False,
                output_format="markdown",
                include_document_structure=True,
                cancel_token=token,
            )
            return [*_list_headings(await extract_bytes(pdf, PDF, config))]
    except (ExtractionTimedOutError, KreuzbergError, RuntimeError):
        return []  # The text is there.


def _list_sheets(result: ExtractionResult) -> Iterator[tuple[str, Rows]]:
    names = result.metadata.get("sheet_names", ())
    for table in result.tables:
        name = names[table.page_number - 1] if table.page_number <= len(names) else ""
        yield name, table.cells


def _list_headings(result: ExtractionResult) -> Iterator[tuple[int, str]]:
    for node in result.document["nodes"] if result.document else ():
        content = node["content"]
        if content["node_type"] == "heading":
            yield content["level"], content["text"].strip()


def locate_headings(text: str, headings: Iterable[tuple[int, str]]) -> Iterator[Heading]:
    """Find the lines that say just what the headings say, in their order; skip those in no line."""
    wanted = [(level, title) for level, title in headings if 0 < len(title) <= LONGEST_HEADING]
    places: dict[str, list[int]] = {title: [] for _, title in wanted}
    for line in _LINE.finditer(text):
        if len(line[0]) <= 2 * LONGEST_HEADING and (title := line[0].strip()) in places:
            places[title].append(line.start())
    position = -1
    for level, title in wanted:
        later = bisect_right(places[title], position)
        if later < len(places[title]):
            position = places[title][later]
            yield Heading(position, level, title)


def _locate_pages(text: str, boundaries: Sequence[Any]) -> Iterator[PageStart]:
    """Byte positions to character positions; one inside a character counts as its beginning."""
    encoded = text.encode()
    byte = character = 0
    for boundary in sorted(boundaries, key=itemgetter("byte_start")):
        piece = encoded[byte : boundary["byte_start"]].decode(errors="ignore")
        character += len(piece)
        byte += len(piece.encode())
        yield PageStart(character, boundary["page_number"])


async def _detect_language(text: str, token: CancellationToken) -> str | None:
    step = max(len(text) // _SAMPLES, _SAMPLE_CHARACTERS)
    sample = " ".join(text[at : at + _SAMPLE_CHARACTERS] for at in range(0, len(text), step))
    config = ExtractionConfig(
        use_cache=False,
        language_detection=LanguageDetectionConfig(enabled=True),
        cancel_token=token,
    )
    languages = (await extract_bytes(sample.encode(), PLAIN_TEXT, config)).detected_languages
    return languages[0] if languages else None


def _blank_nul(text: str) -> str:
    """PostgreSQL stores no NUL. A space keeps every offset where it was."""
    return text.replace("\0", " ")
