"""Files made to do harm, and what becomes of each: a clear end, within bounded time and memory."""

import asyncio
import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator

import psutil
import pytest
from obstore.store import S3Store

from src.config import DocumentSettings
from src.documents.exceptions import (
    EmptyDocumentError,
    ExtractionCrashedError,
    ExtractionMemoryError,
    ExtractionTimedOutError,
    StorageUnavailableError,
    UnparsableDocumentError,
)
from src.documents.reading.reader import DocumentReader, limit_reading
from src.documents.storage import FileStorage
from tests.fixtures.files import DOCX, make_docx
from tests.fixtures.processes import ROOT
from tests.fixtures.servers import listen
from tests.fixtures.users import User

XML_LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    + "]><x>&a9;</x>"
).encode()
YAML_LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n".encode()
    for n in range(9)
)
HUNGRY = make_docx([(None, "x")] * 500_000)
RANDOM_PDF = b"%PDF-1.7\n" + random.Random(7).randbytes(5_000)  # noqa: S311 - repeatable
USUAL_LIMITS = json.dumps(dataclasses.asdict(limit_reading(DocumentSettings())))


async def send(content: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(content), 2**20):
        yield content[start : start + 2**20]


@pytest.fixture
async def reader() -> AsyncIterator[DocumentReader]:
    limits = DocumentSettings(extraction_timeout_seconds=100, extraction_memory_mb=384)
    made = DocumentReader(limits, grace_seconds=0.3)
    yield made
    await made.close()


async def read(reader: DocumentReader, content: bytes, mime_type: str = "text/plain") -> int:
    """Return how many passages came; they are as many as were promised."""
    async with reader.read(send(content), len(content), mime_type) as reading:
        count = sum([len(batch) async for batch in reading.chunks])
        assert count == reading.chunk_count
    return count


async def start_process(reader: DocumentReader) -> None:
    """Read a file that comes when a process is there: the time of a start may be long."""

    async def body() -> AsyncGenerator[bytes]:
        for child in await find_readers():
            while child.num_threads() == 1:  # It watches its parent as soon as it has started.
                await asyncio.sleep(0.01)
        yield b"Some words."

    async with reader.read(body(), 11, "text/plain") as reading:
        assert [len(batch) async for batch in reading.chunks] == [1]


def list_readers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if is_ours(child)]


def is_ours(child: psutil.Process) -> bool:
    """Those of a server that other tests share come and go, and have the usual limits."""
    with contextlib.suppress(psutil.NoSuchProcess):
        command = child.cmdline()
        return "src.documents.reading.process" in command and USUAL_LIMITS not in command
    return False


async def find_readers() -> list[psutil.Process]:
    """A process that was just started has no command line for a moment."""
    async with asyncio.timeout(60):
        while not (found := list_readers()):
            await asyncio.sleep(0.01)
    return found


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (XML_LAUGHS, "application/xml"),
        (YAML_LAUGHS, "application/yaml"),
        (b">" * 100_000 + b" x", "text/markdown"),
        (b"[" * 100_000, "text/markdown"),
        (b"[" * 100_000 + b"1" + b"]" * 100_000, "application/json"),
        (
            b"Subject: x\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
            + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 5_000,
            "message/rfc822",
        ),
    ],
    ids=["xml-laughs", "yaml-laughs", "quotes", "brackets", "deep-json", "nested-mail"],
)
async def test_what_only_looks_dangerous_is_read_as_it_stands(
    reader: DocumentReader, content: bytes, mime_type: str
) -> None:
    assert 0 < await read(reader, content, mime_type) < 2_000


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (b"Words of one line. " * 500_000, "text/plain"),
        (b"x" * 10_000_000, "text/plain"),
        (b"<html><p>" + b"x" * 10_000_000, "text/html"),
    ],
    ids=["sentences", "no-spaces", "html"],
)
async def test_one_line_of_10_mb_is_read_like_many_short_ones(
    content: bytes, mime_type: str
) -> None:
    reader = DocumentReader(DocumentSettings())
    size = DocumentSettings().chunk_characters
    assert len(content) / size < await read(reader, content, mime_type) < 2 * len(content) / size
    await reader.close()


async def test_a_heading_of_a_megabyte_is_not_repeated_with_every_passage(
    reader: DocumentReader,
) -> None:
    content = b"# " + b"heading " * 125_000 + b"\n\n" + b"Some words. " * 50_000
    async with reader.read(send(content), len(content), "text/markdown") as reading:
        headings = {chunk.heading async for batch in reading.chunks for chunk in batch}
    assert headings == {None}


