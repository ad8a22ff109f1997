"""Texts with markup of their own are read as they stand, and their headings are known."""

import pytest

from src.config import DocumentSettings
from src.documents.reading.extraction import Extraction, extract
from src.documents.reading.reader import limit_reading

LIMITS = limit_reading(DocumentSettings())
LATEX, ORG, RST = "application/x-latex", "text/x-org", "text/x-rst"
PROSE = "Some words about it.\n" * 200


async def read(source: str, mime_type: str) -> Extraction:
    return await extract(source.encode(), mime_type, LIMITS)


@pytest.mark.parametrize(
    ("source", "mime_type"),
    [
        ("A part without a preamble \\emph{stuff}.\n\\begin{itemize}\\item one", LATEX),
        ("Words\\footnote{a remark}\n\\begin{figure}\\caption{The caption.}\\end{figure}", LATEX),
        ("  \\begin{document} indented \\end{document}", LATEX),
        ("para[fn:1]\n\n[fn:1] The footnote.\n[[https://example.org][link]]", ORG),
        ("para [1]_\n\n.. [1] The footnote.\n\n.. image:: x.png\n   :alt: A picture", RST),
        ('name,left,right\n,empty\n"a ""b""",,last', "text/csv"),
        ("name\tleft\tright\n\tempty\na\t\tlast", "text/tab-separated-values"),
        ("{}", "application/json"),
    ],
)
async def test_nothing_is_lost(source: str, mime_type: str) -> None:
    assert [chunk.text for chunk in (await read(source, mime_type)).chunks] == [source.strip()]


@pytest.mark.parametrize(
    ("source", "mime_type", "heading"),
    [
        ("\\section{The \\emph{Guide}}", LATEX, "The Guide"),
        ("\\chapter*[short]{Guide}\\label{x}\n\\section{Wiring}", LATEX, "Guide > Wiring"),
        ("100\\% \\section{Guide}", LATEX, "Guide"),
        ("% \\section{Guide}", LATEX, None),
        ("\\section{}", LATEX, None),
        ("* TODO Guide  :tag:more:\n** Wiring", ORG, "Guide > Wiring"),
        ("*bold* words\n * item", ORG, None),
        ("=====\nGuide\n=====\n\nWiring\n------\n\nFuses\n~~~~~", RST, "Guide > Wiring > Fuses"),
        ("Guide\n=====\n\nWiring\n------\n\nFuses\n======", RST, "Fuses"),
        ("Guide\r\n=====\r\n\r\nWiring\r\n------", RST, "Guide > Wiring"),
        ("Guide\n==", RST, None),
        ("two lines\nGuide\n=====", RST, None),
        ("a\n\n-----\n\nb", RST, None),
    ],
)
async def test_headings_are_known(source: str, mime_type: str, heading: str | None) -> None:
    chunks = (await read(f"{source}\n\n{PROSE}", mime_type)).chunks
    assert chunks[-1].heading == heading


@pytest.mark.parametrize(
    ("piece", "mime_type"),
    [
        *(("\\section{", LATEX), ("\\section{{", LATEX), ("\\section{x}", LATEX), ("%", LATEX)),
        *(("* ", ORG), ("* x\n", ORG), ("* :a", ORG), ("*", ORG)),
        *(("=", RST), ("x\n=\n\n", RST), ("=\n", RST), ("xx\n==\n\n", RST), ("\n", RST)),
    ],
)
async def test_no_text_takes_long(piece: str, mime_type: str) -> None:
    """In more than linear time, these would take longer than a test may."""
    assert (await read(piece * (300_000 // len(piece)) + "x", mime_type)).chunks
