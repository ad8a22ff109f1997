"""The text of PowerPoint files (ECMA-376), slide by slide: with notes, tables, charts and diagrams.

The vendor loses charts and diagrams, and miscounts the slides behind one with notes.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Final
from xml.etree.ElementTree import Element

from src.documents.reading.archives import Archive, get_name
from src.documents.reading.chunking import LONGEST_HEADING, Heading, PageStart
from src.documents.reading.office import find_main_part, find_part, follow, list_relations
from src.documents.reading.tables import write_row

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
        if title := " ".join(slide.title.split()) or str(slide).partition("\n")[0]:
            headings.append(Heading(text.tell(), 1, title[:LONGEST_HEADING]))
            text.write(f"{slide}\n\n")
    return text.getvalue(), headings, pages


def _list_slides(archive: Archive) -> Iterator[str]:
    presentation = find_main_part(archive)
    relations = list_relations(archive, presentation)
    for entry in archive.read_xml(presentation).iterfind("{*}sldIdLst/{*}sldId"):
        if (part := follow(relations, entry)) in archive:
            yield part


def _read_slide(archive: Archive, name: str) -> _Slide:
    slide, relations = _Slide(), list_relations(archive, name)
    for element in _walk(archive.read_xml(name), _SOURCES):
        kind = get_name(element)
        if kind == "sp":
            _add_shape(slide, element)
        elif kind == "tbl":
            slide.blocks.append(_write_table(element))
        elif kind == "chart" and (chart := follow(relations, element)) in archive:
            slide.blocks.append(_write_chart(archive.read_xml(chart)))
        elif kind == "relIds" and (diagram := follow(relations, element, "dm")) in archive:
            slide.blocks.append(_write_paragraphs(archive.read_xml(diagram)))
    if notes := find_part(archive, name, "notesSlide"):
        slide.blocks += _write_notes(archive.read_xml(notes))
    return slide


def _walk(root: Element, kinds: Collection[str]) -> Iterator[Element]:
    """Yield the elements of these kinds that stand in no other of them, in their order.

    Of two forms of a thing only the newer one counts.
    """
    waiting = [root]
    while waiting:
        element = waiting.pop()
        kind = get_name(element)
        if kind in kinds:
            yield element
        elif kind != "Fallback":
            waiting.extend(reversed(element))


def _add_shape(slide: _Slide, shape: Element) -> None:
    place = _get_placeholder(shape)
    if place in _TITLES and not slide.title:
        slide.title = _write_paragraphs(shape)
    elif place not in _REPEATED:
        slide.blocks.append(_write_paragraphs(shape))


def _get_placeholder(shape: Element) -> str | None:
    """Which placeholder of the layout it fills, where it says so; most are text like any other."""
    place = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
    return None if place is None else place.get("type")


def _write_notes(notes: Element) -> Iterator[str]:
    for shape in _walk(notes, {"sp"}):
        if _get_placeholder(shape) not in _REPEATED and (text := _write_paragraphs(shape)):
            yield f"Notes: {text}"


def _write_paragraphs(element: Element) -> str:
    lines = (_write_paragraph(paragraph) for paragraph in _walk(element, {"p"}))
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
    """Its titles, and a line for each series with the values that were last seen in it."""
    lines = []
    for series in _walk(chart, {"title", "ser"}):
        if get_name(series) == "title":
            lines.append(_write_paragraphs(series))
            continue
        name = series.findtext("{*}tx/{*}v") or " ".join(_list_points(series, "tx").values())
        names = _list_points(series, "cat") or _list_points(series, "xVal")
        values = _list_points(series, "val") or _list_points(series, "yVal")
        points = (f"{names.get(index, '')} {value}".strip() for index, value in values.items())
        lines.append(f"{name}: {', '.join(points)}")
    return "\n".join(filter(None, lines))


def _list_points(series: Element, role: str) -> dict[str | None, str]:
    """By their numbers. Names of several levels begin with the innermost."""
    points: dict[str | None, list[str]] = {}
    for point in series.iterfind(f"{{*}}{role}//{{*}}pt"):
        points.setdefault(point.get("idx"), []).append(point.findtext("{*}v", ""))
    return {index: " ".join(reversed(texts)) for index, texts in points.items()}
