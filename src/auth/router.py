"""Registration, login and one's own profile."""

from typing import Annotated

from fastapi import APIRouter, Form, status

from src.auth.dependencies import AUTHENTICATION_ERRORS, AuthServiceDep, CurrentAccount
from src.auth.exceptions import (
    EmailTakenError,
    InvalidCredentialsError,
    RegistrationClosedError,
    UsernameTakenError,
)
from src.auth.schemas import LoginForm, TokenRead, UserCreate, UserRead
from src.schemas import problem_responses

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(RegistrationClosedError, UsernameTakenError, EmailTakenError),
)
async def register(body: UserCreate, service: AuthServiceDep) -> UserRead:
    """Make an account. User names and email addresses are unique regardless of case."""
    return UserRead.model_validate(await service.register(body))


@router.post("/token", responses=problem_responses(InvalidCredentialsError))
async def log_in(form: Annotated[LoginForm, Form()], service: AuthServiceDep) -> TokenRead:
    """Log in with a user name or an email address, and get an access token.

    Send it as `Authorization: Bearer ...` with every other request.
    """
    return await service.log_in(form)


@router.get("/me", responses=problem_responses(*AUTHENTICATION_ERRORS))
async def get_me(account: CurrentAccount) -> UserRead:
    """Return the account that the access token belongs to."""
    return UserRead.model_validate(account)
