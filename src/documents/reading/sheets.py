"""The cells of Excel files (ECMA-376, part 1, section 18), as far as they say something.

The vendor drops a whole sheet, without a word, where one cell stands far below the others.
"""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from src.documents.reading.archives import Archive
from src.documents.reading.office import get_name, get_relation, list_relations

ValueT = TypeVar("ValueT")

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_WORKBOOK: Final = "xl/workbook.xml"
_STRINGS: Final = "xl/sharedStrings.xml"
_STYLES: Final = "xl/styles.xml"
_PLACE: Final = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}")
# In wider gaps nobody counts the columns.
_WIDEST_GAP: Final = 8
# Half of a character, which UTF-16 can hold, is none.
_ESCAPED: Final = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")
_SPOKEN: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|(?i:general)')
_DATE_SIGN: Final = re.compile(r"(?i)[dmyhs]")
# Day 60 is 29 February 1900, which never was; nearly all dates are later.
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001, a sheet has no time zone
_EPOCH_OF_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001, the same
_MOST_DAYS: Final = 2_958_465


class _Format(Enum):
    PLAIN = auto()
    DATE = auto()
    PERCENT = auto()


# Section 18.8.30: those that no file spells out.
_KNOWN_FORMATS: Final = {
    **dict.fromkeys(("9", "10"), _Format.PERCENT),
    **dict.fromkeys(map(str, (*range(14, 23), *range(27, 37), *range(45, 48))), _Format.DATE),
    **dict.fromkeys(map(str, range(50, 59)), _Format.DATE),
}


def read_sheets(content: bytes) -> Iterator[tuple[str, Iterator[Sequence[str]]]]:
    """Yield the names of sheets and their rows, of which an empty one stands for several.

    Raises `BrokenArchiveError`, now or when a sheet is read, for what is no workbook.
    """
    archive = Archive(content)
    workbook = archive.read_xml(_WORKBOOK)
    parts, cells = list_relations(archive, _WORKBOOK), _Cells(archive, workbook)
    for sheet in workbook.iterfind("{*}sheets/{*}sheet"):
        part = parts.get(get_relation(sheet), "")
        if part in archive:
            yield sheet.get("name", ""), _read_rows(archive, part, cells)


def _read_rows(archive: Archive, part: str, cells: "_Cells") -> Iterator[Sequence[str]]:
    expected = 1
    for row in archive.iterate_xml(part, "row"):
        number = int(place) if (place := row.get("r", "")).isdecimal() else expected
        if number > expected:
            yield ()
        expected = number + 1
        yield cells.read_row(row)


class _Cells:
    """Reads cells, which refer to the texts and formats of the whole workbook."""

    def __init__(self, archive: Archive, workbook: Element) -> None:
        properties = workbook.find("{*}workbookPr")
        is_of_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self._epoch = _EPOCH_OF_1904 if is_of_1904 else _EPOCH
        self._strings: list[str] = []
        self._formats: list[_Format] = []
        if _STRINGS in archive:
            self._strings = [_join_runs(item) for item in archive.iterate_xml(_STRINGS, "si")]
        if _STYLES in archive:
            self._formats = [*_list_formats(archive.read_xml(_STYLES))]

    def read_row(self, row: Element) -> Sequence[str]:
        texts: list[str] = []
        expected = 0
        for cell in row:
            text = self._read(cell)
            column = _get_column(cell.get("r", ""), expected)
            if text:
                texts += [""] * min(column - expected, _WIDEST_GAP)
                texts.append(text)
                expected = column + 1
        return texts

    def _read(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        parts = {get_name(part): part for part in cell}
        value = parts["v"].text if "v" in parts else None
        if "is" in parts:
            return _join_runs(parts["is"])
        if value is None:  # Nobody has calculated it yet.
            return f"={parts['f'].text}" if "f" in parts else ""
        if kind == "s":
            return _get(self._strings, value, value)
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n":
            return self._write_number(value, _get(self._formats, cell.get("s", ""), _Format.PLAIN))
        return _unescape(value)

    def _write_number(self, value: str, written_as: _Format) -> str:
        try:
            number = float(value)
        except ValueError:
            return value
        if written_as is _Format.PERCENT and math.isfinite(number):
            return f"{number * 100:.10g}%"
        if written_as is _Format.DATE and 0 <= number <= _MOST_DAYS:
            return self._write_date(number)
        return f"{number:.15g}"  # As many digits as Excel keeps; files hold the noise behind them.

    def _write_date(self, days: float) -> str:
        moment = self._epoch + timedelta(seconds=round(days * 86_400))
        if days < 1:
            return moment.time().isoformat()
        return moment.date().isoformat() if days == int(days) else moment.isoformat(sep=" ")


def _list_formats(styles: Element) -> Iterator[_Format]:
    named = {
        entry.get("numFmtId", ""): _judge(entry.get("formatCode", ""))
        for entry in styles.iterfind("{*}numFmts/{*}numFmt")
    }
    for entry in styles.iterfind("{*}cellXfs/{*}xf"):
        number = entry.get("numFmtId", "")
        yield named.get(number) or _KNOWN_FORMATS.get(number, _Format.PLAIN)


def _judge(code: str) -> _Format:
    signs = _SPOKEN.sub("", code)
    if "%" in signs:
        return _Format.PERCENT
    return _Format.DATE if _DATE_SIGN.search(signs) else _Format.PLAIN


def _get(values: Sequence[ValueT], index: str, default: ValueT) -> ValueT:
    return values[int(index)] if index.isdecimal() and int(index) < len(values) else default


def _get_column(place: str, expected: int) -> int:
    """`A` is 0. Columns go from left to right; what says otherwise is where it stands."""
    column = -1
    if found := _PLACE.fullmatch(place):
        for letter in found[1]:
            column = 26 * (column + 1) + ord(letter) - ord("A")
    return max(column, expected)


def _join_runs(item: Element) -> str:
    """The text of all runs, without how it is pronounced."""
    texts = (
        part.text if get_name(part) == "t" else part.findtext("{*}t")
        for part in item
        if get_name(part) in ("r", "t")
    )
    return _unescape("".join(filter(None, texts)))


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
