"""What can go wrong with accounts and logins."""

from src.exceptions import ConflictError, ForbiddenError, UnauthenticatedError


class InvalidCredentialsError(UnauthenticatedError):
    """The same for an unknown user and a wrong password, so that nobody can list accounts."""

    code = "invalid_credentials"
    default_detail = "The user name or the password is wrong."


class InvalidTokenError(UnauthenticatedError):
    code = "invalid_token"
    default_detail = "The access token is not valid or has expired. Log in again."


class RegistrationClosedError(ForbiddenError):
    code = "registration_closed"
    default_detail = "Registration is closed. Ask an administrator for an account."


class UsernameTakenError(ConflictError):
    code = "username_taken"
    default_detail = "This user name is taken."


class EmailTakenError(ConflictError):
    code = "email_taken"
    default_detail = "There is an account with this email address already."
