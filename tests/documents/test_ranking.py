from uuid import UUID, uuid4

import pytest

from src.documents.ranking import (
    FoundPassage,
    choose_passages,
    join_hits,
    normalise,
    score_as_one_side,
)
from src.documents.vectors.base import Hit, HybridQuery, SparseVector
from src.documents.vectors.sparse import SparseEncoder
from tests.fixtures.users import User

TEXT = "The first sentence. The second sentence.\n\nThe third sentence. The fourth sentence."
DOCUMENT = uuid4()
QUERY = HybridQuery([1.0], SparseVector([1], [1.0]), dense_weight=0.5)


def find(first: int, start: int, end: int, document_id: UUID = DOCUMENT) -> FoundPassage:
    return FoundPassage(
        document_id=document_id,
        chunk_id=uuid4(),
        title="t",
        filename="f",
        heading=None,
        page_first=first,
        page_last=first,
        ordinal=first,
        start=start,
        end=end,
        text=TEXT[start:end],
        score=1.0,
    )


def test_neighbours_become_one_piece() -> None:
    for found in ([find(1, 20, 40), find(0, 0, 30)], [find(0, 0, 30), find(1, 20, 40)]):
        (one,) = choose_passages(found, 10)
        assert (one.text, one.start, one.end) == (TEXT[:40], 0, 40)
        assert (one.page_first, one.page_last) == (0, 1)
        assert one.chunk_id == found[0].chunk_id


def test_what_stands_between_neighbours_is_blank() -> None:
    (one,) = choose_passages([find(0, 0, 40), find(1, 42, 61)], 10)
    assert one.text == TEXT[:61]


def test_others_stay_apart() -> None:
    found = [find(0, 0, 19), find(2, 42, 61), find(1, 20, 40, uuid4())]
    assert len(choose_passages(found, 10)) == 3
    row = [find(0, 0, 19), find(1, 20, 40), find(2, 42, 61)]
    assert [one.end for one in choose_passages(row, 10)] == [40, 61]


def test_the_same_text_is_given_once() -> None:
    copies = [find(0, 0, 40), find(7, 0, 40, uuid4()), find(3, 42, 82, uuid4())]
    assert [one.start for one in choose_passages(copies, 10)] == [0, 42]
    assert len(choose_passages(copies, 1)) == 1


def test_scores_have_one_scale() -> None:
    best = 1 / (1 / 0.5 + 1) + 1 / 2
    ids = [uuid4() for _ in range(3)]
    fused = normalise([Hit(ids[0], best), Hit(ids[1], best / 2)], QUERY)
    assert [hit.score for hit in fused] == pytest.approx([1.0, 0.5])
    # The engine adds in single precision.
    assert normalise([Hit(ids[0], best * 1.0000001)], QUERY)[0].score == 1.0
    words = score_as_one_side([Hit(ids[2], 31.0), Hit(ids[0], 30.0)], QUERY)
    assert [hit.chunk_id for hit in join_hits(fused, words)] == [ids[0], ids[2], ids[1]]


def test_words_are_stemmed_in_their_own_language() -> None:
    encoder = SparseEncoder()

    def match(document: str, query: str, language: str, *asked: str) -> bool:
        known = encoder.encode_document(document, language).indices
        return bool(set(known) & set(encoder.encode_query(query, asked).indices))

    assert match("Haus", "Häusern", "deu", "eng", "deu")
    assert not match("Haus", "Häusern", "deu", "eng")
    assert match("maisons", "maison", "fra", "fra", "eng")
    assert match("我喜欢在北京吃饭", "北京", "cmn", "cmn")
    assert match("houses", "house", "eng")
    # Polish has no stemmer: its words stay as they are, and are not cut as if they were English.
    assert match("running", "running", "pol", "pol")
    assert not match("running", "run", "pol", "pol")


async def test_a_german_text_is_found_by_other_forms_of_its_words(user: User) -> None:
    text = "Die alten Häuser der Stadt wurden im Krieg zerstört und später wieder aufgebaut. " * 3
    document = await user.add_document(text, "stadt.txt")
    assert document["language"] == "deu"
    assert await user.search("zerstörtes Haus", mode="sparse")
