"""From what Ollama and httpx say when something fails, to the errors of `exceptions.py`.

Ollama's own words may name paths and addresses: they stay in the exception's cause, for the log.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from pydantic import ValidationError

from src.exceptions import AppError
from src.llm.exceptions import (
    RETRY_AFTER_SECONDS,
    ContextLengthExceededError,
    LLMFailedError,
    LLMInvalidResponseError,
    LLMTimedOutError,
    LLMUnavailableError,
    ModelCapabilityError,
    ModelNotFoundError,
)
from src.llm.ndjson import MalformedLineError

_BUSY = "The model server is busy. Try again in a few seconds."
_BROKEN_OFF = "The connection to the model server broke off. Try again."
_ACCESS_DENIED = "The model server refuses access. Check OLLAMA_API_KEY, then try again."
_CONTEXT_PHRASES = ("exceed_context_size", "context length", "context size")
_MAX_RETRY_AFTER_SECONDS = 3600


class OllamaReplyError(Exception):
    """Ollama reported a failure, in its own words.

    `message` is None when the body is not one of Ollama's: a proxy or another server spoke.
    """

    def __init__(
        self, status: int, message: str | None, *, retry_after_seconds: int = RETRY_AFTER_SECONDS
    ) -> None:
        self.status = status
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{status}: {message or 'no message'}")


def read_error(status: int, body: bytes, retry_after: str | None = None) -> OllamaReplyError:
    return OllamaReplyError(
        status, _read_message(body), retry_after_seconds=_read_retry_after(retry_after)
    )


@contextmanager
def map_upstream_errors(model: str | None = None) -> Iterator[None]:
    """Raise the errors of this module instead of the vendor's; `model` is the one asked for."""
    try:
        yield
    except OllamaReplyError as exc:
        raise _map_reply(exc, model) from exc
    except (TimeoutError, httpx.TimeoutException) as exc:
        raise _map_timeout(exc) from exc
    except httpx.ConnectError as exc:
        raise LLMUnavailableError from exc
    except (httpx.DecodingError, httpx.TooManyRedirects) as exc:
        raise LLMInvalidResponseError from exc
    except httpx.RequestError as exc:
        raise LLMUnavailableError(_BROKEN_OFF) from exc
    except (ValidationError, MalformedLineError) as exc:
        raise LLMInvalidResponseError from exc


def _map_timeout(exc: TimeoutError | httpx.TimeoutException) -> AppError:
    if isinstance(exc, httpx.ConnectTimeout):
        return LLMUnavailableError()
    if isinstance(exc, httpx.PoolTimeout):
        return LLMUnavailableError(_BUSY)
    return LLMTimedOutError()


def _map_reply(reply: OllamaReplyError, model: str | None) -> AppError:
    message = (reply.message or "").lower()
    if any(phrase in message for phrase in _CONTEXT_PHRASES):
        return ContextLengthExceededError()
    if "does not support" in message or reply.status == httpx.codes.NOT_IMPLEMENTED:
        return ModelCapabilityError()
    return _map_status(reply, model)


def _map_status(reply: OllamaReplyError, model: str | None) -> AppError:
    match reply.status:
        case 404 if model is not None and reply.message is not None:
            return ModelNotFoundError(model)
        case 401 | 403:
            return LLMUnavailableError(_ACCESS_DENIED)
        case 429 | 502 | 503:
            return LLMUnavailableError(_BUSY, retry_after_seconds=reply.retry_after_seconds)
        case 504:
            return LLMTimedOutError()
        case status if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return LLMFailedError()
        case _:
            return LLMInvalidResponseError()


def _read_message(body: bytes) -> str | None:
    """Find the innermost `error`: Ollama may wrap the JSON text of its runner in its own."""
    message: str | None = None
    text: str | bytes = body
    while (error := _read_error_field(text)) is not None:
        message = text = error
    return message


def _read_error_field(text: str | bytes) -> str | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    error = value.get("error") if isinstance(value, dict) else None
    if error is None or isinstance(error, str):
        return error
    return json.dumps(error)


def _read_retry_after(value: str | None) -> int:
    """Read the header's seconds; its other form, a date, is not worth a clock."""
    if value is None or not (value.isascii() and value.isdigit()):
        return RETRY_AFTER_SECONDS
    return min(int(value[:9]), _MAX_RETRY_AFTER_SECONDS)
