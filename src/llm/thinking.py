"""Takes the thoughts out of answers of models whose template knows no field for them. Pure.

Such models write `<think>thoughts</think>answer`. Only the very beginning of an answer is looked
at: anywhere else the tags are part of what it says.
"""

from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class ThinkingSplitter:
    """Fed with an answer piece by piece; a tag may be cut anywhere."""

    def __init__(self) -> None:
        self._tag: str | None = _OPEN
        self._is_thinking = False
        self._held = ""
        self._is_blank = False

    def feed(self, text: str, *, is_last: bool = False) -> tuple[str, str]:
        """Return the thoughts and the answer that there are for certain with this piece."""
        if self._tag is None and not self._is_blank:
            return "", text
        known, self._held = self._held + text, ""
        thinking = ""
        if self._tag == _OPEN:
            known = self._look_for_beginning(known, is_last=is_last)
        if self._is_thinking:
            thinking, known = self._look_for_end(known, is_last=is_last)
        return thinking, self._drop_blank(known)

    def _look_for_beginning(self, known: str, *, is_last: bool) -> str:
        start = known.lstrip()
        if start.startswith(_OPEN):
            self._tag, self._is_thinking = _CLOSE, True
            return start[len(_OPEN) :]
        if _OPEN.startswith(start) and not is_last:
            self._held = known
            return ""
        self._tag = None
        return known

    def _look_for_end(self, known: str, *, is_last: bool) -> tuple[str, str]:
        thinking, end, answer = known.partition(_CLOSE)
        if end:
            self._tag, self._is_thinking, self._is_blank = None, False, True
            return thinking, answer
        if not is_last:
            cut = _find_beginning(known)
            thinking, self._held = known[:cut], known[cut:]
        return thinking, ""

    def _drop_blank(self, answer: str) -> str:
        """Between the thoughts and the answer stand empty lines."""
        if self._is_blank:
            answer = answer.lstrip()
            self._is_blank = not answer
        return answer


def _find_beginning(text: str) -> int:
    """Return where an end of the text stands that may be the beginning of the closing tag."""
    for length in range(len(_CLOSE) - 1, 0, -1):
        if text.endswith(_CLOSE[:length]):
            return len(text) - length
    return len(text)
