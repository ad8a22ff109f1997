"""What only callers of the OpenAI-compatible API can get wrong."""

from src.exceptions import BadRequestError


class UnsupportedParameterError(BadRequestError):
    """`param` names the field, as OpenAI's own errors do."""

    code = "unsupported_parameter"
    title = "Unsupported parameter"
    default_detail = "The request asks for something that this server does not offer."

    def __init__(self, param: str, detail: str) -> None:
        self.param = param
        super().__init__(detail)


class InvalidParameterError(UnsupportedParameterError):
    code = "invalid_value"
    title = "Invalid value"
