"""Word, Excel, PowerPoint and EPUB: that no word is lost, glued to another or in a wrong place."""

import dataclasses
import io
import unicodedata
import zipfile

import pytest

from src.config import DocumentSettings
from src.documents.exceptions import EncryptedDocumentError, UnparsableDocumentError
from src.documents.reading.chunking import ExtractedChunk
from src.documents.reading.epub import read_epub
from src.documents.reading.extraction import Extraction, extract
from src.documents.reading.reader import limit_reading
from src.documents.reading.sheets import read_sheets
from src.documents.reading.slides import read_slides
from src.documents.reading.tables import name_columns, read_csv, write_sheets
from tests.fixtures.files import (
    DOCX,
    EPUB,
    PPTX,
    XLSX,
    make_docx,
    make_epub,
    make_pptx,
    make_xlsx,
    relate,
)

LIMITS = limit_reading(DocumentSettings(chunk_characters=200, chunk_overlap_characters=0))
HTML = "<html><head><title>Lamps</title></head><body>{}</body></html>"


async def read(content: bytes, mime_type: str) -> Extraction:
    return await extract(content, mime_type, LIMITS)


async def read_text(content: bytes, mime_type: str) -> str:
    return "\n\n".join(chunk.text for chunk in (await read(content, mime_type)).chunks)


def list_places(chunks: list[ExtractedChunk]) -> list[tuple[str | None, int | None, int | None]]:
    return [(chunk.heading, chunk.page_first, chunk.page_last) for chunk in chunks]


def make_shape(text: str, place: str = "") -> str:
    placeholder = f'<p:ph type="{place}"/>' if place else ""
    paragraphs = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    return (
        f"<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr>"
        f"<p:txBody>{paragraphs}</p:txBody></p:sp>"
    )


async def test_tabs_part_the_words_of_a_letter() -> None:
    runs = (
        '<w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs></w:pPr>'
        "<w:r><w:t>Lamp</w:t><w:tab/><w:t>12 kg</w:t></w:r>"
        '<w:r><w:ptab w:alignment="right"/><w:t>Brass</w:t><w:tab></w:tab><w:t>Wick</w:t></w:r>'
        "<w:r><w:cr/><w:t>Oil</w:t></w:r>"
    )
    text = await read_text(make_docx([], runs=runs), DOCX)
    assert text.split() == ["Lamp", "12", "kg", "Brass", "Wick", "Oil"]


async def test_a_passage_of_a_sheet_knows_its_columns() -> None:
    rows: list[list[str | float | None]] = [[f"Lamp {n}", None, n * 1.5] for n in range(40)]
    rows = [["Stock of 2024"], [], ["Name", "Maker", "Price"], *rows]
    content = make_xlsx({"Lamps": rows, "Empty": [], "Oils": [["Oil", "Litres"], ["Olive", 3]]})
    chunks = (await read(content, XLSX)).chunks
    assert chunks[0].text.startswith("Lamps\n\nStock of 2024\n\nName | Maker | Price\nLamp 0 |")
    assert "Lamp 20 |  | 30" in "".join(chunk.text for chunk in chunks)
    columns = {chunk.heading for chunk in chunks[1:] if "Lamp " in chunk.text}
    assert columns == {"Lamps > Name, Maker, Price"}
    assert chunks[-1].text.endswith("Oils\n\nOil | Litres\nOlive | 3")


