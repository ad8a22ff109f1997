"""Registration, logins, one's own account and its API keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, status

from src.auth.dependencies import (
    AccountServiceDep,
    APIKeyServiceDep,
    AuditTrailDep,
    CurrentUser,
    LoginServiceDep,
)
from src.auth.exceptions import (
    APIKeyNotFoundError,
    EmailTakenError,
    InvalidCredentialsError,
    InvalidRefreshTokenError,
    LastAdminError,
    LoginNotFoundError,
    RefreshTokenReusedError,
    RegistrationClosedError,
    TooManyAPIKeysError,
    TooManyAttemptsError,
    TooManyLoginsError,
    UsernameTakenError,
    WrongPasswordError,
)
from src.auth.schemas import (
    AccountDelete,
    APIKeyCreate,
    APIKeyCreated,
    APIKeyRead,
    AuthEventRead,
    LoginForm,
    LoginRead,
    PasswordUpdate,
    RefreshCreate,
    TokenRead,
    UserCreate,
    UserRead,
    UserUpdate,
)
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import Cursor, InvalidCursorError, Page, PageSize, problem_responses

router = ModuleRouter(prefix=f"{API_PREFIX}/auth", tags=["auth"])

_TOO_OFTEN = (TooManyAttemptsError, TooManyLoginsError)


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(
        RegistrationClosedError, UsernameTakenError, EmailTakenError, *_TOO_OFTEN
    ),
)
async def register(body: UserCreate, service: AccountServiceDep) -> UserRead:
    """Make an account. User names and email addresses are unique however they are written."""
    return UserRead.model_validate(await service.register(body))


@router.post("/token", responses=problem_responses(InvalidCredentialsError, *_TOO_OFTEN))
async def log_in(form: Annotated[LoginForm, Form()], service: LoginServiceDep) -> TokenRead:
    """Log in with a user name or an email address, and get an access and a refresh token.

    Send the access token as `Authorization: Bearer ...` with every other request, and exchange
    the refresh token at `/auth/refresh` when the access token is about to expire.
    """
    return await service.log_in(form)


@router.post(
    "/refresh",
    responses=problem_responses(
        InvalidRefreshTokenError, RefreshTokenReusedError, TooManyAttemptsError
    ),
)
async def refresh(body: RefreshCreate, service: LoginServiceDep) -> TokenRead:
    """Exchange a refresh token for new tokens. It is good for one use.

    A second use ends the login, because two parties have the token: refresh from one place at a
    time, store the new token before you use it, and log in again after `refresh_token_reused`.
    """
    return await service.refresh(body.refresh_token)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def log_out(user: CurrentUser, service: LoginServiceDep) -> None:
    """End the login that asks; its tokens are refused from then on."""
    await service.log_out(user)


@router.post(
    "/logout-all",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def log_out_everywhere(user: CurrentUser, service: LoginServiceDep) -> None:
    """End every login of yours, this one too. API keys stay."""
    await service.revoke_all(user.user_id, actor_id=user.user_id)


@router.get("/me")
async def get_me(user: CurrentUser) -> UserRead:
    """Return the account that the access token or API key belongs to."""
    return UserRead.model_validate(user.account)


@router.patch(
    "/me", responses=problem_responses(UsernameTakenError, EmailTakenError, TooManyAttemptsError)
)
async def update_me(body: UserUpdate, user: CurrentUser, service: AccountServiceDep) -> UserRead:
    """Change your user name or email address."""
    return UserRead.model_validate(await service.update_profile(user.user_id, body))


@router.delete(
    "/me",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(WrongPasswordError, LastAdminError, *_TOO_OFTEN),
)
async def delete_me(body: AccountDelete, user: CurrentUser, service: AccountServiceDep) -> None:
    """Delete your account with its documents, chats, logins and API keys. There is no way back.

    Files and vectors are purged in the background.
    """
    await service.delete_own(user.user_id, body.current_password)


@router.post(
    "/me/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(WrongPasswordError, *_TOO_OFTEN),
)
async def change_password(
    body: PasswordUpdate, user: CurrentUser, service: AccountServiceDep, logins: LoginServiceDep
) -> None:
    """Change your password. Every other login ends; API keys stay."""
    await service.change_password(user, body, logins)


@router.get("/logins", responses=problem_responses(InvalidCursorError))
async def list_logins(
    user: CurrentUser,
    service: LoginServiceDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[LoginRead]:
    """List where you are logged in, the last used first."""
    return await service.list_logins(user, cursor, limit)


@router.delete(
    "/logins/{login_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(LoginNotFoundError),
)
async def revoke_login(login_id: UUID, user: CurrentUser, service: LoginServiceDep) -> None:
    """End one of your logins; its tokens are refused from then on."""
    await service.revoke(user.user_id, login_id)


@router.post(
    "/api-keys",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(TooManyAPIKeysError),
)
async def create_api_key(
    body: APIKeyCreate, user: CurrentUser, service: APIKeyServiceDep
) -> APIKeyCreated:
    """Make an API key for a program. Keep it: it is shown this once.

    Send it as `X-API-Key: ...` or as `Authorization: Bearer ...`.
    """
    return await service.create(user.user_id, body)


@router.get("/api-keys", responses=problem_responses(InvalidCursorError))
async def list_api_keys(
    user: CurrentUser,
    service: APIKeyServiceDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[APIKeyRead]:
    """List your API keys, the newest first, without what is secret about them."""
    return await service.list_keys(user.user_id, cursor, limit)


@router.delete(
    "/api-keys/{key_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(APIKeyNotFoundError),
)
async def revoke_api_key(key_id: UUID, user: CurrentUser, service: APIKeyServiceDep) -> None:
    """Revoke an API key; it is refused from then on."""
    await service.revoke(user.user_id, key_id)


@router.get("/events", responses=problem_responses(InvalidCursorError))
async def list_events(
    user: CurrentUser,
    trail: AuditTrailDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> Page[AuthEventRead]:
    """List what happened to your account, the newest first."""
    return await trail.list_own(user.user_id, cursor, limit)