@pytest.mark.parametrize(
    ("content", "mime_type", "error"),
    [
        (b"<html>" + b"<div>" * 200_000, "text/html", EmptyDocumentError),
        (b"{\\rtf1 " + b"{" * 500_000, "application/rtf", EmptyDocumentError),
        (RANDOM_PDF, "application/pdf", UnparsableDocumentError),
        (HUNGRY, DOCX, ExtractionMemoryError),
    ],
    ids=["deep-html", "deep-rtf", "random-pdf", "hungry-word"],
)
async def test_what_cannot_be_read_ends_with_a_reason(
    reader: DocumentReader, content: bytes, mime_type: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await read(reader, content, mime_type)
    assert await read(reader, b"The next file is read as if nothing had been.") == 1


async def test_a_reader_that_hangs_is_killed(reader: DocumentReader) -> None:
    limits = DocumentSettings(extraction_timeout_seconds=0.2)
    impatient = DocumentReader(limits, grace_seconds=0.1)
    with pytest.raises(ExtractionTimedOutError):
        async with asyncio.timeout(60), impatient.read(stall(), 10, "text/plain"):
            pass
    assert list_readers() == []
    assert await read(reader, b"Others go on.") == 1


async def stall() -> AsyncGenerator[bytes]:
    for child in await find_readers():
        child.suspend()
    yield b"ten bytes!"
    yield b"x" * 10_000_000  # More than a pipe holds: the writer waits for who never reads.


async def test_the_time_of_its_download_is_not_held_against_a_file() -> None:
    reader = DocumentReader(DocumentSettings(extraction_timeout_seconds=5), grace_seconds=0)
    await start_process(reader)

    async def body() -> AsyncGenerator[bytes]:
        yield b"From a "
        await asyncio.sleep(5.5)
        yield b"slow bucket."

    async with reader.read(body(), 19, "text/plain") as reading:
        assert [chunk.text async for batch in reading.chunks for chunk in batch] == [
            "From a slow bucket."
        ]
    await reader.close()


async def test_a_download_that_stalls_is_the_fault_of_the_storage() -> None:
    async def stall_halfway(request: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        await request.readuntil(b"\r\n\r\n")
        answer.write(
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2000000\r\n"
            b"Content-Range: bytes 0-1999999/2000000\r\nETag: x\r\n"
            b"Last-Modified: Sat, 21 Nov 2026 00:00:00 GMT\r\n\r\n" + b"x" * 1_500_000
        )
        await request.read()

    reader = DocumentReader(DocumentSettings(extraction_timeout_seconds=4), grace_seconds=0)
    await start_process(reader)
    async with listen(stall_halfway) as port:
        store = S3Store(
            "bucket",
            endpoint=f"http://127.0.0.1:{port}",
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0},
            skip_signature=True,
        )
        content = FileStorage(store).open("file", 0, 2_000_000)
        with pytest.raises(StorageUnavailableError):
            async with asyncio.timeout(60), reader.read(content, 2_000_000, "text/plain"):
                pass
    assert list_readers() == []


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGKILL, ExtractionMemoryError), (signal.SIGSEGV, ExtractionCrashedError)],
)
async def test_a_reader_that_dies_takes_nobody_along(
    reader: DocumentReader, number: int, error: type[Exception]
) -> None:
    async def body() -> AsyncGenerator[bytes]:
        for child in await find_readers():
            os.kill(child.pid, number)
        yield b"never read"

    with pytest.raises(error):
        async with reader.read(body(), 10, "text/plain"):
            pass
    assert await read(reader, b"Others go on.") == 1


async def test_a_reader_learns_none_of_our_secrets(
    reader: DocumentReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_SECRET_KEY", "s" * 40)
    await read(reader, b"Some words.")
    (child,) = list_readers()
    assert "AUTH_SECRET_KEY" not in child.environ()


async def test_processes_are_used_again_and_are_few(reader: DocumentReader) -> None:
    await asyncio.gather(*(read(reader, f"File {n}.".encode()) for n in range(40)))
    kept = {child.pid for child in list_readers()}
    assert 1 <= len(kept) <= max(2, os.cpu_count() or 1)
    await read(reader, b"One more.")
    assert {child.pid for child in list_readers()} == kept


async def test_no_descriptors_are_left_of_readers() -> None:
    async def use() -> None:
        reader = DocumentReader(DocumentSettings())
        await asyncio.gather(*(read(reader, f"File {n}.".encode()) for n in range(4)))
        with pytest.raises(UnparsableDocumentError):
            await read(reader, b"%PDF-1.7\nnothing", "application/pdf")
        await reader.close()

    before = psutil.Process().num_fds()
    await use()
    async with asyncio.timeout(60):  # A pipe is closed a moment after its other end.
        while psutil.Process().num_fds() > before:
            await asyncio.sleep(0.01)


async def test_a_reader_ends_when_its_parent_was_killed() -> None:
    program = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-m',"
        f" 'src.documents.reading.process', {USUAL_LIMITS!r}], stdin=subprocess.PIPE);"
        " child.stdin.write(b'\\0\\0'); child.stdin.flush(); print(child.pid, flush=True);"
        " time.sleep(60)"
    )
    parent = subprocess.Popen(  # noqa: ASYNC220, S603, our own interpreter, killed below
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await asyncio.to_thread(parent.stdout.readline)))
    async with asyncio.timeout(60):
        while child.num_threads() == 1:  # It has not yet begun to watch its parent.
            await asyncio.sleep(0.01)
    parent.kill()
    await asyncio.to_thread(parent.communicate)
    async with asyncio.timeout(60):
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_hostile_files_do_not_hold_up_a_good_one(user: User) -> None:
    """All through the API: each ends in `failed` with its reason, and the good one is ready."""
    response = await user.upload(
        ("broken.pdf", b"%PDF-1.7 and nothing else"),
        ("sealed.docx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)),
        ("blank.txt", b" \n\t "),
    )
    hostile = [result["document"]["id"] for result in response.json()["results"]]
    await user.add_document("A good file among bad ones.", "good.txt")
    ends = [await user.wait_for(document_id, "failed") for document_id in hostile]
    assert [document["status_code"] for document in ends] == [
        "extraction_failed",
        "document_encrypted",
        "document_empty",
    ]
    assert all(document["status_detail"] for document in ends)
    assert len(await user.search("good file")) == 1
