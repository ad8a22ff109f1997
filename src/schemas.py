"""The bases of every schema that crosses the API."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

ItemT = TypeVar("ItemT")


class Schema(BaseModel):
    """What a caller sends or gets. Unknown fields of a request are refused by `InputSchema`."""

    model_config = ConfigDict(from_attributes=True)


class InputSchema(Schema):
    """A request body: a misspelt field is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid")


class Page(Schema, Generic[ItemT]):
    """One page of a keyset-paged list; send `next_cursor` back as `cursor` for the next one."""

    items: list[ItemT]
    next_cursor: Annotated[str | None, Field(description="Null on the last page.")]
