"""The OpenAPI document, where it says more or something else than FastAPI reads off the routes.

Clients are generated from it: what crosses the WebSocket has its schemas here too, and no
operation lists an answer that it never gives.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from src.access import ACCESS
from src.chat.frames import SocketCommand, SocketFrame
from src.database import AccountGoneError, DatabaseUnavailableError, UnstorableValueError
from src.error_handlers import MalformedBodyError, MalformedJSONError, MethodNotAllowedError
from src.exceptions import AppError, InvalidError, NotFoundError, TooLargeError
from src.middleware import TooDeepError, UnknownHostError
from src.protocol import (
    HeadersTooLargeError,
    MalformedRequestError,
    RequestTooSlowError,
    URLTooLongError,
)
from src.schemas import problem_responses

JSON = dict[str, Any]

TAGS: Final = [
    {"name": "health", "description": "For whoever runs the server."},
    {"name": "auth", "description": "Accounts, logins, API keys, and what happened to them."},
    {
        "name": "documents",
        "description": "Upload documents, follow their processing, search.",
    },
    {
        "name": "chat",
        "description": "Ask, follow answers and stop them; chats and their branches.",
    },
    {"name": "llm", "description": "Models, embeddings and what they cost."},
    {"name": "openai", "description": "The API of OpenAI, for programs that speak it."},
]

_REFERENCE: Final = "#/components/schemas/{model}"
_SOCKET: Final[tuple[tuple[str, Any, JsonSchemaMode], ...]] = (
    ("SocketCommand", SocketCommand, "validation"),
    ("SocketFrame", SocketFrame, "serialization"),
)
_SECURITY_SCHEMES: Final = {
    "bearer": {
        "type": "oauth2",
        "description": "An access token, or an API key.",
        "flows": {
            "password": {
                "tokenUrl": "/api/v1/auth/token",
                "refreshUrl": "/api/v1/auth/refresh",
                "scopes": {},
            }
        },
    },
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
# Said before an operation is found or its input is understood.
_ANYWHERE: Final[tuple[type[AppError], ...]] = (
    AccountGoneError,
    AppError,
    HeadersTooLargeError,
    MalformedBodyError,
    MalformedJSONError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
    RequestTooSlowError,
    TooDeepError,
    URLTooLongError,
    UnknownHostError,
    UnstorableValueError,
)
_CODE: Final = re.compile(r"^`(\w+)`: ", re.MULTILINE)
_FRAMEWORK_ERRORS: Final = ("HTTPValidationError", "ValidationError")


class DescribedAPI(FastAPI):
    def openapi(self) -> JSON:
        if self.openapi_schema is None:
            self.openapi_schema = _amend(super().openapi())
        return super().openapi()


def _amend(document: JSON) -> JSON:
    schemas: JSON = document["components"]["schemas"]
    for path, operation in _iter_operations(document):
        _drop_framework_error(operation["responses"])
        for parameter in operation.get("parameters", []):
            _drop_null(parameter)
        for response in operation["responses"].values():
            _drop_text_beside_events(response)
        if ACCESS[operation["operationId"]].who != "public":
            operation["security"] = [{name: []} for name in _SECURITY_SCHEMES]
        if path.startswith("/api/"):
            _complete_errors(operation)
    for name in _FRAMEWORK_ERRORS:
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    _add_socket_schemas(schemas)
    schemas["ErrorCode"] = _describe_codes(document)
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


def _describe_codes(document: JSON) -> JSON:
    """List every code that an operation documents or anything answers, for clients to switch on."""
    codes = {error.code for error in _ANYWHERE}
    for _, operation in _iter_operations(document):
        for response in operation["responses"].values():
            codes.update(_CODE.findall(response["description"]))
    return {
        "type": "string",
        "enum": sorted(codes),
        "description": "What `Problem.code` can be; a newer server may have more.",
    }


def _iter_operations(document: JSON) -> Iterator[tuple[str, JSON]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _complete_errors(operation: JSON) -> None:
    """Add how the table of access turns callers away, and what any operation may answer."""
    responses: JSON = operation["responses"]
    for error in ACCESS[operation["operationId"]].list_errors():
        _add_error(responses, error)
    if "requestBody" in operation or "parameters" in operation:
        _add_error(responses, InvalidError)
    else:
        responses.pop("422", None)
    if "requestBody" in operation:
        _add_error(responses, TooLargeError)
    _add_error(responses, DatabaseUnavailableError)
    operation["responses"] = dict(sorted(responses.items()))


def _add_error(responses: JSON, error: type[AppError]) -> None:
    entry = problem_responses(error)[error.status]
    known = responses.setdefault(str(error.status), entry)
    if f"`{error.code}`" not in known["description"]:
        known["description"] += f"\n\n{entry['description']}"


def _drop_null(parameter: JSON) -> None:
    """A header is left out; it has no way to be null."""
    if parameter["in"] == "header" and "anyOf" in parameter["schema"]:
        [kind] = [each for each in parameter["schema"].pop("anyOf") if each != {"type": "null"}]
        parameter["schema"] |= kind


def _drop_framework_error(responses: JSON) -> None:
    """OpenAI's API answers 400, never 422, and does not have the framework's shape of errors."""
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]


def _drop_text_beside_events(response: JSON) -> None:
    """FastAPI calls a stream a string, also where its events have a schema."""
    for content in response.get("content", {}).values():
        if "$ref" in content.get("schema", {}):
            content["schema"].pop("type", None)
