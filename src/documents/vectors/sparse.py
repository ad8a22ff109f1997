"""BM25 as sparse vectors: term weights are made here, the engine adds the inverse frequencies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from qdrant_edge import Bm25, Bm25Config, StopwordsSet, TokenizerType
from qdrant_edge import SparseVector as EdgeSparseVector

from src.documents.vectors.base import SparseVector


@dataclass(frozen=True, slots=True)
class Bm25Weights:
    """Passages have nearly one length, so length says little about them.

    `k` and `b` are those that Trotman, Puurula and Burgess (2014) found best on average, not the
    textbook's 1.2 and 0.75. `average_tokens` are those of an average passage. `weak` is what a word
    counts in a query that says little by itself, such as "many", but something beside others.
    """

    k: float = 0.9
    b: float = 0.4
    average_tokens: float = 90.0
    weak: float = 0.5


_DEFAULT: Final = "english"
# The engine's name for a language whose words it leaves as they are.
_UNSTEMMED: Final = "hebrew"
# By ISO 639-3, as languages are detected.
_STEMMED: Final[Mapping[str, str]] = {
    "ara": "arabic",
    "cat": "catalan",
    "dan": "danish",
    "deu": "german",
    "ell": "greek",
    "eng": "english",
    "eus": "basque",
    "fin": "finnish",
    "fra": "french",
    "hun": "hungarian",
    "ind": "indonesian",
    "ita": "italian",
    "nep": "nepali",
    "nld": "dutch",
    "nob": "norwegian",
    "por": "portuguese",
    "ron": "romanian",
    "rus": "russian",
    "spa": "spanish",
    "swe": "swedish",
    "tur": "turkish",
}
# The words that say nothing at all, as Lucene has them; the engine's own list has many more, and
# those are the weak ones. Where only its own list is known, there are none.
_EMPTY_WORDS: Final[Mapping[str, StopwordsSet]] = {
    "english": StopwordsSet(
        custom={
            *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into"),
            *("is", "it", "no", "not", "of", "on", "or", "such", "that", "the", "their", "then"),
            *("there", "these", "they", "this", "to", "was", "will", "with"),
        }
    )
}
_UNKNOWN: Final[frozenset[str | None]] = frozenset({None})
# Words are not set apart by spaces, so they have to be found.
_UNSPACED: Final = frozenset({"cmn", "jpn", "tha", "khm", "mya", "lao"})


class SparseEncoder:
    """Pure and fast (tens of microseconds per passage), so it is called on the event loop."""

    def __init__(self, weights: Bm25Weights = Bm25Weights()) -> None:
        self._weights = weights

    def encode_document(self, text: str, language: str | None = None) -> SparseVector:
        return _to_vector(_get_model(self._weights, language, knows_weak=True).embed_document(text))

    def encode_query(self, text: str, languages: Iterable[str] = ()) -> SparseVector:
        """Stem the words as the documents were: in each of their languages, all at once."""
        weights: dict[int, float] = {}
        for language in {*languages} or _UNKNOWN:
            every = _get_model(self._weights, language, knows_weak=True).embed_query(text)
            strong = _get_model(self._weights, language, knows_weak=False).embed_query(text)
            if strong.indices:
                weights = dict.fromkeys(every.indices, self._weights.weak) | weights
                weights |= dict.fromkeys(strong.indices, 1.0)
        ordered = sorted(weights)
        return SparseVector(ordered, [weights[index] for index in ordered])


@cache
def _get_model(weights: Bm25Weights, language: str | None, *, knows_weak: bool) -> Bm25:
    name = _DEFAULT if language is None else _STEMMED.get(language, _UNSTEMMED)
    return Bm25(
        Bm25Config(
            k=weights.k,
            b=weights.b,
            avg_len=weights.average_tokens,
            language=name,
            stopwords=_EMPTY_WORDS.get(name) if knows_weak else None,
            ascii_folding=True,
            tokenizer=TokenizerType.Multilingual if language in _UNSPACED else None,
        )
    )


def _to_vector(vector: EdgeSparseVector) -> SparseVector:
    return SparseVector(indices=vector.indices, values=vector.values)