async def test_cells_read_as_they_look() -> None:
    cells = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45356</v></c>'
        '<c r="C1" s="1"><v>45356.5</v></c><c r="D1" s="2"><v>0.125</v></c>'
        '<c r="E1" s="3"><v>0.5</v></c><c r="F1"><v>0.30000000000000004</v></c></row>'
        '<row r="2"><c r="A2" t="b"><v>1</v></c><c r="B2" t="e"><v>#DIV/0!</v></c>'
        "<c r='C2'><f>SUM(A1:A9)</f></c><c r='D2' t='str'><v>a_x000D_b_xD800_</v></c>"
        '<c r="E2" s="99"><v>1e3</v></c><c r="F2" t="s"><v>77</v></c></row>'
        '<row r="4"><c r="XFD4"><v>4</v></c><c r="A4"><v>5</v></c></row>'
        '<row r="1048576"><c><v>6</v></c><c r="C1048576"><v>7</v></c></row>'
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    others = {
        "xl/worksheets/sheet1.xml": f"<worksheet {space}>{cells}</worksheet>",
        "xl/texts.xml": f"<sst {space}><si><r><t>Lamp </t></r><r><t>oil</t></r>"
        "<rPh><t>spoken</t></rPh></si></sst>",
        "xl/styles.xml": f'<styleSheet {space}><numFmts><numFmt numFmtId="170" formatCode="h:mm'
        '&quot;d&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="10"/><xf numFmtId="170"/></cellXfs></styleSheet>',
    }
    assert (await read_text(make_xlsx({"A": []}, others), XLSX)).splitlines() == [
        "A",
        "",
        "Lamp oil | 2024-03-05 | 2024-03-05 12:00:00 | 12.5% | 12:00:00 | 0.3",
        "TRUE | #DIV/0! | =SUM(A1:A9) | a b_xD800_ | 1000 | 77",
        "",
        (" | " * 64).lstrip() + "4 | 5",
        "",
        "6 |  | 7",
    ]


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("[h]:mm", "1.5", "36:00:00"),
        ("[mm]:ss", "-0.25", "-6:00:00"),
        ("yyyy\\-mm\\-dd", "1", "1904-01-02"),
        ("d.m.yy", "2957003", "9999-12-31"),
        ("d.m.yy", "2957004", "2957004"),
        ("_-* #,##0.00\\ _D_M_-", "1.5", "1.5"),
        ("0.0%", "0.5", "50%"),
        ("0", "4111111111111111", "4111111111111111"),
        ("[" * 100_000, "1", "1"),
        ("d", "nan", "nan"),
    ],
)
async def test_numbers_read_as_their_formats_say(code: str, value: str, expected: str) -> None:
    """In a workbook whose days count from 1904."""
    others = {
        "xl/styles.xml": f'<styleSheet><numFmts><numFmt numFmtId="170" formatCode="{code}"/>'
        '</numFmts><cellXfs><xf numFmtId="170"/></cellXfs></styleSheet>',
        "xl/workbook.xml": '<workbook xmlns:r="r"><workbookPr date1904="true"/><sheets>'
        '<sheet name="A" r:id="r1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<sheet><row><c s="0"><v>{value}</v></c></row></sheet>',
    }
    assert await read_text(make_xlsx({"A": []}, others), XLSX) == f"A\n\n{expected}"


async def test_formulas_show_their_results_and_where_there_is_none_themselves() -> None:
    cells = (
        '<c t="str"><f>IF(B1,"yes","")</f><v></v></c><c><f t="shared" si="0"/></c>'
        '<c><f>1+1</f><v>2</v></c><c><f>2+2</f><v/></c><c t="b"><v>true</v></c>'
        f'<c t="s"><v>{"1" * 5000}</v></c>'
    )
    sheet = f'<worksheet><row r="{"1" * 5000}">{cells}</row></worksheet>'
    text = await read_text(make_xlsx({"A": []}, {"xl/worksheets/sheet1.xml": sheet}), XLSX)
    assert text.startswith("A\n\n2 | =2+2 | TRUE | 111")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Name,Year built,2024\nPharos,280,1", "Name, Year built, 2024"),
        ("sep=;\r\nName;Height\r\nPharos;100", "Name, Height"),
        ("Name\tHeight\nPharos\t100", "Name, Height"),
        ("Name;Light, lm;Oil, l\nPharos;1;2", "Name, Light, lm, Oil, l"),
        ('"Name, first",Height\nPharos,100', "Name, first, Height"),
    ],
)
def test_a_passage_of_a_csv_knows_its_columns(text: str, names: str) -> None:
    read, (heading,) = read_csv(text)
    assert (read, heading.text) == (text, names)
    assert text[heading.start :].startswith("Pharos")


@pytest.mark.parametrize(
    "text",
    ["", "Name,Height", "Pharos,100\nSkaw,26", "a,a\n1,2", "x@y.org,y\n1,2", 'a,"b\nc",d\n1,2,3'],
)
def test_what_is_no_header_names_no_columns(text: str) -> None:
    assert read_csv(text) == (text, [])


def test_columns_without_a_name_are_passed_over() -> None:
    assert name_columns(["", " Name\n of it ", "Height"]) == "Name of it, Height"


async def test_slides_have_their_numbers_and_titles_behind_notes_as_well() -> None:
    first = (
        make_shape("Oil\nand wick") + make_shape("Our\nLamps", "title") + make_shape("7", "sldNum")
    )
    others = {
        "ppt/slides/_rels/slide1.xml.rels": relate(
            {"r1": ("notesSlide", "../notesSlides/notesSlide1.xml")}
        ),
        "ppt/notesSlides/notesSlide1.xml": '<p:notes xmlns:p="p" xmlns:a="a">'
        f"{make_shape('Say more. ' * 30, 'body')}{make_shape('1', 'sldNum')}</p:notes>",
    }
    content = make_pptx([first, make_shape("Towers\n" + "are tall " * 40), ""], others)
    extraction = await read(content, PPTX)
    text = "".join(chunk.text for chunk in extraction.chunks)
    assert text.startswith("Our\nLamps\n\nOil\nand wick\n\nNotes: Say more. Say")
    assert "7" not in text
    assert extraction.page_count == 3
    places = list_places(extraction.chunks)
    assert places[0] == ("Our Lamps", 1, 1)
    assert places[-1] == ("Towers", 2, 2)


