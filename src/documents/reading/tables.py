"""Tables as text: a row is a line, and each passage knows what its columns are called.

Most passages of a table begin far below its first row, and say nothing without it. So the names of
the columns are the heading of all that stands under them.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import groupby
from typing import Final

from src.documents.reading.chunking import LONGEST_HEADING, Heading

Rows = Iterable[Sequence[str]]

_DELIMITERS: Final = ",;\t|"
_LONGEST_NAME: Final = 60
# With a letter and no addresses; years stand above columns, too.
_NAME: Final = re.compile(r"(?=.*[^\W\d_])(?!.*(?:@|://)).*|(?:19|20)\d\d")
_EXCELS_HINT: Final = re.compile(r"(?i)sep=.\r?\n")


def read_csv(text: str, *, delimiters: str = _DELIMITERS) -> tuple[str, list[Heading]]:
    """The text as it stands; its first record may name the columns."""
    start = hint.end() if (hint := _EXCELS_HINT.match(text)) else 0
    line, _, rest = text[start:].partition("\n")
    following = rest.partition("\n")[0]

    def rate(sign: str) -> tuple[bool, int]:
        return 0 < line.count(sign) == following.count(sign), line.count(sign)

    try:
        (cells,) = csv.reader([line], delimiter=max(delimiters, key=rate), strict=True)
    except (csv.Error, ValueError):  # Quotes that end in another line, or no line at all.
        return text, []
    names = name_columns(cells)
    return text, [Heading(len(text) - len(rest), 1, names)] if names and rest.strip() else []


def write_sheets(sheets: Iterable[tuple[str, Rows]]) -> tuple[str, list[Heading]]:
    """The sheets one below the other, each under its name; empty rows part its tables."""
    text, headings = StringIO(), list[Heading]()
    for name, rows in sheets:
        if title := " ".join(name.split()):
            headings.append(Heading(text.tell(), 1, title[:LONGEST_HEADING]))
            text.write(f"{title}\n\n")
        cleaned = ([" ".join(cell.split()) for cell in cells] for cells in rows)
        for is_table, table in groupby(cleaned, any):
            if is_table:
                headings += _write_table(text, table)
    return text.getvalue(), headings


def _write_table(text: StringIO, rows: Rows) -> Iterator[Heading]:
    """What stands alone in a row is a title above the table, or a remark below."""
    has_names, names = False, None
    for row in rows:
        if names:
            yield Heading(text.tell(), 2, names)
            names = None
        text.write(f"{write_row(row)}\n")
        if not has_names and sum(map(bool, row)) > 1:
            has_names, names = True, name_columns(row)
    text.write("\n")


def write_row(cells: Sequence[str]) -> str:
    """Parted as in HTML pages; empty cells count, but not those behind the last word."""
    last = next((n for n in range(len(cells), 0, -1) if cells[n - 1]), 0)
    return " | ".join(cells[:last])


def name_columns(cells: Iterable[str]) -> str | None:
    """What the columns of a table are called, if its first row says so, as far as one can see."""
    names = [" ".join(cell.split()) for cell in cells if cell.strip()]
    are_names = all(len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) for name in names)
    is_header = are_names and len(names) > 1 and len({*names}) == len(names)
    return ", ".join(names)[:LONGEST_HEADING] if is_header else None
