"""The process that holds the embedded vector engine: it answers calls until its input ends."""

import sys
from pathlib import Path
from typing import BinaryIO

from src.documents.exceptions import VectorsUnavailableError
from src.documents.vectors.engine import EdgeEngine, map_engine_errors
from src.documents.vectors.frames import (
    LENGTH_BYTES,
    Call,
    Reply,
    decode_call,
    decode_length,
    encode_frame,
)


def serve(engine: EdgeEngine, source: BinaryIO, sink: BinaryIO) -> None:
    while head := source.read(LENGTH_BYTES):
        call = decode_call(source.read(decode_length(head)))
        sink.write(encode_frame(answer(engine, call)))
        sink.flush()
    engine.close()


def answer(engine: EdgeEngine, call: Call) -> Reply:
    try:
        with map_engine_errors():
            engine.claim()
            return Reply(getattr(engine, call.method)(*call.arguments))
    except VectorsUnavailableError as error:
        # The cause stays behind in this process; its words travel as a note.
        error.add_note(f"Qdrant Edge: {error.__cause__!r}")
        return Reply(error=error)


if __name__ == "__main__":
    serve(EdgeEngine(Path(sys.argv[1])), sys.stdin.buffer, sys.stdout.buffer)
