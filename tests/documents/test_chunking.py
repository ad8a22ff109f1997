from hypothesis import given
from hypothesis import strategies as st

from src.documents.reading.chunking import ExtractedChunk, Heading, PageStart, cut_chunks

SENTENCE = "A sentence has some words. "


def cut(text: str, size: int = 100, overlap: int = 20) -> list[ExtractedChunk]:
    return cut_chunks(text, max_characters=size, overlap=overlap)


def texts(chunks: list[ExtractedChunk]) -> list[str]:
    return [chunk.text for chunk in chunks]


words = st.text(alphabet="ab。é漢😀 .\n\t", max_size=2000)
sizes = st.integers(8, 200)


@given(words, sizes, st.data())
def test_nothing_is_lost_and_nothing_is_too_long(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    starts = sorted(data.draw(st.sets(st.integers(0, max(0, len(text) - 1)), max_size=8)))
    headings = [Heading(start, 1 + start % 3, f"H{start}") for start in starts]
    chunks = cut_chunks(text, max_characters=size, overlap=overlap, headings=headings)
    covered = 0
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip() != ""
        assert len(chunk.text) <= size
        assert not text[covered : chunk.start].strip()
        assert chunk.end > covered, "every passage brings something new"
        covered = chunk.end
    assert not text[covered:].strip()


def test_passages_end_with_the_strongest_boundary_at_hand() -> None:
    paragraph = SENTENCE * 2
    assert texts(cut(f"{paragraph}\n\n{paragraph}", 100, 0)) == [paragraph.strip()] * 2
    lines = "First line of words\nSecond line of words\nThird line of words"
    assert texts(cut(lines, 45, 0)) == [lines[:40], "Third line of words"]
    assert texts(cut("One. Two. Three four five six", 12, 0))[0] == "One. Two."
    assert texts(cut("One two three four", 12, 0)) == ["One two", "three four"]
    assert texts(cut("漢" * 30, 12, 0)) == ["漢" * 12, "漢" * 12, "漢" * 6]
    assert texts(cut("漢" * 11 + "。漢", 11, 0)) == ["漢" * 11, "。漢"]
    assert texts(cut("漢字。" * 10, 13, 0)) == ["漢字。" * 4, "漢字。" * 4, "漢字。" * 2]


def test_neighbours_share_a_sentence() -> None:
    one, other, *_ = cut(SENTENCE * 10, 120, 30)
    assert one.text.endswith(SENTENCE.strip())
    assert other.text.startswith(SENTENCE.strip())
    assert one.end - other.start == len(SENTENCE.strip())


def test_a_heading_begins_a_passage_and_shares_nothing() -> None:
    text = f"Guide\n\n{SENTENCE * 2}\n\nWiring\n\n{SENTENCE * 3}"
    headings = [Heading(0, 1, "Guide"), Heading(text.index("Wiring"), 2, "Wiring")]
    first, second = cut_chunks(text, max_characters=100, overlap=25, headings=headings)
    assert (first.heading, second.heading) == ("Guide", "Guide > Wiring")
    assert second.text.startswith("Wiring")


def test_a_heading_ends_what_stands_below_its_like() -> None:
    headings = [Heading(n, level, str(n)) for n, level in enumerate((1, 2, 3, 2, 1))]
    chunks = cut_chunks("abcde", max_characters=1, overlap=0, headings=headings)
    assert [chunk.heading for chunk in chunks] == ["0", "0 > 1", "0 > 1 > 2", "0 > 3", "4"]


def test_pages_are_those_that_a_passage_touches() -> None:
    pages = [PageStart(2, 1), PageStart(4, 2), PageStart(4, 3), PageStart(6, 4)]
    chunks = cut_chunks("abcdefgh", max_characters=4, overlap=0, pages=pages)
    assert [(c.page_first, c.page_last) for c in chunks] == [(1, 1), (3, 4)]
    assert cut("abc")[0].page_first is None
