"""Markdown is text: all of it is read as it stands, and its headings are known."""

import pytest

from src.config import DocumentSettings
from src.documents.reading.extraction import Extraction, extract
from src.documents.reading.reader import limit_reading

LIMITS = limit_reading(DocumentSettings())
# In more than linear time, this would take longer than a test may.
LONG = 300_000
PIECES = (
    *(
        "#",
        "# ",
        "[",
        "[x](",
        "# [",
        "---\n",
        "x\n",
        "x\n-\n\n",
        "```",
        "```\n",
        "\\",
        "*a ",
        "# *\n",
    ),
    *("data:", "data:a/b;base64,", "<", "# <\n", " ", "\t", "# x\n"),
)
PROSE = "Some words about it. " * 200


async def read(source: str) -> Extraction:
    return await extract(source.encode(), "text/markdown", LIMITS)


@pytest.mark.parametrize(
    "source",
    [
        "<div>\nalpha\n</div>\n\npara",
        "<details><summary>more</summary>body</details>\n\npara",
        "A note[^1] here.\n\n[^1]: The text of the footnote.",
        "[named]: https://example.org 'Title'\n\nA [link](https://a.b) and ![picture](x.png)",
        "---\ntitle: x\n---\n\n| a | b |\n|---|---|\n|   | 2 |\n\n```sh\ncode # comment\n```",
        "***\n<!-- a remark -->\n1. one\n2. two\n\n> quoted\n\nterm\n: meaning\n\n$$x^2$$",
    ],
)
async def test_nothing_of_markdown_is_lost(source: str) -> None:
    assert [chunk.text for chunk in (await read(source)).chunks] == [source]


async def test_the_bytes_of_a_picture_are_no_text() -> None:
    source = f"before ![logo](data:image/png;base64,{'QUJD' * 1_000}==) after"
    (chunk,) = (await read(source)).chunks
    assert chunk.text == "before ![logo](data:image/png;base64,…) after"


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# Guide", "Guide"),
        ("   ###   Guide  ##  ", "Guide"),
        ("# C# and F#", "C# and F#"),
        ("Guide\n=====", "Guide"),
        ("Guide\n---", "Guide"),
        ("# **The** _guide_ to `snake_case` ~~and~~ more", "The guide to snake_case and more"),
        ("# [The](https://example.org) ![guide][1] <a name='x'></a>", "The guide"),
        ("#Guide", None),
        ("####### Guide", None),
        ("    # Guide", None),
        ("#", None),
        ("# **", None),
        (f"# {'x' * 201}", None),
        ("two lines\nof words\n---", None),
        ("- item\n---", None),
        ("| a |\n---", None),
        ("\n\n---", None),
        ("```\n# comment\n~~~\n# comment\n```", None),
        ("~~~~ sh\n# comment\n~~~\n```\n# comment\n~~~~~", None),
        ("``` a `b` x\n# Guide", "Guide"),
        ("```\n# comment\n```\r\n# Guide", "Guide"),
    ],
)
async def test_headings_of_markdown_are_known(line: str, heading: str | None) -> None:
    chunks = (await read(f"{line}\n{PROSE}")).chunks
    assert chunks[-1].heading == heading


async def test_front_matter_has_no_headings() -> None:
    chunks = (await read(f"---\n# remark\ntitle: x\n---\n\n{PROSE}")).chunks
    assert {chunk.heading for chunk in chunks} == {None}
    chunks = (await read(f"---\n\n# Guide\n\n{PROSE}\n\n---\n\n{PROSE}")).chunks
    assert chunks[-1].heading == "Guide"


async def test_a_passage_begins_where_its_heading_does() -> None:
    chunks = (await read(f"# Guide\n\n{PROSE}\n\n## Wiring\n\n{PROSE}")).chunks
    wiring = next(chunk for chunk in chunks if chunk.heading == "Guide > Wiring")
    assert wiring.text.startswith("## Wiring\n\nSome words")


@pytest.mark.parametrize(
    "piece",
    PIECES,
)
async def test_no_markdown_takes_long(piece: str) -> None:
    assert (await read(piece * (LONG // len(piece)) + "x")).chunks
