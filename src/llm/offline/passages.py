"""What a prompt holds: the fenced passages, and the question outside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from src.llm.schemas import ChatMessage

_PASSAGE = re.compile(r"<passage\b([^<>]*)>(.*?)</passage>", re.DOTALL)
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_TAG = re.compile(r"</?\w+[^<>]*>")
_QUESTION_LABEL = re.compile(r"^\s*(?:question|query)\s*:\s*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Passage:
    number: int
    title: str
    text: str


def find_passages(messages: Sequence[ChatMessage]) -> list[Passage]:
    """Read `<passage number="1" title="...">escaped text</passage>` in any message."""
    matches = (match for message in messages for match in _PASSAGE.finditer(message.content))
    passages = (_read_passage(match[1], match[2]) for match in matches)
    return [passage for passage in passages if passage is not None]


def find_question(messages: Sequence[ChatMessage]) -> str:
    """Return what the last user message says outside passages, after `Question:` if it says so."""
    asked = [message.content for message in messages if message.role == "user"]
    outside = _TAG.sub("\n", _PASSAGE.sub("\n", asked[-1] if asked else ""))
    return unescape(_QUESTION_LABEL.split(outside)[-1]).strip()


def _read_passage(head: str, text: str) -> Passage | None:
    attributes = dict(_ATTRIBUTE.findall(head))
    number = attributes.get("number", "")
    if not (number.isascii() and number.isdigit()):
        return None
    return Passage(int(number), unescape(attributes.get("title", "")), unescape(text))
