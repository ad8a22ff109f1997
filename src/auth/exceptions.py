"""What can go wrong with accounts, logins and API keys."""

from src.exceptions import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)


class InvalidCredentialsError(UnauthenticatedError):
    """The same for an unknown user and a wrong password, so that nobody can list accounts."""

    code = "invalid_credentials"
    default_detail = "The user name or the password is wrong."


class InvalidTokenError(UnauthenticatedError):
    code = "invalid_token"
    default_detail = "The access token is not valid or has expired. Log in again."


class InvalidAPIKeyError(UnauthenticatedError):
    code = "invalid_api_key"
    default_detail = "The API key is not valid, has expired or was revoked."


class InvalidRefreshTokenError(UnauthenticatedError):
    code = "invalid_refresh_token"
    default_detail = "The refresh token is not valid, or its login has ended. Log in again."


class RefreshTokenReusedError(UnauthenticatedError):
    code = "refresh_token_reused"
    default_detail = (
        "This refresh token was used before. Somebody may have copied it, so its login has ended. "
        "Log in again."
    )


class MissingScopeError(ForbiddenError):
    code = "missing_scope"
    default_detail = "The API key does not have the scope that this needs."


class LoginRequiredError(ForbiddenError):
    code = "login_required"
    default_detail = "An API key cannot do this. Log in with a password."


class AdminRequiredError(ForbiddenError):
    code = "admin_required"
    default_detail = "Only an administrator may do this."


class RegistrationClosedError(ForbiddenError):
    code = "registration_closed"
    default_detail = "Registration is closed. Ask an administrator for an account."


class WrongPasswordError(BadRequestError):
    """Not a 401: the caller is known, and a client need not throw its tokens away."""

    code = "wrong_password"
    default_detail = "The current password is wrong."


class UserNotFoundError(NotFoundError):
    code = "user_not_found"
    default_detail = "There is no such user."


class LoginNotFoundError(NotFoundError):
    code = "login_not_found"
    default_detail = "There is no such login among yours."


class APIKeyNotFoundError(NotFoundError):
    code = "api_key_not_found"
    default_detail = "There is no such API key among yours."


class UsernameTakenError(ConflictError):
    code = "username_taken"
    default_detail = "This user name is taken."


class EmailTakenError(ConflictError):
    code = "email_taken"
    default_detail = "There is an account with this email address already."


class LastAdminError(ConflictError):
    code = "last_admin"
    default_detail = "This is the last active administrator. Appoint another one first."


class TooManyAPIKeysError(ConflictError):
    code = "too_many_api_keys"
    default_detail = "You have as many API keys as one account may have. Revoke one first."


class TooManyAttemptsError(RateLimitedError):
    code = "too_many_attempts"
    default_detail = "Too many attempts from your address. Wait a little."


class TooManyRequestsError(RateLimitedError):
    code = "too_many_requests"
    default_detail = "Too many requests in too short a time. Wait a little."


class TooManyAtOnceError(RateLimitedError):
    code = "too_many_at_once"
    default_detail = "You have as much going on at once as one user may. Wait for some to end."


class TooManyLoginsError(UnavailableError):
    code = "too_many_logins"
    title = "Too busy"
    default_detail = "Too many people are logging in at the moment. Try again shortly."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, retry_after_seconds=2)