async def test_tables_groups_charts_and_diagrams_of_slides_are_read() -> None:
    cells = "".join(f"<a:tc><a:txBody><a:p><a:t>{t}</a:t></a:p></a:txBody></a:tc>" for t in "AB")
    shapes = (
        f"<p:graphicFrame><a:tbl><a:tr>{cells}</a:tr><a:tr>{cells}</a:tr></a:tbl></p:graphicFrame>"
        f"<p:grpSp><p:grpSp>{make_shape('Grouped')}</p:grpSp></p:grpSp>"
        '<mc:AlternateContent xmlns:mc="mc"><mc:Choice>'
        f"{make_shape('New form')}</mc:Choice><mc:Fallback>{make_shape('Old form')}</mc:Fallback>"
        '</mc:AlternateContent><c:chart xmlns:c="c" r:id="r1"/><d:relIds xmlns:d="d" r:dm="r2"/>'
        '<c:chart xmlns:c="c" r:id="nowhere"/>'
    )
    points = '<c:pt idx="{}"><c:v>{}</c:v></c:pt>'
    others = {
        "ppt/slides/_rels/slide1.xml.rels": relate(
            {
                "r1": ("chart", "/ppt/charts/chart1.xml"),
                "r2": ("diagramData", "../diagrams/data1.xml"),
            }
        ),
        "ppt/charts/chart1.xml": '<c:chartSpace xmlns:c="c" xmlns:a="a"><c:chart><c:title><a:p>'
        "<a:t>Light</a:t></a:p></c:title><c:ser>"
        f"<c:tx><c:strRef>{points.format(0, 'Lumen')}</c:strRef></c:tx>"
        f"<c:cat>{points.format(0, 'Oil')}{points.format(2, 'Gas')}{points.format(2, 1900)}</c:cat>"
        f"<c:val>{points.format(0, 12)}{points.format(1, 13)}{points.format(2, 80)}</c:val>"
        "</c:ser></c:chart></c:chartSpace>",
        "ppt/diagrams/data1.xml": '<d:dataModel xmlns:d="d" xmlns:a="a"><d:pt><d:t><a:p><a:t>Fill'
        "</a:t></a:p></d:t></d:pt><d:pt><d:t><a:p><a:t>Light</a:t></a:p></d:t></d:pt></d:dataModel>",
    }
    text = await read_text(make_pptx([shapes], others), PPTX)
    assert text == (
        "A | B\nA | B\n\nGrouped\n\nNew form\n\n"
        "Light\nLumen: Oil 12, 13, 1900 Gas 80\n\nFill\nLight"
    )


async def test_a_book_is_read_page_after_page() -> None:
    glossary = "<h1>Words</h1><dl><dt>Wick</dt><dd>It drinks oil.</dd></dl><script src='x'/>Loose."
    pages = {
        "nav.xhtml": HTML.format("<a href='b'>Contents</a>"),
        "two parts.xhtml": HTML.format(glossary),
        "a.xhtml": HTML.format("<h2>Lamps</h2><p>" + "They are lit at dusk. " * 20 + "</p>"),
    }
    chunks = (await read(make_epub(pages), EPUB)).chunks
    text = "".join(chunk.text for chunk in chunks)
    assert text.startswith("Words\n\nWick\nIt drinks oil.\nLoose.\n\nLamps\n\nThey")
    assert [chunk.heading for chunk in chunks][:2] == ["Words", "Words > Lamps"]
    assert "Contents" not in text


def test_headings_stand_where_they_say() -> None:
    """Behind signs of more than one byte as well: places are counted in characters."""
    one, two = (HTML.format(f"<p>Ünï 漢字 😀</p><h1>{title}</h1><p>x</p>") for title in "AB")
    slides = [make_shape(f"{title} 😀", "title") + make_shape("It shines.") for title in "AB"]
    for text, headings in (
        read_epub(make_epub({"a.xhtml": one, "b.xhtml": two})),
        read_slides(make_pptx(slides))[:2],
        write_sheets(read_sheets(make_xlsx({"Ä 😀": [["x", "y"], ["1", "2"]], "B": [["z"]]}))),
    ):
        titles = [heading for heading in headings if heading.level == 1]
        assert len(titles) == 2
        for heading in titles:
            assert text[heading.start :].startswith(f"{heading.text}\n")


