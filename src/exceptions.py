"""The errors that callers can meet. Each module adds its own leaves in its `exceptions.py`.

AppError
├── BadRequestError        400  the request cannot be carried out as it stands
├── UnauthenticatedError   401  nobody knows who is asking
├── ForbiddenError         403  the caller's role or scope does not allow it
├── NotFoundError          404  it does not exist, or belongs to somebody else
├── ConflictError          409  it contradicts what is already there
├── TooLargeError          413  more bytes than the limit
├── UnsupportedTypeError   415  a type that nobody can read
├── InvalidError           422  well-formed, but its content is not usable
├── RateLimitedError       429  too often; `retry_after_seconds` says when again
└── UpstreamError          502  a backing service gave an answer nobody understands
    ├── UnavailableError   503  a backing service cannot be reached or is busy
    └── TimedOutError      504  a backing service did not answer in time
"""

from typing import ClassVar


class AppError(Exception):
    """An error with an HTTP status, a stable `code` and one sentence for the caller.

    `detail` is shown to whoever called: it holds no path, query, secret or stack.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    default_detail: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self, detail: str | None = None, *, retry_after_seconds: int | None = None
    ) -> None:
        self.detail = detail or self.default_detail
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says in its header, beyond what its status asks for."""
        return {}


class BadRequestError(AppError):
    status = 400
    code = "bad_request"
    title = "Bad request"
    default_detail = "The request cannot be carried out as it stands."


class UnauthenticatedError(AppError):
    status = 401
    code = "not_authenticated"
    title = "Not authenticated"
    default_detail = "Send a valid access token in the Authorization header."


class ForbiddenError(AppError):
    status = 403
    code = "forbidden"
    title = "Forbidden"
    default_detail = "Your role does not allow this."


class NotFoundError(AppError):
    status = 404
    code = "not_found"
    title = "Not found"
    default_detail = "There is nothing at this address."


class ConflictError(AppError):
    status = 409
    code = "conflict"
    title = "Conflict"
    default_detail = "The request contradicts what is already there."


class TooLargeError(AppError):
    status = 413
    code = "request_too_large"
    title = "Too large"
    default_detail = "The request is larger than the server accepts."


class UnsupportedTypeError(AppError):
    status = 415
    code = "unsupported_media_type"
    title = "Unsupported type"
    default_detail = "The content is of a type that cannot be read."


class InvalidError(AppError):
    status = 422
    code = "validation_failed"
    title = "Invalid request"
    default_detail = "The request is not valid."


class RateLimitedError(AppError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"
    default_detail = "Too many requests; wait a little."


class UpstreamError(AppError):
    status = 502
    code = "upstream_invalid"
    title = "Invalid answer from a backing service"
    default_detail = "A backing service gave an answer that cannot be understood."


class UnavailableError(UpstreamError):
    status = 503
    code = "upstream_unavailable"
    title = "Backing service unavailable"
    default_detail = "A backing service cannot be reached."


class TimedOutError(UpstreamError):
    status = 504
    code = "upstream_timeout"
    title = "Backing service too slow"
    default_detail = "A backing service did not answer in time."
