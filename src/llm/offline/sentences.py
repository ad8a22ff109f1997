"""Sentences and terms of a text, without a language model."""

import re

# A blank line or the start of a list item or heading; other line ends only wrap long lines.
_BLOCK_BREAK = re.compile(r"\n(?=[^\S\n]*(?:\n|[#|]|(?:[-*\u2022]|\d+[.)])\s))")
_BREAK = re.compile(r"\n(?=\s*\n|\s*(?:[-*\u2022#|]|\d+[.)])\s*)")
_BREAK = re.compile(
    r"(?<=[.!?])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9\u00c0-\u00de])|(?<=[\u3002\uff01\uff1f])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|No|Fig|approx|e\.g|i\.e|c|ca|cf|al)\.$"
)
_WORD = re.compile(r"\w+(?:'\w+)?")
_SUFFIX = re.compile(r"(?<=\w{3})(?:ations?|ions?|ingly|edly|ings?|ie[sd]|ers?|e[sd]|ly|[sey])$")

_STOP_WORDS = """
a about after all also am an and any are as at be because been before being between both but by
can could did do does doing during each for from had has have having he her here hers him his
how i if in into is it its itself just many me more most much my no nor not of on once only or
other our out over own please same she should so some such tell than that the their them then
there these they this those through to too under until up upon us very was we were what when
where which while who whom whose why will with would you your
"""
_IGNORED = frozenset(_STOP_WORDS.split())


def split_sentences(text: str) -> list[str]:
    """Cut at blocks and after full stops, but not after initials and abbreviations."""
    blocks = (" ".join(block.split()) for block in _BLOCK_BREAK.split(text))
    return [sentence for block in blocks for sentence in _split_block(block)]


def extract_terms(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order."""
    words = (word.removesuffix("'s") for word in _WORD.findall(text.casefold()))
    return [_stem(word) for word in words if word not in _IGNORED]


def _split_block(block: str) -> list[str]:
    sentences: list[str] = []
    start = 0
    for match in _BREAK.finditer(block):
        candidate = block[start : match.end()].strip()
        if candidate and not _ABBREVIATION.search(candidate):
            sentences.append(candidate)
            start = match.end()
    rest = block[start:].strip()
    return [*sentences, rest] if rest else sentences


def _stem(word: str) -> str:
    """Cut one common English ending, so that `founded` meets `founder`."""
    return _SUFFIX.sub("", word)
