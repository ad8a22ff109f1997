"""Finds the `[n]` markers of an answer. Pure."""

import re

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")


def find_citations(answer: str, source_count: int) -> set[int]:
    """Return the numbers of the sources that an answer cites as `[1]` or `[1, 3]`.

    A number that no source has is the model's invention and does not count.
    """
    numbers = {int(number) for marker in _MARKER.findall(answer) for number in marker.split(",")}
    return {number for number in numbers if 1 <= number <= source_count}
