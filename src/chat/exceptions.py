"""What can go wrong in a chat."""

from src.exceptions import ConflictError, InvalidError, NotFoundError, RateLimitedError


class ChatSessionNotFoundError(NotFoundError):
    code = "chat_session_not_found"
    default_detail = "There is no chat session with this id."


class MessageNotFoundError(NotFoundError):
    code = "message_not_found"
    default_detail = "There is no message with this id."


class PromptTooLongError(InvalidError):
    code = "prompt_too_long"
    title = "Question too long"
    default_detail = "The question does not fit into the model's context window. Shorten it."


class IdempotencyKeyReusedError(ConflictError):
    code = "idempotency_key_reused"
    title = "Key already used"
    default_detail = "This Idempotency-Key belongs to another question. Use a new key for this one."


class NotAnAnswerError(ConflictError):
    code = "not_an_answer"
    title = "Not an answer"
    default_detail = "The message is a question; this is possible with answers only."


class TooManyStreamsError(RateLimitedError):
    code = "too_many_streams"
    default_detail = "This connection follows too many answers. Wait for one of them to end."
