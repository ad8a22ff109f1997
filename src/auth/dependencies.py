"""Who is asking: resolves the caller of a request, once."""

from typing import Annotated, cast

import structlog
from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from src.auth.exceptions import InvalidTokenError
from src.auth.models import User
from src.auth.passwords import Passwords
from src.auth.schemas import Principal, Role
from src.auth.service import AuthService
from src.auth.tokens import AccessTokens
from src.config import Settings
from src.database import SessionDep, release
from src.exceptions import UnauthenticatedError

AUTHENTICATION_ERRORS = (UnauthenticatedError, InvalidTokenError)

_bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token", scheme_name="bearer", auto_error=False
)


async def get_auth_service(connection: HTTPConnection, session: SessionDep) -> AuthService:
    settings: Settings = connection.state.settings
    passwords: Passwords = connection.state.passwords
    tokens: AccessTokens = connection.state.tokens
    return AuthService(session, passwords, tokens, settings.auth)


AuthServiceDep = Annotated[AuthService, Depends(get_auth_service)]


async def get_current_account(
    service: AuthServiceDep, token: Annotated[str | None, Depends(_bearer)]
) -> User:
    if token is None:
        raise UnauthenticatedError
    user = await service.get_user(token)
    structlog.contextvars.bind_contextvars(user_id=str(user.id))
    return user


CurrentAccount = Annotated[User, Depends(get_current_account)]


async def get_current_user(account: CurrentAccount) -> Principal:
    return Principal(user_id=account.id, role=cast("Role", account.role))


CurrentUser = Annotated[Principal, Depends(get_current_user)]


async def get_detached_user(user: CurrentUser, session: SessionDep) -> Principal:
    await release(session)
    return user


# The caller, with no database connection held: for routes that go on to wait for something slow.
DetachedUser = Annotated[Principal, Depends(get_detached_user)]
