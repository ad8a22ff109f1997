import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.chat.citations import find_citations


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
    assert find_citations(answer, source_count=3) == cited


@given(st.text(alphabet="[]0123456789, a"), st.integers(0, 50))
def test_only_sources_that_exist_are_cited(answer: str, source_count: int) -> None:
    assert find_citations(answer, source_count) <= set(range(1, source_count + 1))
