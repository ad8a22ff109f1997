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


def read_csv(text: str) -> tuple[str, list[Heading]]:
    """The text as it stands; its first record may name the columns."""
    start = hint.end() if (hint := _EXCELS_HINT.match(text)) else 0
    line, _, rest = text[start:].partition("\n")
    try:
        (cells,) = csv.reader([line], delimiter=max(_DELIMITERS, key=line.count), strict=True)
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
        for lines, names, body in _split_tables(rows):
            text.writelines(lines[:body])
            if names and body < len(lines):
                headings.append(Heading(text.tell(), 2, names))
            text.writelines([*lines[body:], "\n"])
    return text.getvalue(), headings


def _split_tables(rows: Rows) -> Iterator[tuple[list[str], str | None, int]]:
    """Yield for each table its lines, what its columns are called, and where its body begins.

    What stands alone in a row is a title above it, or a remark below.
    """
    cleaned = ([" ".join(cell.split()) for cell in cells] for cells in rows)
    for is_table, table in groupby(cleaned, any):
        if is_table:
            rows_of_it = [*table]
            body = next((n for n, row in enumerate(rows_of_it, 1) if sum(map(bool, row)) > 1), 0)
            lines = [write_row(row) + "\n" for row in rows_of_it]
            yield lines, name_columns(rows_of_it[body - 1]), body


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
