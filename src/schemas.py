"""The bases of every schema that crosses the API, keyset pages, and RFC 9457 problems."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticSerializationError, to_json

from src.exceptions import AppError, InvalidError

PROBLEM_MEDIA_TYPE = "application/problem+json"

ItemT = TypeVar("ItemT")
RowT = TypeVar("RowT")

Cursor = Annotated[str | None, Field(max_length=200, description="`next_cursor` of a former page.")]
# For text of which something has to be left without the white space around it.
VISIBLE: Any = Field(json_schema_extra={"pattern": r"\S"})
PageSize = Annotated[int, Field(ge=1, le=100, description="The most items to return.")]


class InvalidCursorError(InvalidError):
    code = "invalid_cursor"
    default_detail = "The cursor is not one that a former page returned."


class Schema(BaseModel):
    """What the API returns."""

    # A field with a default is always there, and the document says so.
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_serialization_defaults_required=True,
        hide_input_in_errors=True,
    )


def show_example(*, min_fields: int = 0, **fields: Any) -> ConfigDict:  # noqa: ANN401, any JSON
    """Give a body an example, which `/docs` offers to send instead of made-up ids."""
    least: dict[str, Any] = {"minProperties": min_fields} if min_fields else {}
    return ConfigDict(json_schema_extra={"examples": [fields], **least})


class InputSchema(BaseModel):
    """What a caller sends: a misspelt field is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


# JSON is written to 255 levels, and read by others to 200: what callers nest gets less.
_LEVELS_KEPT = 160


def check_writable(value: object, *, levels_kept: int = _LEVELS_KEPT) -> None:
    """Raise `ValueError` for what can be read as JSON and not written as such again."""
    wrapped: object = reduce(lambda inner, _: [inner], range(levels_kept), value)
    try:
        to_json(wrapped)
    except PydanticSerializationError as exc:
        raise ValueError("too deeply nested, or with half a Unicode character") from exc


class Page(Schema, Generic[ItemT]):
    """One page of a list; send `next_cursor` back as `cursor` for the next one."""

    items: list[ItemT]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name a page of `DocumentRead` `DocumentPage`."""
        return f"{params[0].__name__.removesuffix('Read')}Page"


def encode_cursor(moment: datetime, row_id: UUID) -> str:
    """Name the last row of a page ordered by a timestamp and, where those are equal, by id."""
    text = f"{moment.isoformat()}|{row_id.hex}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        moment, _, row_id = text.partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise InvalidCursorError
        return at.astimezone(UTC), UUID(row_id)
    except (binascii.Error, ValueError, OverflowError) as exc:
        raise InvalidCursorError from exc


def cut_page(
    rows: Sequence[RowT], limit: int, position: Callable[[RowT], tuple[datetime, UUID]]
) -> tuple[Sequence[RowT], str | None]:
    """Split `limit + 1` fetched rows into a page and, if there is more, the next cursor."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(*position(rows[limit - 1]))


class FieldProblem(Schema):
    """One field of a request that is not valid."""

    location: Annotated[str, Field(description="Where: `body.query`, `query.limit`.")]
    message: str


class Problem(Schema):
    """What went wrong, as `application/problem+json` (RFC 9457)."""

    type: Annotated[str, Field(description="A URI that names the kind of problem.")]
    title: str
    status: int
    detail: Annotated[str, Field(description="One sentence for a person.")]
    code: Annotated[str, Field(description="Stable; switch on this one.")]
    request_id: Annotated[str | None, Field(description="Quote it when you report the problem.")]
    errors: Annotated[
        list[FieldProblem] | None, Field(description="Which fields, where it is about fields.")
    ]

    @classmethod
    def from_error(
        cls, error: AppError, request_id: str | None, errors: list[FieldProblem] | None = None
    ) -> "Problem":
        return cls(
            type=f"urn:colloquy:problem:{error.code}",
            title=error.title,
            status=error.status,
            detail=error.detail,
            code=error.code,
            request_id=request_id,
            errors=errors,
        )


def problem_responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Document a route's errors, for its `responses=`; codes that share a status share an entry."""
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        line = f"`{error.code}`: {error.default_detail}"
        entry = responses.setdefault(error.status, {"description": ""})
        entry["description"] = f"{entry['description']}\n\n{line}".strip()
        entry["content"] = {
            PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
    return responses
