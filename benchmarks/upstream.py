"""A model server that costs next to nothing: N tokens, a few milliseconds apart, per answer.

`python -m benchmarks.upstream PORT TOKENS DELAY_MS`; written on bare sockets, so that what a
benchmark measures is the server before it.
"""

import asyncio
import json
import sys

_DIMENSION = 64
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"


def word(index: int) -> str:
    return f" word{index % 1000}"


class Upstream(asyncio.Protocol):
    def __init__(self, tokens: int, delay_seconds: float) -> None:
        self._tokens = tokens
        self._delay_seconds = delay_seconds
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _read_length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        if path == b"/api/chat":
            self._write(_HEAD % b"application/x-ndjson" + b"Transfer-Encoding: chunked\r\n\r\n")
            loop = asyncio.get_running_loop()
            loop.call_at(loop.time() + self._delay_seconds, self._send_token, 0, loop.time())
        else:
            self._reply(_answer(path, body))

    def _send_token(self, index: int, started_at: float) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        is_last = index == self._tokens
        message = {"role": "assistant", "content": "" if is_last else word(index)}
        line = {"model": "bench", "message": message, "done": is_last}
        if is_last:
            line |= {"done_reason": "stop", "prompt_eval_count": 50, "eval_count": self._tokens}
        data = json.dumps(line).encode() + b"\n"
        self._write(b"%x\r\n%s\r\n" % (len(data), data) + (b"0\r\n\r\n" if is_last else b""))
        if not is_last:
            loop = asyncio.get_running_loop()
            at = started_at + (index + 2) * self._delay_seconds
            loop.call_at(at, self._send_token, index + 1, started_at)

    def _reply(self, reply: object) -> None:
        data = json.dumps(reply).encode()
        self._write(_HEAD % b"application/json" + b"Content-Length: %d\r\n\r\n" % len(data) + data)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _answer(path: bytes, body: bytes) -> object:
    match path:
        case b"/api/tags":
            names = ("bench:latest", "bench-embed:latest")
            return {"models": [{"name": name, "digest": name[:5] * 12} for name in names]}
        case b"/api/show":
            is_embedder = b"embed" in body
            return {"capabilities": ["embedding" if is_embedder else "completion"]}
        case b"/api/embed":
            count = len(json.loads(body)["input"])
            return {"embeddings": [[1.0] + [0.1] * (_DIMENSION - 1)] * count}
        case _:
            return {"version": "0.30.0"}


def _read_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


async def _serve(port: int, tokens: int, delay_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Upstream(tokens, delay_seconds), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
