"""Turns errors into `application/problem+json`, or into OpenAI's errors for callers of its API.

Nothing else writes an error body, but for what is refused before there is a request: see `protocol`
and `HostMiddleware`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from src.chat.openai.schemas import ErrorOut, is_worth_retrying
from src.exceptions import (
    AppError,
    BadRequestError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnauthenticatedError,
)
from src.routes import RouteTable
from src.schemas import PROBLEM_MEDIA_TYPE, FieldProblem, Problem

log = structlog.get_logger(__name__)


class MalformedJSONError(InvalidError):
    code = "malformed_json"
    default_detail = "The body is not valid JSON."


class MalformedBodyError(InvalidError):
    code = "malformed_body"
    default_detail = "The body is not well-formed."


class MethodNotAllowedError(BadRequestError):
    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    default_detail = "This address does not answer to that method."


_OPENAI_PREFIX = "/v1/"

# The framework says 400 to a body that it cannot parse; to us that is a malformed payload.
_BY_STATUS: dict[int, type[AppError]] = {
    400: MalformedBodyError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    413: TooLargeError,
}


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(AppError, _handle_app_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_framework_error)
    app.add_exception_handler(Exception, _handle_unexpected_error)


def render_problem(
    request: Request, error: AppError, errors: list[FieldProblem] | None = None
) -> JSONResponse:
    headers = error.headers
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooLargeError):
        headers["Connection"] = "close"  # Or the server would go on reading what it refused.
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if request.url.path.startswith(_OPENAI_PREFIX):
        return _render_openai_error(error, headers, errors)
    problem = Problem.from_error(error, getattr(request.state, "request_id", None), errors)
    return JSONResponse(
        problem.model_dump(mode="json"),
        status_code=error.status,
        headers=headers,
        media_type=PROBLEM_MEDIA_TYPE,
    )


def _render_openai_error(
    error: AppError, headers: Mapping[str, str], errors: list[FieldProblem] | None
) -> JSONResponse:
    """Its clients retry on their own, so they are told when that only makes things worse."""
    param = errors[0].location.removeprefix("body.") if errors else None
    return JSONResponse(
        ErrorOut.from_error(error, param).model_dump(),
        status_code=400 if error.status == InvalidError.status else error.status,
        headers={**headers, "x-should-retry": str(is_worth_retrying(error)).lower()},
    )


async def _handle_app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101, registered for this type alone
    if error.status >= 500:  # noqa: PLR2004, the first server error of RFC 9110
        log.warning("request failed", code=error.code, exc_info=error)
    return render_problem(request, error)


async def _handle_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101, registered for this type alone
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return render_problem(request, MalformedJSONError())
    fields = _describe_fields(problems)
    detail = "; ".join(f"{field.location}: {field.message}" for field in fields[:3])
    return render_problem(request, InvalidError(detail), fields)


async def _handle_framework_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101, registered for this type alone
    if isinstance(error.__cause__, AppError):  # What went wrong while the body was read.
        return render_problem(request, error.__cause__)
    known = _BY_STATUS.get(error.status_code, BadRequestError)
    response = render_problem(request, known())
    response.headers.update(error.headers or {})
    if known is MethodNotAllowedError:  # The framework names those of the first route alone.
        routes: RouteTable = request.app.state.routes
        response.headers["Allow"] = ", ".join(routes.list_methods(request.url.path))
    return response


async def _handle_unexpected_error(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    return render_problem(request, AppError())


def _describe_fields(problems: Sequence[Any]) -> list[FieldProblem]:
    return [
        FieldProblem(
            location=".".join(str(part) for part in problem["loc"]), message=problem["msg"]
        )
        for problem in problems
    ]
