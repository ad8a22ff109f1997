"""Builds the services of auth and says who is asking.

The caller of a request is resolved once, before anything else, by whoever puts the application
together (`Authenticator`), and kept in the request's state, where these dependencies find it.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from src.auth.addresses import resolve_client_address
from src.auth.administration import AdministrationService
from src.auth.api_keys import APIKeyService
from src.auth.callers import Authenticator
from src.auth.events import AuditTrail
from src.auth.exceptions import (
    InvalidAPIKeyError,
    InvalidTokenError,
    MissingScopeError,
    TooManyAtOnceError,
    TooManyRequestsError,
)
from src.auth.limits import AttemptLimiter
from src.auth.logins import LoginService
from src.auth.passwords import Passwords
from src.auth.schemas import Client, Principal
from src.auth.service import AccountDataPurger, AccountService
from src.auth.tokens import AccessTokens
from src.config import Settings
from src.database import SessionDep
from src.exceptions import UnauthenticatedError

AUTHENTICATION_ERRORS = (
    UnauthenticatedError,
    InvalidTokenError,
    InvalidAPIKeyError,
    MissingScopeError,
    TooManyRequestsError,
    TooManyAtOnceError,
)

_MOST_AGENT_CHARACTERS = 200


async def get_authenticator(connection: HTTPConnection) -> Authenticator:
    authenticator: Authenticator = connection.state.authenticator
    return authenticator


async def get_current_user(connection: HTTPConnection) -> Principal:
    caller: Principal | None = getattr(connection.state, "caller", None)
    if caller is None:
        raise UnauthenticatedError
    return caller


CurrentUser = Annotated[Principal, Depends(get_current_user)]


async def get_client(connection: HTTPConnection) -> Client:
    settings: Settings = connection.state.settings
    peer = connection.client.host if connection.client else "unknown"
    forwarded_for = connection.headers.getlist("x-forwarded-for")
    agent = connection.headers.get("user-agent", "")
    return Client(
        address=resolve_client_address(peer, forwarded_for, settings.trusted_proxies),
        user_agent="".join(filter(str.isprintable, agent))[:_MOST_AGENT_CHARACTERS],
    )


async def get_audit_trail(
    session: SessionDep, client: Annotated[Client, Depends(get_client)]
) -> AuditTrail:
    return AuditTrail(session, client)


AuditTrailDep = Annotated[AuditTrail, Depends(get_audit_trail)]


async def get_login_service(
    connection: HTTPConnection, session: SessionDep, trail: AuditTrailDep
) -> LoginService:
    settings: Settings = connection.state.settings
    passwords: Passwords = connection.state.passwords
    tokens: AccessTokens = connection.state.tokens
    limiter: AttemptLimiter = connection.state.limiter
    return LoginService(session, passwords, tokens, limiter, trail, settings.auth)


LoginServiceDep = Annotated[LoginService, Depends(get_login_service)]


async def get_account_service(
    connection: HTTPConnection, session: SessionDep, trail: AuditTrailDep
) -> AccountService:
    settings: Settings = connection.state.settings
    passwords: Passwords = connection.state.passwords
    limiter: AttemptLimiter = connection.state.limiter
    purger: AccountDataPurger = connection.state.purger
    return AccountService(session, passwords, limiter, trail, purger, settings.auth)


AccountServiceDep = Annotated[AccountService, Depends(get_account_service)]


async def get_administration_service(
    session: SessionDep, accounts: AccountServiceDep, logins: LoginServiceDep, trail: AuditTrailDep
) -> AdministrationService:
    return AdministrationService(session, accounts, logins, trail)


AdministrationServiceDep = Annotated[AdministrationService, Depends(get_administration_service)]


async def get_api_key_service(session: SessionDep, trail: AuditTrailDep) -> APIKeyService:
    return APIKeyService(session, trail)


APIKeyServiceDep = Annotated[APIKeyService, Depends(get_api_key_service)]
