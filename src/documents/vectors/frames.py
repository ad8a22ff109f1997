"""Messages between this process and the one that holds the vector engine: length, then pickle.

Both ends are our own code on one pipe; nothing from outside reaches it.
"""

import pickle
import struct
from dataclasses import dataclass
from typing import Final

from src.documents.exceptions import VectorsUnavailableError

_LENGTH: Final = struct.Struct("!I")
LENGTH_BYTES: Final = _LENGTH.size


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    result: object = None
    error: VectorsUnavailableError | None = None


def encode_frame(message: Call | Reply) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def decode_length(head: bytes) -> int:
    length: int = _LENGTH.unpack(head)[0]
    return length


def decode_call(body: bytes) -> Call:
    call: Call = pickle.loads(body)  # noqa: S301 - see the module's docstring
    return call


def decode_reply(body: bytes) -> Reply:
    reply: Reply = pickle.loads(body)  # noqa: S301 - the same
    return reply
