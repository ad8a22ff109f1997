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

from src.documents.reading.archives import Archive, get_name
from src.documents.reading.office import find_main_part, find_part, follow, list_relations

ValueT = TypeVar("ValueT")

_PLACE: Final = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}")
# Python refuses to read numbers of thousands of digits.
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
# In wider gaps nobody counts the columns.
_WIDEST_GAP: Final = 64
# Half of a character, which UTF-16 can hold, is none.
_ESCAPED: Final = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")
_SPOKEN: Final = re.compile(r'"[^"]*"|[\\_*].|\[[^\[\]]*\]|(?i:general)')
_ELAPSED: Final = re.compile(r"(?i)\[(?:h+|m+|s+)\]")
_DATE_SIGN: Final = re.compile(r"(?i)[dmyhs]")
_INTEGER: Final = re.compile(r"-?[0-9]+")
# Day 60 is 29 February 1900, which never was; nearly all dates are later.
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001, a sheet has no time zone
_EPOCH_OF_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001, the same
_MOST_DAYS: Final = 2_957_003  # From 1904 to the end of 9999.
_TRUE: Final = ("1", "true")


class _Format(Enum):
    PLAIN = auto()
    DATE = auto()
    DURATION = auto()
    PERCENT = auto()


# Section 18.8.30: those that no file spells out.
_KNOWN_FORMATS: Final = {
    **dict.fromkeys(("9", "10"), _Format.PERCENT),
    **dict.fromkeys(
        map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))), _Format.DATE
    ),
    "46": _Format.DURATION,
}


def read_sheets(content: bytes) -> Iterator[tuple[str, Iterator[Sequence[str]]]]:
    """Yield the names of sheets and their rows, of which an empty one stands for several.

    Raises `BrokenArchiveError`, now or when a sheet is read, for what is no workbook.
    """
    archive = Archive(content)
    main_part = find_main_part(archive)
    workbook, relations = archive.read_xml(main_part), list_relations(archive, main_part)
    cells = _Cells(archive, main_part, workbook)
    for sheet in workbook.iterfind("{*}sheets/{*}sheet"):
        if (part := follow(relations, sheet)) in archive:
            yield sheet.get("name", ""), _read_rows(archive, part, cells)


def _read_rows(archive: Archive, part: str, cells: "_Cells") -> Iterator[Sequence[str]]:
    expected = 1
    for row in archive.iterate_xml(part, "row"):
        place = row.get("r", "")
        number = int(place) if _NUMBER.fullmatch(place) else expected
        if number > expected:
            yield ()
        expected = number + 1
        yield cells.read_row(row)


class _Cells:
    """Reads cells, which refer to the texts and formats of the whole workbook."""

    def __init__(self, archive: Archive, main_part: str, workbook: Element) -> None:
        properties = workbook.find("{*}workbookPr")
        is_of_1904 = properties is not None and properties.get("date1904") in _TRUE
        self._epoch = _EPOCH_OF_1904 if is_of_1904 else _EPOCH
        self._strings: list[str] = []
        self._formats: list[_Format] = []
        if strings := find_part(archive, main_part, "sharedStrings"):
            self._strings = [_join_runs(item) for item in archive.iterate_xml(strings, "si")]
        if styles := find_part(archive, main_part, "styles"):
            self._formats = [*_list_formats(archive.read_xml(styles))]

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
        if "is" in parts:
            return _join_runs(parts["is"])
        value = parts["v"].text if "v" in parts else None
        if value is None:  # Nobody has calculated it yet, unless it is an empty text.
            formula = parts["f"].text if "f" in parts and kind != "str" else None
            return f"={formula}" if formula else ""
        if kind == "s":
            return _look_up(self._strings, value, value)
        if kind == "b":
            return "TRUE" if value in _TRUE else "FALSE"
        if kind == "n":
            return self._write_number(
                value, _look_up(self._formats, cell.get("s", ""), _Format.PLAIN)
            )
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
        if written_as is _Format.DURATION and abs(number) <= _MOST_DAYS:
            return _write_duration(number)
        if _INTEGER.fullmatch(value):
            return value
        return f"{number:.15g}"  # As many digits as Excel keeps; files hold the noise behind them.

    def _write_date(self, days: float) -> str:
        moment = self._epoch + timedelta(seconds=round(days * 86_400))
        if days < 1:
            return moment.time().isoformat()
        return moment.date().isoformat() if days == int(days) else moment.isoformat(sep=" ")


def _write_duration(days: float) -> str:
    minutes, seconds = divmod(round(abs(days) * 86_400), 60)
    return f"{'-' * (days < 0)}{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _list_formats(styles: Element) -> Iterator[_Format]:
    named = {
        entry.get("numFmtId", ""): _classify(entry.get("formatCode", ""))
        for entry in styles.iterfind("{*}numFmts/{*}numFmt")
    }
    for entry in styles.iterfind("{*}cellXfs/{*}xf"):
        number = entry.get("numFmtId", "")
        yield named.get(number) or _KNOWN_FORMATS.get(number, _Format.PLAIN)


def _classify(code: str) -> _Format:
    if _ELAPSED.search(code):
        return _Format.DURATION
    signs = _SPOKEN.sub("", code)
    if "%" in signs:
        return _Format.PERCENT
    return _Format.DATE if _DATE_SIGN.search(signs) else _Format.PLAIN


def _look_up(values: Sequence[ValueT], index: str, default: ValueT) -> ValueT:
    return values[int(index)] if _NUMBER.fullmatch(index) and int(index) < len(values) else default


def _get_column(place: str, expected: int) -> int:
    """`A` is 0. A cell without a place, or with one further left, follows the one before it."""
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
