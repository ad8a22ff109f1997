"""Text out of files, cut into passages. The parsing happens in kreuzberg's Rust threads.

Every file is hostile: the vendor's own limits against decompression bombs stay on, nothing is
cached on disk, and a deadline ends the work.
"""

import asyncio
import codecs
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from kreuzberg import (
    CancellationToken,
    Chunk,
    ChunkingConfig,
    ExtractionConfig,
    ExtractionResult,
    KreuzbergError,
    LanguageDetectionConfig,
    PageConfig,
    extract_bytes,
)

from src.config import DocumentSettings
from src.documents.chunking import ByteSpan, ExtractedChunk, cut_chunks
from src.documents.exceptions import (
    EmptyDocumentError,
    EncryptedDocumentError,
    ExtractionTimedOutError,
    UnparsableDocumentError,
)
from src.documents.filetypes import (
    PLAIN_TEXT,
    detect_type,
    is_sealed_office_file,
    is_textual,
    supported_types,
)

__all__ = ["ExtractedChunk", "Extraction", "detect_type", "extract", "supported_types"]

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers read when a page promises latin-1 or nothing at all.
_FALLBACK_ENCODING: Final = "cp1252"


@dataclass(frozen=True, slots=True)
class Extraction:
    chunks: list[ExtractedChunk]
    page_count: int | None
    characters: int
    language: str | None = None


async def extract(content: bytes, mime_type: str, *, settings: DocumentSettings) -> Extraction:
    """Raises an `ExtractionError` whose detail tells the owner of the file what is wrong."""
    if is_sealed_office_file(content, mime_type):
        raise EncryptedDocumentError
    if not is_textual(mime_type):
        return await _parse(content, mime_type, settings)
    content = await asyncio.to_thread(_to_utf8, content)
    try:
        return await _parse(content, mime_type, settings)
    except UnparsableDocumentError:
        # What claims to be JSON and is not can still be read as it stands.
        return await _parse(content, PLAIN_TEXT, settings)


async def _parse(content: bytes, mime_type: str, settings: DocumentSettings) -> Extraction:
    token = CancellationToken()
    async with _guard(token, settings.extraction_timeout_seconds):
        result = await extract_bytes(content, mime_type, _configure(mime_type, settings, token))
    return await asyncio.to_thread(_read_result, result)


@asynccontextmanager
async def _guard(token: CancellationToken, timeout_seconds: float) -> AsyncIterator[None]:
    """Map the vendor's errors, and stop its threads when nobody waits for them any more."""
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except TimeoutError as error:
        raise ExtractionTimedOutError from error
    except (KreuzbergError, RuntimeError) as error:
        if "password" in str(error).lower():
            raise EncryptedDocumentError from error
        raise UnparsableDocumentError from error
    finally:
        token.cancel()


def _configure(
    mime_type: str, settings: DocumentSettings, token: CancellationToken
) -> ExtractionConfig:
    return ExtractionConfig(
        use_cache=False,
        output_format="plain",
        pages=PageConfig(extract_pages=True),
        chunking=ChunkingConfig(
            max_chars=settings.chunk_characters,
            max_overlap=settings.chunk_overlap_characters,
            # The Markdown chunker knows the headings of every format that has them.
            chunker_type="text" if mime_type == PLAIN_TEXT else "markdown",
        ),
        language_detection=LanguageDetectionConfig(enabled=True),
        cancel_token=token,
    )


def _read_result(result: ExtractionResult) -> Extraction:
    text = _blank_nul(result.content)
    pages = result.metadata.get("pages")
    spans = [_to_span(chunk, has_pages=pages is not None) for chunk in result.chunks or ()]
    chunks = cut_chunks(text, spans)
    if not chunks:
        raise EmptyDocumentError
    languages = result.detected_languages
    return Extraction(
        chunks,
        pages["total_count"] if pages else None,
        len(text),
        languages[0] if languages else None,
    )


def _to_span(chunk: Chunk, *, has_pages: bool) -> ByteSpan:
    """Without page boundaries in the file the vendor calls everything page 1; we say nothing."""
    details = chunk.metadata
    context = details.get("heading_context")
    return ByteSpan(
        start=details["byte_start"],
        end=details["byte_end"],
        page_first=details.get("first_page") if has_pages else None,
        page_last=details.get("last_page") if has_pages else None,
        headings=tuple(_blank_nul(h["text"]) for h in context["headings"]) if context else (),
    )


def _blank_nul(text: str) -> str:
    """PostgreSQL stores no NUL. A space keeps every offset where it was."""
    return text.replace("\0", " ")


def _to_utf8(content: bytes) -> bytes:
    return _decode(content).encode()


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode(_FALLBACK_ENCODING, errors="replace")
