"""From hits to passages worth reading: one scale, nothing twice, neighbours in one piece. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from src.documents.vectors.base import RRF_K, Hit, HybridQuery

# Of the words that two passages have between them, the share in both that makes them the same.
_SAME: Final = 0.9
# More neighbours would make one passage of a page, and leave no room for others.
_MOST_CHUNKS: Final = 2
# What may lie between two neighbours: blank space, or a heading that stands elsewhere.
_WIDEST_GAP: Final = 200


class FoundPassage(NamedTuple):
    """A passage made of the chunks `[ordinal, ordinal + chunk_count)` of its document."""

    chunk_id: UUID
    document_id: UUID
    title: str
    filename: str
    heading: str | None
    page_first: int | None
    page_last: int | None
    ordinal: int
    start: int
    end: int
    text: str
    score: float
    chunk_count: int = 1


def normalise(hits: Sequence[Hit], query: HybridQuery) -> list[Hit]:
    """Bring fused scores to 0..1, where 1 is the best hit on every side, for any query."""
    if query.mode != "hybrid":
        return [*hits]
    best = query.best_score
    return [Hit(hit.chunk_id, min(1.0, hit.score / best)) for hit in hits]


def score_as_one_side(hits: Sequence[Hit], query: HybridQuery) -> list[Hit]:
    """Score hits that were found by their words as the fusion would, had the other side none."""
    best = query.best_score
    return [Hit(hit.chunk_id, 1 / (rank + RRF_K - 1) / best) for rank, hit in enumerate(hits, 1)]


def join_hits(left: Sequence[Hit], right: Sequence[Hit]) -> list[Hit]:
    """Both, best first; a passage that is on its way to another collection is in both."""
    known = {hit.chunk_id for hit in left}
    joined = [*left, *(hit for hit in right if hit.chunk_id not in known)]
    return sorted(joined, key=lambda hit: hit.score, reverse=True)


def choose_passages(found: Sequence[FoundPassage], limit: int) -> list[FoundPassage]:
    """Take the best, each once; a neighbour of one that was taken joins it instead."""
    chosen: list[FoundPassage] = []
    words: list[frozenset[str]] = []
    # Where those that were chosen stand: a candidate looks at its own document alone.
    places: defaultdict[UUID, list[int]] = defaultdict(list)
    for candidate in found:
        beside = places[candidate.document_id]
        place = next((at for at in beside if _are_neighbours(chosen[at], candidate)), None)
        if place is not None:
            chosen[place] = _merge(chosen[place], candidate)
        elif len(chosen) < limit:
            candidate_words = frozenset(candidate.text.split())
            if not any(_are_same(candidate_words, others) for others in words):
                beside.append(len(chosen))
                chosen.append(candidate)
                words.append(candidate_words)
    return chosen


def _are_neighbours(one: FoundPassage, candidate: FoundPassage) -> bool:
    """Of one document, and few enough to be one passage."""
    return (
        one.chunk_count < _MOST_CHUNKS
        and candidate.ordinal in (one.ordinal - 1, one.ordinal + one.chunk_count)
        and _measure_gap(one, candidate) <= _WIDEST_GAP
    )


def _measure_gap(one: FoundPassage, other: FoundPassage) -> int:
    return max(one.start, other.start) - min(one.end, other.end)


def _merge(one: FoundPassage, other: FoundPassage) -> FoundPassage:
    """The better one keeps its id, its score and its heading."""
    left, right = sorted((one, other), key=lambda found: found.ordinal)
    return one._replace(
        text=_join_texts(left, right),
        start=left.start,
        end=right.end,
        page_first=left.page_first,
        page_last=right.page_last,
        ordinal=left.ordinal,
        chunk_count=one.chunk_count + other.chunk_count,
    )


def _join_texts(left: FoundPassage, right: FoundPassage) -> str:
    overlap = left.end - right.start
    if overlap >= 0:
        return left.text + right.text[overlap:]
    return left.text + (" " if overlap == -1 else "\n\n") + right.text


def _are_same(one: frozenset[str], other: frozenset[str]) -> bool:
    in_both = len(one & other)
    return in_both >= _SAME * (len(one) + len(other) - in_both)
