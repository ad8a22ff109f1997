"""The OpenAPI document, where it says more or something else than FastAPI reads off the routes.

Clients are generated from it: what crosses the WebSocket has its schemas here too, and no
operation lists an answer that it never gives.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from src.chat.frames import SocketCommand, SocketFrame

JSON = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{model}"
_SOCKET: Final[tuple[tuple[str, Any, JsonSchemaMode], ...]] = (
    ("SocketCommand", SocketCommand, "validation"),
    ("SocketFrame", SocketFrame, "serialization"),
)
_FRAMEWORK_ERRORS: Final = ("HTTPValidationError", "ValidationError")


class DescribedAPI(FastAPI):
    def openapi(self) -> JSON:
        if self.openapi_schema is None:
            self.openapi_schema = _amend(super().openapi())
        return super().openapi()


def _amend(document: JSON) -> JSON:
    schemas: JSON = document["components"]["schemas"]
    for operation in _iter_operations(document):
        _drop_framework_error(operation["responses"])
        for response in operation["responses"].values():
            _drop_text_beside_events(response)
    for name in _FRAMEWORK_ERRORS:
        schemas.pop(name, None)
    _add_socket_schemas(schemas)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return _rename_pages(document)


def _add_socket_schemas(schemas: JSON) -> None:
    for name, alias, mode in _SOCKET:
        schema = TypeAdapter(alias).json_schema(mode=mode, ref_template=_REFERENCE)
        for part, definition in schema.pop("$defs").items():
            schemas.setdefault(part, definition)
        schemas[name] = schema


def _rename_pages(document: JSON) -> JSON:
    """Call `Page_DocumentRead_` what its title says: `DocumentPage`."""
    text = json.dumps(document)
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("Page_"):
            text = text.replace(name, schema["title"])
    renamed: JSON = json.loads(text)
    return renamed


def _iter_operations(document: JSON) -> Iterator[JSON]:
    for operations in document["paths"].values():
        yield from operations.values()


def _drop_framework_error(responses: JSON) -> None:
    """OpenAI's API answers 400, never 422, and does not have the framework's shape of errors."""
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]


def _drop_text_beside_events(response: JSON) -> None:
    """FastAPI calls a stream a string, also where its events have a schema."""
    for content in response.get("content", {}).values():
        if "$ref" in content.get("schema", {}):
            content["schema"].pop("type", None)
