"""What a mail says: a few of its headers, its body as text, and the files attached to it, unread.

`email` is asked for the parts alone. Its reading of headers (`policy.default`) takes more than
linear time, and what it calls text may hold replaced characters.
"""

import base64
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from typing import Final

from src.documents.reading.encodings import decode
from src.documents.reading.html import read_html

_HEADERS: Final = ("Subject", "From", "To", "Cc", "Date")
_ENCODED_WORD: Final = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]*+)\?=")
_BETWEEN_WORDS: Final = re.compile(r"(?<=\?=)\s+(?==\?)")
# Mails within mails; deeper ones are read as they stand.
_DEEPEST: Final = 20


class BrokenMailError(Exception):
    """It can still be read as it stands."""


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content: bytes


def read_mail(content: bytes) -> tuple[str, list[Attachment]]:
    try:
        pieces = [*_read_message(message_from_bytes(content), 0)]
    except (MessageError, RecursionError, LookupError, ValueError, TypeError) as error:
        raise BrokenMailError from error
    texts = [piece for piece in pieces if isinstance(piece, str) and piece]
    return "\n\n".join(texts), [piece for piece in pieces if isinstance(piece, Attachment)]


def _read_message(message: Message, depth: int) -> Iterator[str | Attachment]:
    found = {name.lower(): value for name, value in reversed([*message.raw_items()])}
    named = ((name, found.get(name.lower())) for name in _HEADERS)
    yield "\n".join(f"{name}: {_read_header(value)}" for name, value in named if value)
    yield from _read_part(message, depth)


def _read_part(part: Message, depth: int) -> Iterator[str | Attachment]:
    if depth > _DEEPEST:
        raise BrokenMailError
    name, content_type = _find_name(part), part.get_content_type()
    if part.is_multipart():
        yield from _read_parts(part, depth + 1)
    elif content_type.startswith("multipart/"):  # Its parts cannot be told apart.
        yield _decode_text(part)
    elif name.lower().endswith(".eml"):
        yield from _read_message(message_from_bytes(_get_bytes(part)), depth + 1)
    elif name or content_type not in {"text/plain", "text/html"}:
        # Pictures in the text are part of its looks, as they are in a page.
        if part.get_content_maintype() != "image" or part.get_content_disposition() == "attachment":
            yield Attachment(name or content_type, _get_bytes(part))
    else:
        text = _decode_text(part)
        yield read_html(text)[0] if content_type == "text/html" else text.strip()


def _read_parts(part: Message, depth: int) -> Iterator[str | Attachment]:
    children = [child for child in part.get_payload() if isinstance(child, Message)]
    if part.get_content_type() == "multipart/alternative":
        yield from _choose([[*_read_part(child, depth)] for child in children])
    elif part.get_content_type() == "message/rfc822":
        for child in children:
            yield from _read_message(child, depth)
    else:
        for child in children:
            if part.get_content_maintype() == "message":  # A report, written as headers.
                yield "\n".join(
                    f"{name}: {_read_header(value)}" for name, value in child.raw_items()
                )
            yield from _read_part(child, depth)


def _choose(alternatives: list[list[str | Attachment]]) -> Iterator[str | Attachment]:
    """The text that says most, the first of equals; some are only there to say "use HTML"."""
    texts = ["\n\n".join(p for p in pieces if isinstance(p, str)) for pieces in alternatives]
    yield max(texts, key=lambda text: len(text.split()), default="")
    for pieces in alternatives:
        yield from (piece for piece in pieces if isinstance(piece, Attachment))


def _find_name(part: Message) -> str:
    name = part.get_filename()
    if name is None:
        return "attachment" if part.get_content_disposition() == "attachment" else ""
    return _read_header(name)


def _get_bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decode_text(part: Message) -> str:
    text = decode(_get_bytes(part), declared=part.get_content_charset())
    return text.replace("\r\n", "\n")


def _read_header(value: str) -> str:
    """RFC 2047, one word after the other; what is broken stays as it is."""
    words = _BETWEEN_WORDS.sub("", decode(value.encode(errors="surrogateescape")))
    return " ".join(_ENCODED_WORD.sub(_decode_word, words).split())


def _decode_word(word: re.Match[str]) -> str:
    charset, kind, encoded = word.groups()
    try:
        if kind in "bB":
            content = base64.b64decode(encoded + "==")
        else:
            content = quopri.decodestring(encoded, header=True)
    except ValueError:
        return word[0]
    return decode(content, declared=charset.partition("*")[0])
