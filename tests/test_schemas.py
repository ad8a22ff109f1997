import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest

from src.schemas import InvalidCursorError, decode_cursor, encode_cursor

ID = UUID(int=7)


def test_a_cursor_comes_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert decode_cursor(encode_cursor(moment, ID)) == (moment, ID)


@pytest.mark.parametrize(
    "text",
    [
        f"2026-01-02T03:04:05|{ID.hex}",  # Of no time zone.
        f"0001-01-01T00:00:00+14:00|{ID.hex}",  # Before the first year there is.
        f"9999-12-31T23:59:59-14:00|{ID.hex}",
        "2026-01-02T03:04:05+00:00|7",
        "2026-01-02T03:04:05+00:00",
        "\xff",
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    with pytest.raises(InvalidCursorError):
        decode_cursor(cursor)
