import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.llm.offline.embedding import DIMENSION, embed_text

QUERY = "search_query: who signed the treaty of Verona?"


def compare(left: str, right: str) -> float:
    return sum(a * b for a, b in zip(embed_text(left), embed_text(right), strict=True))


@given(st.text())
def test_every_text_has_a_unit_vector(text: str) -> None:
    text = text.encode(errors="replace").decode()
    vector = embed_text(text)
    assert len(vector) == DIMENSION
    assert math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-9)


@pytest.mark.parametrize("text", ["", " ", "?!", "search_query: ", "search_document: …"])
def test_texts_without_words_have_a_unit_vector(text: str) -> None:
    assert math.isclose(math.hypot(*embed_text(text)), 1.0)


def test_the_same_text_embeds_alike_in_every_process() -> None:
    script = (
        "from src.llm.offline.embedding import embed_text; import json, sys;"
        "json.dump(embed_text(sys.argv[1]), sys.stdout)"
    )
    printed = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script, QUERY], check=True, capture_output=True, text=True
    ).stdout
    assert [float(number) for number in printed.strip("[]").split(",")] == embed_text(QUERY)


def test_shared_words_bring_texts_together() -> None:
    near = compare(QUERY, "search_document: The Treaty of Verona was signed by eleven kings.")
    far = compare(QUERY, "search_document: Bees dance to tell each other where flowers are.")
    assert near > far + 0.3


def test_word_forms_are_close_and_stop_words_count_little() -> None:
    assert compare("search_query: signing treaties", "search_query: signed treaty") > 0.5
    assert compare("search_query: what is the moon", "search_query: moon") > 0.9


def test_query_and_document_prefixes_are_no_content() -> None:
    assert embed_text("search_query: moon") == embed_text("search_document: moon")


def test_a_missing_prefix_can_be_noticed() -> None:
    bare = compare("moon landing", "search_document: moon landing")
    assert 0.5 < bare < 0.95
    assert embed_text("moon landing")[0] > 0.3
    assert embed_text("search_query: moon landing")[0] == 0
