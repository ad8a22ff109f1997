"""JSON as Go writes it, and the two kinds of bodies that Ollama sends."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from time import time_ns

from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

_GO_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def encode_object(value: Mapping[str, object]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_GO_ESCAPES).encode()


def encode_line(value: Mapping[str, object]) -> bytes:
    return encode_object(value) + b"\n"


def omit_empty(value: Mapping[str, object]) -> dict[str, object]:
    """Leave out what Go's `omitempty` leaves out: zeros, empty texts, lists and maps."""
    return {name: item for name, item in value.items() if item}


def format_timestamp(nanoseconds: int | None = None) -> str:
    """Write a time, or now, as RFC 3339 with up to nine digits and no trailing zeros."""
    seconds, fraction = divmod(time_ns() if nanoseconds is None else nanoseconds, 10**9)
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{digits}Z"


class ObjectResponse(Response):
    media_type = "application/json; charset=utf-8"

    def __init__(self, value: Mapping[str, object], status_code: int = 200) -> None:
        super().__init__(encode_object(value), status_code)


class NDJSONResponse(StreamingResponse):
    """Sends the headers with the first line: who waits for them waits for the model."""

    media_type = "application/x-ndjson"

    async def stream_response(self, send: Send) -> None:
        held: list[Message] = []

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            while held:
                await send(held.pop())
            await send(message)

        await super().stream_response(send_late)
