from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.llm.ndjson import MalformedLineError, NDJSONDecoder

LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))


def decode(chunks: list[bytes], max_line_bytes: int = 1000) -> list[str]:
    decoder = NDJSONDecoder(max_line_bytes)
    lines = [line for chunk in chunks for line in decoder.feed(chunk)]
    return lines + decoder.finish()


@given(lines=LINES, cuts=st.lists(st.integers(0, 500)), is_terminated=st.booleans())
def test_any_chunking_gives_the_same_lines(
    lines: list[str], cuts: list[int], *, is_terminated: bool
) -> None:
    data = "\n".join(lines).encode() + b"\n" * is_terminated
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[start:end] for start, end in pairwise(bounds)]
    expected = [line for line in lines if line.encode().strip()]
    assert decode(chunks) == expected


def test_single_bytes_keep_characters_whole() -> None:
    line = '{"a":"Zoë \u0085 \u2028 \U0001f600"}'
    assert decode([bytes([byte]) for byte in line.encode() + b"\n"]) == [line]


@pytest.mark.parametrize("chunk", [b"12345", b"12345\n", b"1\n12345\n", b"12345\n1\n"])
def test_a_line_past_the_limit_is_refused(chunk: bytes) -> None:
    with pytest.raises(MalformedLineError, match="longer than 4 bytes"):
        decode([chunk], max_line_bytes=4)


def test_a_line_at_the_limit_is_accepted() -> None:
    assert decode([b"1234\n12", b"34"], max_line_bytes=4) == ["1234", "1234"]


def test_invalid_utf8_is_refused() -> None:
    with pytest.raises(MalformedLineError, match="not UTF-8"):
        decode([b'"\xff"\n'])
