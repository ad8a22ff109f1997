"""A plain tokeniser: words in pieces of up to six characters, with the space before them."""

import re

_TOKEN = re.compile(r"\s*\w{1,6}|\s*[^\w\s]|\s+")


def split_tokens(text: str) -> list[str]:
    """Cut a text into tokens; joined, they are the text again."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))


def keep_first_tokens(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text  # No token is empty.
    return "".join(split_tokens(text)[:limit])


def keep_last_tokens(text: str, limit: int) -> str:
    return "".join(split_tokens(text)[-limit:])