async def test_no_page_of_a_book_vanishes() -> None:
    """Of names there are many ways of writing; one that is nowhere is said to be missing."""
    names = ["a%20b.xhtml", "Ö.xhtml", unicodedata.normalize("NFD", "Ü.xhtml")]
    pages = {name: HTML.format(f"<h1 id='x'/><p>Page {n}</p>") for n, name in enumerate(names)}
    items = "".join(
        f'<item id="{n}" href="{unicodedata.normalize("NFC", name)}"'
        ' media-type="application/xhtml+xml"/>'
        for n, name in enumerate([*names, "away.xhtml"])
    )
    spine = "".join(f'<itemref idref="{n}"/>' for n in range(4))
    book = f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>"
    chunks = (await read(make_epub(pages, {"OEBPS/book.opf": book}), EPUB)).chunks
    assert chunks[0].heading is None
    text = "\n\n".join(chunk.text for chunk in chunks)
    assert text == "Page 0\n\nPage 1\n\nPage 2\n\nNot read: OEBPS/away.xhtml is missing."


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (make_epub({"a.xhtml": HTML.format("<h1>Wi\0ck</h1>")}), EPUB),
        (make_xlsx({"A": [["Wi_x0000_ck", "Oil"], ["1", "2"]]}), XLSX),
        (b"Wi\0ck,Oil\n1,2", "text/csv"),
    ],
)
async def test_nothing_that_cannot_be_stored_comes_out(content: bytes, mime_type: str) -> None:
    small = dataclasses.replace(LIMITS, chunk_characters=12)
    for chunk in (await extract(content, mime_type, small)).chunks:
        assert "\0" not in f"{chunk.text}{chunk.heading}"


@pytest.mark.parametrize(
    ("method", "is_sealed"),
    [
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", True),
        ("http://www.idpf.org/2008/embedding", False),
    ],
)
async def test_a_sealed_book_says_so_and_one_with_sealed_fonts_is_read(
    method: str, is_sealed: bool
) -> None:
    sealed = (
        '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData>'
        f'<e:EncryptionMethod Algorithm="{method}"/></e:EncryptedData></encryption>'
    )
    book = make_epub({"a.xhtml": HTML.format("Wick")}, {"META-INF/encryption.xml": sealed})
    if is_sealed:
        with pytest.raises(EncryptedDocumentError):
            await read(book, EPUB)
    else:
        assert await read_text(book, EPUB) == "Wick"


@pytest.mark.parametrize("mime_type", [DOCX, XLSX, PPTX, EPUB])
async def test_archives_of_something_else_are_refused(mime_type: str) -> None:
    other = make_epub({}, {"OEBPS/book.opf": "no package <"})
    with pytest.raises(UnparsableDocumentError):
        await read(other, mime_type)


async def test_what_an_archive_says_of_itself_is_not_believed() -> None:
    """A book of 10 kB that unpacks to 300 MB, and slides of which one refers to itself."""
    with pytest.raises(UnparsableDocumentError):
        await read(make_epub({"a.xhtml": "a" * 300_000_000}), EPUB)
    loop = {"ppt/slides/_rels/slide1.xml.rels": relate({"r1": ("chart", "slide1.xml")})}
    shapes = make_shape("Lamps") + '<c:chart xmlns:c="c" r:id="r1"/>'
    assert await read_text(make_pptx([shapes], loop), PPTX) == "Lamps"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
async def test_compressions_without_a_bound_are_refused(compression: int) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", compression) as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
    with pytest.raises(UnparsableDocumentError):
        await read(book.getvalue(), EPUB)


async def test_a_comment_as_long_as_a_sheet_is_passed_over() -> None:
    """Some parsers read it anew with every block."""
    sheet = f"<worksheet><!--{'x' * 60_000_000}--><row><c><v>1</v></c></row></worksheet>"
    content = make_xlsx({"A": []}, {"xl/worksheets/sheet1.xml": sheet})
    assert await read_text(content, XLSX) == "A\n\n1"


async def test_paragraphs_within_each_other_are_read_once() -> None:
    deep = "<a:p>" * 20_000 + "<a:t>x</a:t>" + "</a:p>" * 20_000
    content = make_pptx([make_shape("Lamps") + f"<p:sp>{deep}</p:sp>"])
    assert await read_text(content, PPTX) == "Lamps\n\nx"


async def test_the_deepest_slide_is_read() -> None:
    deep = "<p:grpSp>" * 50_000 + make_shape("Bottom") + "</p:grpSp>" * 50_000
    assert await read_text(make_pptx([deep]), PPTX) == "Bottom"
