"""The text of PowerPoint files (ECMA-376), slide by slide: with notes, tables, charts and diagrams.

The vendor loses charts and diagrams, and miscounts the slides behind one with notes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Final
from xml.etree.ElementTree import Element

from src.documents.reading.archives import Archive
from src.documents.reading.chunking import LONGEST_HEADING, Heading, PageStart
from src.documents.reading.office import get_name, get_relation, list_relations
from src.documents.reading.tables import write_row

PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"

_PRESENTATION: Final = "ppt/presentation.xml"
_SOURCES: Final = frozenset({"chart", "relIds", "sp", "tbl"})
_TITLES: Final = frozenset({"title", "ctrTitle"})
# The same on every slide.
_REPEATED: Final = frozenset({"dt", "ftr", "hdr", "sldImg", "sldNum"})


@dataclass(slots=True)
class _Slide:
    title: str = ""
    blocks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n\n".join(filter(None, (self.title, *self.blocks)))


def read_slides(content: bytes) -> tuple[str, list[Heading], list[PageStart]]:
    """Raises `BrokenArchiveError` for what is no presentation."""
    archive = Archive(content)
    text, headings, pages = StringIO(), list[Heading](), list[PageStart]()
    for number, name in enumerate(_list_slides(archive), start=1):
        slide = _read_slide(archive, name)
        pages.append(PageStart(text.tell(), number))
        if title := str(slide).partition("\n")[0]:
            headings.append(Heading(text.tell(), 1, title[:LONGEST_HEADING]))
            text.write(f"{slide}\n\n")
    return text.getvalue(), headings, pages


def _list_slides(archive: Archive) -> Iterator[str]:
    targets = list_relations(archive, _PRESENTATION)
    for entry in archive.read_xml(_PRESENTATION).iterfind("{*}sldIdLst/{*}sldId"):
        target = targets.get(get_relation(entry), "")
        if target in archive:
            yield target


def _read_slide(archive: Archive, name: str) -> _Slide:
    slide, targets = _Slide(), list_relations(archive, name)
    for element in _walk(archive.read_xml(name)):
        kind = get_name(element)
        if kind == "sp":
            _add_shape(slide, element)
        elif kind == "tbl":
            slide.blocks.append(_write_table(element))
        elif kind == "chart" and (chart := targets.get(get_relation(element), "")) in archive:
            slide.blocks.append(_write_chart(archive.read_xml(chart)))
        elif kind == "relIds" and (data := targets.get(get_relation(element, "dm"), "")) in archive:
            slide.blocks.append(_write_paragraphs(archive.read_xml(data)))
    for target in targets.values():
        if "notesslides/" in target.lower() and target in archive:
            slide.blocks += _write_notes(archive.read_xml(target))
    return slide


def _walk(root: Element) -> Iterator[Element]:
    """Yield what holds text, in its order; of two forms of a thing only the newer one."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        kind = get_name(element)
        if kind in _SOURCES:
            yield element
        elif kind != "Fallback":
            waiting.extend(reversed(element))


def _add_shape(slide: _Slide, shape: Element) -> None:
    place = _get_place(shape)
    if place in _TITLES and not slide.title:
        slide.title = _write_paragraphs(shape)
    elif place not in _REPEATED:
        slide.blocks.append(_write_paragraphs(shape))


def _get_place(shape: Element) -> str | None:
    """Which place of the layout it fills, if any."""
    place = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return None if place is None else place.get("type", "body")


def _write_notes(notes: Element) -> Iterator[str]:
    for shape in notes.iterfind(".//{*}sp"):
        if _get_place(shape) == "body" and (text := _write_paragraphs(shape)):
            yield f"Notes: {text}"


def _write_paragraphs(element: Element) -> str:
    lines = (_write_paragraph(paragraph) for paragraph in element.iterfind(".//{*}p"))
    return "\n".join(filter(None, lines))


def _write_paragraph(paragraph: Element) -> str:
    text = StringIO()
    for node in paragraph.iter():
        kind = get_name(node)
        if kind == "t":
            text.write(node.text or "")
        elif kind == "br":
            text.write("\n")
    return text.getvalue().strip()


def _write_table(table: Element) -> str:
    return "\n".join(
        write_row([" ".join(_write_paragraphs(cell).split()) for cell in row.iterfind("{*}tc")])
        for row in table.iterfind("{*}tr")
    )


def _write_chart(chart: Element) -> str:
    """Its title, and a line for each series with the values that were last seen in it."""
    lines = [_write_paragraphs(title) for title in chart.iterfind("{*}chart/{*}title")]
    for series in chart.iterfind(".//{*}ser"):
        name = " ".join(_list_points(series, "tx").values())
        names = _list_points(series, "cat") or _list_points(series, "xVal")
        values = _list_points(series, "val") or _list_points(series, "yVal")
        points = (f"{names.get(index, '')} {value}".strip() for index, value in values.items())
        lines.append(f"{name}: {', '.join(points)}")
    return "\n".join(filter(None, lines))


def _list_points(series: Element, role: str) -> dict[str | None, str]:
    points = series.iterfind(f"{{*}}{role}//{{*}}pt")
    return {point.get("idx"): point.findtext("{*}v", "") for point in points}
