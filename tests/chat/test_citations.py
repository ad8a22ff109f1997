import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.chat.citations import CitationParser, find_citations


@pytest.mark.parametrize(
    ("answer", "cited"),
    [
        ("Nothing cited.", set()),
        ("One [1] and again [1].", {1}),
        ("Two [1][3].", {1, 3}),
        ("A list [1, 2,3].", {1, 2, 3}),
        ("Made up [4] and [0] and [99].", set()),
        ("Not a marker: [1.5], [a], [], [ 1].", set()),
        ("An array a[2] looks the same.", {2}),
    ],
)
def test_markers_of_existing_sources_count(answer: str, cited: set[int]) -> None:
    assert list_cited(answer, source_count=3) == cited


def list_cited(answer: str, source_count: int) -> set[int]:
    return {n for citation in find_citations(answer, source_count) for n in citation.numbers}


@given(st.text(alphabet="[]0123456789, a"), st.integers(0, 50))
def test_only_sources_that_exist_are_cited(answer: str, source_count: int) -> None:
    assert list_cited(answer, source_count) <= set(range(1, source_count + 1))


markers = st.sampled_from(["[1]", "[2, 3]", "[1,22]", "[[4]", "[9", "]", "[1, ", "[", "x[3]y", " "])


@given(st.lists(markers | st.text(alphabet="[]0123456789, a", max_size=5)), st.data())
def test_a_marker_may_be_cut_anywhere(parts: list[str], data: st.DataObject) -> None:
    answer = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)))))
    parser = CitationParser(25)
    fed = [
        citation
        for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)
        for citation in parser.feed(answer[start:end])
    ]
    assert fed == find_citations(answer, 25)
    assert parser.cited == list_cited(answer, 25)
    for citation in fed:
        marker = answer[citation.start : citation.end]
        assert (marker[0], marker[-1]) == ("[", "]")


def test_what_is_kept_of_a_growing_answer_is_bounded() -> None:
    parser = CitationParser(3)
    for _ in range(1000):
        parser.feed("[1, ")
    assert len(parser._rest) < 200  # noqa: SLF001, memory shows nowhere else
