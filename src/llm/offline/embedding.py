"""A lexical embedding that needs no model: words and their 4-grams, hashed into a unit vector.

Texts that share words, or parts of words, come out close to each other. It understands nothing
else; it lets everything around embeddings run, and be tested, without a model server.
"""

import re
import zlib
from collections import Counter
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

DIMENSION: Final = 1024

Vector: TypeAlias = npt.NDArray[np.float64]

_PREFIXES: Final = ("search_query: ", "search_document: ")
# Component 0 belongs to no word: texts without a prefix lean towards it, and so away from those
# with one, as they do in models that were trained with prefixes.
_UNPREFIXED: Final = 0
_UNPREFIXED_LEAN: Final = 0.5

_WORD: Final = re.compile(r"\w+")
# Names and numbers tell passages apart better than other words do.
_NAME_WEIGHT: Final = 1.5
_STOP_WEIGHT: Final = 0.05
_STOP_WORDS: Final = frozenset(
    _WORD.findall(
        "a about after all also am an and any are as at be because been before being between both "
        "but by can could did do does doing during each few for from further had has have having "
        "he her here hers him his how i if in into is it its itself just many me more most much my "
        "no nor not now of off on once only or other our out over own same she should so some such "
        "than that the their them then there these they this those through to too under until up "
        "very was we were what when where which while who whom whose why will with would you your"
    )
)
_LONGEST_STEM_FIRST: Final = (
    *("ations", "ation", "edly", "ings", "ers", "ied", "ies", "ing"),
    *("ed", "er", "es", "ly", "e", "s", "y"),
)
_SHORTEST_STEM: Final = 3


def embed_text(text: str) -> list[float]:
    """A unit vector, the same in every process and on every machine."""
    body = _strip_prefix(text)
    vector = _embed_words(text if body is None else body)
    vector /= np.linalg.norm(vector)
    if body is None:
        vector[_UNPREFIXED] += _UNPREFIXED_LEAN
        vector /= np.linalg.norm(vector)
    components: list[float] = vector.tolist()
    return components


def _strip_prefix(text: str) -> str | None:
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return None


def _embed_words(text: str) -> Vector:
    """The sum over the words, each by the square root of its count; of no words, component 0."""
    counts = Counter(_WORD.findall(text))
    if not counts:
        return np.asarray(np.eye(1, DIMENSION, _UNPREFIXED)[0])
    features = [(_hash_word(word), count**0.5) for word, count in counts.items()]
    positions = np.concatenate([positions for (positions, _), _ in features])
    weights = np.concatenate([weights * factor for (_, weights), factor in features])
    return np.asarray(np.bincount(positions, weights, minlength=DIMENSION), dtype=np.float64)


@lru_cache(maxsize=32_768)
def _hash_word(word: str) -> tuple[npt.NDArray[np.int64], Vector]:
    """Where a word adds to the vector, and how much: its stem as much as all its 4-grams."""
    lowered = word.lower()
    marked = f"<{lowered}>"
    grams = [marked[start : start + 4] for start in range(max(1, len(marked) - 3))]
    hashes = [zlib.crc32(feature.encode()) for feature in (f"={_stem(lowered)}", *grams)]
    positions = np.array([1 + value % (DIMENSION - 1) for value in hashes])
    signs = np.array([1.0 if value >> 31 else -1.0 for value in hashes])
    signs[1:] /= len(grams) ** 0.5
    return positions, signs * _weigh(word, lowered)


def _stem(word: str) -> str:
    for ending in _LONGEST_STEM_FIRST:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def _weigh(word: str, lowered: str) -> float:
    if lowered in _STOP_WORDS:
        return _STOP_WEIGHT
    is_name = word[0].isupper() or any(letter.isdigit() for letter in word)
    return _NAME_WEIGHT if is_name else 1.0
