"""What administrators do with accounts. That they are administrators is seen to before."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, status

from src.auth.dependencies import (
    AccountServiceDep,
    AdministrationServiceDep,
    AuditTrailDep,
    CurrentUser,
    get_current_user,
)
from src.auth.exceptions import (
    EmailTakenError,
    LastAdminError,
    TooManyLoginsError,
    UsernameTakenError,
    UserNotFoundError,
)
from src.auth.schemas import (
    AuthEventRead,
    ManagedUserCreate,
    ManagedUserUpdate,
    Role,
    UserRead,
)
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import Cursor, InvalidCursorError, Page, PageSize, problem_responses

router = ModuleRouter(
    prefix=f"{API_PREFIX}/auth",
    tags=["auth"],
    dependencies=[Depends(get_current_user)],
)


@router.get("/users", responses=problem_responses(InvalidCursorError))
async def list_users(
    service: AdministrationServiceDep,
    q: Annotated[
        str | None,
        Query(max_length=254, description="A part of the user name or the email address."),
    ] = None,
    role: Annotated[Role | None, Query(description="Accounts with this role.")] = None,
    is_active: Annotated[
        bool | None, Query(description="Accounts that may log in, or those that may not.")
    ] = None,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> Page[UserRead]:
    """List the accounts, the newest first."""
    return await service.list_users(q, role, cursor, limit, is_active=is_active)


@router.post(
    "/users",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(UsernameTakenError, EmailTakenError, TooManyLoginsError),
)
async def create_user(
    body: ManagedUserCreate, user: CurrentUser, service: AdministrationServiceDep
) -> UserRead:
    """Make an account for somebody, also when registration is closed."""
    return UserRead.model_validate(await service.create_user(body, actor_id=user.user_id))


@router.get("/users/{user_id}", responses=problem_responses(UserNotFoundError))
async def get_user(
    user_id: UUID,
    service: AccountServiceDep,
) -> UserRead:
    """Return one account."""
    return UserRead.model_validate(await service.get(user_id))


@router.patch(
    "/users/{user_id}",
    responses=problem_responses(UserNotFoundError, LastAdminError, TooManyLoginsError),
)
async def update_user(
    user_id: UUID,
    body: ManagedUserUpdate,
    user: CurrentUser,
    service: AdministrationServiceDep,
) -> UserRead:
    """Change a role, deactivate or reactivate, or set a new password."""
    return UserRead.model_validate(await service.update_user(user_id, body, actor_id=user.user_id))


@router.delete(
    "/users/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(UserNotFoundError, LastAdminError),
)
async def delete_user(user_id: UUID, user: CurrentUser, service: AdministrationServiceDep) -> None:
    """Delete an account with its documents, chats, logins and API keys. There is no way back."""
    await service.delete_user(user_id, actor_id=user.user_id)


@router.get(
    "/users/{user_id}/events", responses=problem_responses(UserNotFoundError, InvalidCursorError)
)
async def list_user_events(
    user_id: UUID,
    service: AccountServiceDep,
    trail: AuditTrailDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> Page[AuthEventRead]:
    """List what happened to an account, the newest first."""
    await service.get(user_id)
    return await trail.list_own(user_id, cursor, limit)


@router.get("/audit", responses=problem_responses(InvalidCursorError))
async def list_all_events(
    trail: AuditTrailDep,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> Page[AuthEventRead]:
    """List what happened to any account, failed logins to unknown ones too, the newest first."""
    return await trail.list_all(cursor, limit)
