from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.llm.thinking import ThinkingSplitter

CASES = [
    ("plain", "", "plain"),
    ("", "", ""),
    ("  indented", "", "  indented"),
    ("<think>Hm.</think>Yes.", "Hm.", "Yes."),
    ("\n<think>\nHm.\n</think>\n\nYes.\n", "\nHm.\n", "Yes.\n"),
    ("<think></think>Yes.", "", "Yes."),
    ("<think>cut of", "cut of", ""),
    ("<think>1 </ 2 </thin", "1 </ 2 </thin", ""),
    ("<thinking>", "", "<thinking>"),
    ("<thi", "", "<thi"),
    ("Write <think>a</think>.", "", "Write <think>a</think>."),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("<think>a<think>b</think>c", "a<think>b", "c"),
]


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkingSplitter()
    parts = [splitter.feed(piece) for piece in pieces] + [splitter.feed("", is_last=True)]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(("said", "thinking", "answer"), CASES)
def test_thoughts_are_told_from_the_answer(said: str, thinking: str, answer: str) -> None:
    assert split([said]) == split(list(said)) == (thinking, answer)


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<th", "</", "ink>", "a", " ", "\n"])),
    st.lists(st.integers(0, 60)),
)
def test_it_makes_no_difference_how_an_answer_is_cut(parts: list[str], cuts: list[int]) -> None:
    said = "".join(parts)
    borders = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    pieces = [said[a:b] for a, b in pairwise(borders)]
    assert split(pieces) == split([said])
