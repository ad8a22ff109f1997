"""Answers made of quotations: the sentences of the given passages that fit the question best.

This is not a language model and never speaks as one. It shows that retrieval works while no model
is installed.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from src.llm.offline.passages import Passage, find_passages, find_question
from src.llm.offline.sentences import extract_terms, split_sentences
from src.llm.schemas import ChatMessage

_ABOUT_ME = (
    "I am the built-in offline model: I can only quote documents. Connect Ollama for written "
    "answers."
)
_NO_PASSAGES = f"There are no passages here to quote from. {_ABOUT_ME}"
_NOTHING_RELEVANT = f"None of the passages answers this. {_ABOUT_ME}"

_MAX_QUOTES = 3
# How much of the question, by weight, the best sentence and its surroundings must speak of.
_MIN_COVERAGE = 0.4
# A term beside the sentence, in its passage or title, counts less than one inside.
_CONTEXT_WEIGHT = 0.5
_EXPECTATION_BONUS = 1.3
# A further sentence must be nearly as good as the best one.
_MIN_SHARE_OF_BEST = 0.75

_SUMMARY = re.compile(r"\b(summar\w+|overview|tl;?dr|main points|key points)", re.IGNORECASE)
_REFERENCE_MARK = re.compile(r"\[\d+\]")

_DATE = (
    r"\d{3,4}|centur|January|February|March|April|May|June|July|August|September|October|November"
    r"|December"
)
_NUMBER = (
    r"\d[\d.,]*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?"
    r"|thousands?|millions?|billions?|half|third|quarter|twice|once)\b"
)
_NAME = r"(?<!^)(?<![.!?] )\b[A-Z]\w+"
_REASON = r"\b(?:because|due to|since|so that|in order to|therefore|caused?|reasons?)\b"
_EXPECTATIONS = {
    r"\bwhen\b|\b(?:what|which) (?:year|month|day|date|century|decade)\b": _DATE,
    r"\bhow (?:many|much|long|old|far|tall|high|large|big|often|fast)\b|\bnumber\b": _NUMBER,
    r"\bwho(?:m|se)?\b|\bwhere\b|\b(?:what|which) (?:city|country|person|name)\b": _NAME,
    r"\bwhy\b": _REASON,
}


@dataclass(frozen=True, slots=True)
class _Sentence:
    passage: Passage
    text: str
    terms: frozenset[str]
    context: frozenset[str]


def answer(messages: Sequence[ChatMessage]) -> str:
    """Answer the last user message from the passages of all messages."""
    passages = find_passages(messages)
    if not passages:
        return _NO_PASSAGES
    question = find_question(messages)
    sentences = [sentence for passage in passages for sentence in _read_sentences(passage)]
    chosen = _choose_sentences(question, sentences)
    if not chosen and _SUMMARY.search(question):
        chosen = _choose_openings(sentences)
    return _quote(chosen) if chosen else _NOTHING_RELEVANT


def _quote(sentences: Sequence[_Sentence]) -> str:
    quotes = (f'"{_clean(sentence.text)}" [{sentence.passage.number}]' for sentence in sentences)
    return f"From the passages: {' '.join(quotes)}"


def _clean(text: str) -> str:
    """Take out the passage's own reference marks, which would read as citations."""
    return _REFERENCE_MARK.sub("", text)


def _read_sentences(passage: Passage) -> list[_Sentence]:
    texts = split_sentences(passage.text)
    context = frozenset(extract_terms(f"{passage.title}\n{passage.text}"))
    return [_Sentence(passage, text, frozenset(extract_terms(text)), context) for text in texts]


def _choose_openings(sentences: Sequence[_Sentence]) -> list[_Sentence]:
    openings = {sentence.passage.number: sentence for sentence in reversed(sentences)}
    return list(reversed(openings.values()))[:_MAX_QUOTES]


def _choose_sentences(question: str, sentences: Sequence[_Sentence]) -> list[_Sentence]:
    weights = _weigh_terms(extract_terms(question), sentences)
    enough = _MIN_COVERAGE * sum(weights.values())
    scored = sorted(
        (
            (_score(sentence, weights, question), sentence)
            for sentence in sentences
            if _cover(sentence, weights) >= enough > 0
        ),
        key=lambda pair: -pair[0],
    )
    good = [sentence for score, sentence in scored if score >= _MIN_SHARE_OF_BEST * scored[0][0]]
    return _drop_repeats(good)[:_MAX_QUOTES]


def _weigh_terms(terms: Collection[str], sentences: Sequence[_Sentence]) -> dict[str, float]:
    """Weigh each term of the question by how few sentences hold it (inverse frequency)."""
    counts = Counter(term for sentence in sentences for term in sentence.terms)
    return {term: math.log(1 + len(sentences) / max(counts[term], 1)) for term in set(terms)}


def _cover(sentence: _Sentence, weights: dict[str, float]) -> float:
    """Add up the weight of the question's terms that the sentence and its passage speak of."""
    inside = sum(weight for term, weight in weights.items() if term in sentence.terms)
    around = sum(weight for term, weight in weights.items() if term in sentence.context)
    return inside + _CONTEXT_WEIGHT * (around - inside) if inside else 0.0


def _score(sentence: _Sentence, weights: dict[str, float], question: str) -> float:
    score = _cover(sentence, weights)
    return score * _EXPECTATION_BONUS if _fits_expectation(sentence, question) else score


def _fits_expectation(sentence: _Sentence, question: str) -> bool:
    """Tell whether a question for a date, number, name or reason meets one it does not hold."""
    for asked, expected in _EXPECTATIONS.items():
        if re.search(asked, question, re.IGNORECASE):
            return any(match[0] not in question for match in re.finditer(expected, sentence.text))
    return False


def _drop_repeats(sentences: Sequence[_Sentence]) -> list[_Sentence]:
    """Overlapping passages hold the same sentence twice: keep the first."""
    return list({sentence.text: sentence for sentence in reversed(sentences)}.values())[::-1]
