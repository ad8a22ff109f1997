"""Models that fail in each way a model server fails: `create_offline_app(faults=FAULTS)`.

Nothing runs them unless it says so; tests of the client and of everything above it do.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Literal

from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Send

from src.llm.offline.encoding import NDJSONResponse, ObjectResponse, encode_line
from src.llm.offline.library import OfflineModel

TRICKY_TEXT = "Zoë \u0085 paid\u2028 5 € \U0001f600"

_BUSY = {"error": "server busy, please try again.  maximum pending requests exceeded"}
_CRASH = {"error": "model runner has unexpectedly stopped: /root/.ollama/models/blobs/sha256-1"}
_OVERFLOW = {"error": json.dumps({"error": {"code": 400, "type": "exceed_context_size_error"}})}
_FUNCTION = {"index": 0, "name": "get_weather", "arguments": {"city": "Köln"}}
_CALL = {
    "message": {"role": "assistant", "content": "", "tool_calls": [{"function": _FUNCTION}]},
    "done": False,
}
_FOREVER_SECONDS = 3600
_LONG_BYTES = 9 * 1024 * 1024


def _piece(text: str, *, thinking: str = "") -> bytes:
    message = {"role": "assistant", "content": text, **({"thinking": thinking} if thinking else {})}
    return encode_line({"model": "fault", "message": message, "done": False})


def _end(text: str = "", **metrics: int) -> bytes:
    message = {"role": "assistant", "content": text}
    return encode_line({"message": message, "done": True, "done_reason": "stop", **metrics})


async def _send_all(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def _send_then_stall(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    await asyncio.sleep(_FOREVER_SECONDS)


def _stream(*parts: bytes) -> Response:
    return NDJSONResponse(_send_all(*parts))


def _stall(*parts: bytes) -> Response:
    return NDJSONResponse(_send_then_stall(*parts))


def _stream_bytewise() -> Response:
    body = _piece(TRICKY_TEXT) + _end()
    unescaped = body.replace(b"\\u2028", "\u2028".encode())
    return _stream(*(unescaped[index : index + 1] for index in range(len(unescaped))))


class _CutResponse(NDJSONResponse):
    """Never says that the body is complete: the server closes the connection in the middle."""

    async def stream_response(self, send: Send) -> None:
        async def send_unfinished(message: Message) -> None:
            if message.get("more_body", True):
                await send(message)

        await super().stream_response(send_unfinished)


def _cut() -> Response:
    return _CutResponse(_send_all(_piece("Half")))


def _vectors(*vectors: list[float]) -> Response:
    return ObjectResponse({"embeddings": list(vectors)})


def _vector_of_nan() -> Response:
    return Response('{"embeddings":[[0.6,NaN]]}', media_type="application/json")


def _fault(
    name: str, respond: Callable[[], Response], capability: Literal["completion", "embedding"]
) -> OfflineModel:
    return OfflineModel(
        f"{name}:latest",
        capability,
        8192,
        ("faults.py",),
        respond,
        can_call_tools=name == "fault-tools",
    )


_CHAT_FAULTS: dict[str, Callable[[], Response]] = {
    "fault-busy": partial(ObjectResponse, _BUSY, 503),
    "fault-500": partial(ObjectResponse, _CRASH, 500),
    "fault-html-502": partial(HTMLResponse, "<h1>Bad Gateway</h1>", 502),
    "fault-html-504": partial(HTMLResponse, "<h1>Gateway Timeout</h1>", 504),
    "fault-html-404": partial(HTMLResponse, "<h1>Not Found</h1>", 404),
    "fault-403": partial(Response, None, 403),
    "fault-redirect": partial(Response, None, 302, {"Location": "/"}),
    "fault-removed": partial(ObjectResponse, {"error": "model 'fault-removed' not found"}, 404),
    "fault-capability": partial(ObjectResponse, {"error": '"x" does not support chat'}, 400),
    "fault-context": partial(ObjectResponse, _OVERFLOW, 400),
    "fault-stall-first": _stall,
    "fault-stall-mid": partial(_stall, _piece("Half")),
    "fault-error-first": partial(_stream, encode_line(_CRASH)),
    "fault-error-mid": partial(_stream, _piece("Half"), encode_line(_CRASH)),
    "fault-eof": partial(_stream, _piece("Half")),
    "fault-eof-first": _stream,
    "fault-cut": _cut,
    "fault-half-line": partial(_stream, _piece("Half"), _piece("lost")[:20]),
    "fault-garbage": partial(_stream, b"<html>not JSON</html>\n"),
    "fault-not-utf8": partial(_stream, b'{"message":{"content":"\xff"},"done":false}\n'),
    "fault-long-line": partial(_stream, b" " * _LONG_BYTES, _end()),
    "fault-bytewise": _stream_bytewise,
    "fault-two-at-once": partial(_stream, _piece("One ") + _piece("two") + _end()),
    "fault-no-newline": partial(_stream, _piece("Whole"), _end().rstrip(b"\n")),
    "fault-late-text": partial(_stream, _piece("Almost"), _end(" all", eval_count=2)),
    "fault-citing": partial(
        _stream, _piece("By Scheele ["), _piece("1"), _piece("], not [7"), _piece("]."), _end()
    ),
    "fault-tools": partial(_stream, encode_line(_CALL), _end()),
    "fault-thinking": partial(_stream, _piece("", thinking="Hm."), _piece("Yes."), _end()),
}
_EMBED_FAULTS: dict[str, Callable[[], Response]] = {
    "fault-embed-busy": partial(ObjectResponse, _BUSY, 503),
    "fault-embed-stall": _stall,
    "fault-embed-garbage": partial(HTMLResponse, "<h1>Welcome</h1>"),
    "fault-embed-context": partial(
        ObjectResponse, {"error": "the input length exceeds the context length"}, 400
    ),
    "fault-count": partial(_vectors, [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]),
    "fault-no-vectors": _vectors,
    "fault-dimensions": partial(_vectors, [1.0, 0.0], [1.0]),
    "fault-zero": partial(_vectors, [0.0, 0.0]),
    "fault-tiny": partial(_vectors, [1e-300, 0.0]),
    "fault-huge": partial(_vectors, [1e300, 0.0]),
    "fault-nan": _vector_of_nan,
}
FAULTS = (
    *(_fault(name, respond, "completion") for name, respond in _CHAT_FAULTS.items()),
    *(_fault(name, respond, "embedding") for name, respond in _EMBED_FAULTS.items()),
)
