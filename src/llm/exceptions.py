"""What can go wrong between Colloquy and a model server.

UnavailableError     LLMUnavailableError          503  it cannot be reached, is busy or refuses us
                     LLMBusyError                 503  too many wait for the model already
                     ModelMissingError            503  it does not have a model that is configured
TimedOutError        LLMTimedOutError             504  it did not answer in time
UpstreamError        LLMInvalidResponseError      502  its answer cannot be understood
                     LLMFailedError               502  it could not run the model
                     ModelUnobtainableError       502  it could not pull the model
NotFoundError        ModelNotFoundError           404  it does not have the model that was named
ConflictError        ModelInUseError              409  this server is configured for the model
RateLimitedError     QuotaExceededError           429  no tokens are left for today
BadRequestError      ModelCapabilityError         400  the model cannot do what was asked
                     ContextLengthExceededError   400  the text does not fit into the model
"""

from src.exceptions import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    RateLimitedError,
    TimedOutError,
    UnavailableError,
    UpstreamError,
)

RETRY_AFTER_SECONDS = 5


class LLMUnavailableError(UnavailableError):
    code = "llm_unavailable"
    title = "Model server unavailable"
    default_detail = (
        "The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again."
    )

    def __init__(
        self, detail: str | None = None, *, retry_after_seconds: int = RETRY_AFTER_SECONDS
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)


class LLMBusyError(UnavailableError):
    code = "llm_busy"
    title = "Model busy"
    default_detail = "Too many questions wait for this model. Try again in a few seconds."

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=RETRY_AFTER_SECONDS)


class LLMTimedOutError(TimedOutError):
    code = "llm_timeout"
    title = "Model server too slow"
    default_detail = "The model did not answer in time. Try again, or ask for less at once."


class LLMInvalidResponseError(UpstreamError):
    code = "llm_invalid_response"
    title = "Invalid answer from the model server"
    default_detail = (
        "The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the "
        "address of an Ollama server, then try again."
    )


class LLMFailedError(UpstreamError):
    code = "llm_failed"
    title = "Model failed"
    default_detail = (
        "The model server could not run the model. Try again; if it fails again, the model "
        "server's log says why."
    )


class ModelUnobtainableError(UpstreamError):
    code = "model_unobtainable"
    title = "Model not pulled"
    default_detail = "The model server could not pull this model."

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The model server could not pull '{model}'. Check its name, and the disk and the "
            "network of the model server, then try again: it goes on where it was."
        )


class ModelNotFoundError(NotFoundError):
    code = "model_not_found"
    title = "Model not found"
    default_detail = "The model server does not have this model."

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The model '{model}' is not installed. Run `ollama pull {model}` on the model server, "
            "or choose another model."
        )


class ModelMissingError(UnavailableError):
    """A configured model: whoever asks named none, and cannot mend it."""

    code = "model_missing"
    title = "Model missing"
    default_detail = "A model that this server is configured for is not installed."

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The configured model '{model}' is not installed. Run `ollama pull {model}` on the "
            "model server, or configure another one.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


class ModelInUseError(ConflictError):
    code = "model_in_use"
    title = "Model in use"
    default_detail = "This server is configured for the model. Configure another one first."


class QuotaExceededError(RateLimitedError):
    code = "quota_exceeded"
    title = "Daily quota used up"
    default_detail = "Your tokens of today are used up. There are new ones at midnight UTC."


class ModelCapabilityError(BadRequestError):
    code = "model_capability_missing"
    title = "Model cannot do this"
    default_detail = "The model cannot do what was asked. Choose another model."


class ContextLengthExceededError(BadRequestError):
    code = "context_length_exceeded"
    title = "Too long for the model"
    default_detail = (
        "The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX."
    )


# What may become of a call to a model server, and of one that a model has to work on.
SERVER_ERRORS = (
    LLMFailedError,
    LLMInvalidResponseError,
    LLMUnavailableError,
    LLMTimedOutError,
)
MODEL_ERRORS = (*SERVER_ERRORS, LLMBusyError, ModelMissingError)
