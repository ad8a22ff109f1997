import json

import httpx
import pytest

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
from src.llm.upstream_errors import map_upstream_errors, read_error


def map_error(exc: Exception, model: str | None = "m") -> AppError:
    with pytest.raises(AppError) as caught, map_upstream_errors(model):
        raise exc
    assert caught.value.__cause__ is exc
    return caught.value


def body(error: object) -> bytes:
    return json.dumps({"error": error}).encode()


NESTED = json.dumps({"error": {"code": 400, "type": "exceed_context_size_error"}})


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (400, body("json: cannot unmarshal"), LLMInvalidResponseError),
        (400, body("the input length exceeds the context length"), ContextLengthExceededError),
        (400, body(NESTED), ContextLengthExceededError),
        (500, body({"type": "exceed_context_size_error"}), ContextLengthExceededError),
        (400, body('"m" does not support chat'), ModelCapabilityError),
        (401, body("unauthorized"), LLMUnavailableError),
        (403, b"", LLMUnavailableError),
        (404, body("model 'm' not found"), ModelNotFoundError),
        (404, b"404 page not found", LLMInvalidResponseError),
        (429, b"", LLMUnavailableError),
        (500, body("unexpectedly stopped"), LLMFailedError),
        (500, b"[1]", LLMFailedError),
        (500, b"[" * 100_000, LLMFailedError),
        (501, body("not supported"), ModelCapabilityError),
        (502, b"<h1>Bad Gateway</h1>", LLMUnavailableError),
        (503, body("server busy"), LLMUnavailableError),
        (504, b"<h1>Gateway Timeout</h1>", LLMTimedOutError),
    ],
)
def test_statuses(status: int, content: bytes, expected: type[AppError]) -> None:
    assert type(map_error(read_error(status, content))) is expected


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (TimeoutError(), LLMTimedOutError),
        (httpx.ReadTimeout(""), LLMTimedOutError),
        (httpx.ConnectTimeout(""), LLMUnavailableError),
        (httpx.PoolTimeout(""), LLMUnavailableError),
        (httpx.ConnectError(""), LLMUnavailableError),
        (httpx.ReadError(""), LLMUnavailableError),
        (httpx.RemoteProtocolError(""), LLMUnavailableError),
        (httpx.DecodingError(""), LLMInvalidResponseError),
    ],
)
def test_transport_errors(exc: Exception, expected: type[AppError]) -> None:
    assert type(map_error(exc)) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7), ("999999999999", 3600), ("Wed, 21 Oct 2015 07:28:00 GMT", 5), (None, 5), ("²", 5)],
)
def test_retry_after_is_passed_on(header: str | None, expected: int) -> None:
    assert map_error(read_error(503, b"", header)).retry_after_seconds == expected


def test_unreachable_says_when_to_come_back() -> None:
    assert map_error(httpx.ConnectError("")).retry_after_seconds == RETRY_AFTER_SECONDS


def test_no_model_is_missing_when_none_was_asked_for() -> None:
    assert type(map_error(read_error(404, body("?")), model=None)) is LLMInvalidResponseError


def test_a_missing_model_is_named_with_its_remedy() -> None:
    detail = map_error(read_error(404, body("gone")), model="qwen3").detail
    assert "'qwen3'" in detail
    assert "`ollama pull qwen3`" in detail


def test_ollamas_own_words_stay_inside() -> None:
    error = map_error(read_error(500, body("open /root/.ollama/models/x: denied")))
    assert "/root" not in error.detail
    assert "/root" in str(error.__cause__)


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), map_upstream_errors():
        raise KeyError


def test_an_error_inside_an_error_is_unwrapped() -> None:
    assert read_error(400, body(body("inner").decode())).message == "inner"
