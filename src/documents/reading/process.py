"""The process that reads files for `reader`: limited in memory, and gone when its parent is."""

import asyncio
import dataclasses
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import BinaryIO, Final

from src.documents.exceptions import ExtractionError, ExtractionMemoryError
from src.documents.reading.extraction import Extraction, extract
from src.documents.reading.limits import ReadingLimits

_LENGTH_BYTES: Final = 4
_BATCH: Final = 100
_MEGABYTE: Final = 2**20
# Whoever waits for an answer goes first: reading keeps a core busy for as long as it takes.
_NICENESS: Final = 10


def serve(limits: ReadingLimits, source: BinaryIO, sink: BinaryIO) -> None:
    with asyncio.Runner() as runner:
        while head := source.read(_LENGTH_BYTES):
            order = json.loads(source.read(int.from_bytes(head)))
            content = source.read(order["size_bytes"])
            work = extract(content, order["mime_type"], limits)
            for frame in answer(runner, work):
                body = json.dumps(frame).encode()
                sink.write(len(body).to_bytes(_LENGTH_BYTES) + body)
            sink.flush()


def answer(runner: asyncio.Runner, work: Coroutine[None, None, Extraction]) -> Iterator[object]:
    try:
        extraction = runner.run(work)
    except ExtractionError as error:
        yield {"error": type(error).__name__}
    except MemoryError:
        yield {"error": ExtractionMemoryError.__name__}
    else:
        yield from describe(extraction)


def describe(extraction: Extraction) -> Iterator[object]:
    """The numbers first, then the passages in batches."""
    chunks = extraction.chunks
    yield {
        "chunk_count": len(chunks),
        "page_count": extraction.page_count,
        "language": extraction.language,
    }
    for start in range(0, len(chunks), _BATCH):
        yield [dataclasses.astuple(chunk) for chunk in chunks[start : start + _BATCH]]


def limit_resources(memory_mb: int) -> None:
    """Writable memory, which thread stacks and libraries that are only mapped do not use up."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * _MEGABYTE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with_parent() -> None:
    """A closed pipe is noticed between two files only; a parent that was killed, here."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    given = ReadingLimits(**json.loads(sys.argv[1]))
    limit_resources(given.extraction_memory_mb)
    os.nice(_NICENESS)
    threading.Thread(target=end_with_parent, daemon=True).start()
    serve(given, sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)  # The vendor's threads outlive the interpreter, and crash now and then.
