"""Bodies of requests, and how the offline server refuses the wrong ones."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from src.llm.offline.encoding import ObjectResponse

BodyT = TypeVar("BodyT", bound=BaseModel)


class RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


async def read_body(request: Request, schema: type[BodyT]) -> BodyT:
    """Read JSON whatever the content type says, as Ollama does."""
    body = await request.body()
    if not body:
        raise RefusedError(400, "missing request body")
    try:
        return schema.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise RefusedError(400, f"json: cannot unmarshal {where}: {first['msg']}") from exc


async def answer_refusal(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, RefusedError):
        raise exc
    return ObjectResponse({"error": exc.message}, exc.status)


async def answer_not_found(_request: Request, _exc: Exception) -> Response:
    """Answer an unknown path in plain text, as the router of Ollama does."""
    return PlainTextResponse("404 page not found", 404)


async def answer_method_not_allowed(_request: Request, _exc: Exception) -> Response:
    return PlainTextResponse("405 method not allowed", 405)
