"""Accounts and logins."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.exceptions import (
    EmailTakenError,
    InvalidCredentialsError,
    InvalidTokenError,
    RegistrationClosedError,
    UsernameTakenError,
)
from src.auth.models import User
from src.auth.passwords import Passwords
from src.auth.schemas import LoginForm, TokenRead, UserCreate
from src.auth.tokens import AccessTokens
from src.config import AuthSettings
from src.database import is_unique_violation, release


class AuthService:
    def __init__(
        self,
        session: AsyncSession,
        passwords: Passwords,
        tokens: AccessTokens,
        settings: AuthSettings,
    ) -> None:
        self._session = session
        self._passwords = passwords
        self._tokens = tokens
        self._settings = settings

    async def register(self, new: UserCreate) -> User:
        if not self._settings.is_registration_open:
            raise RegistrationClosedError
        user = User(
            username=new.username,
            username_key=_fold(new.username),
            email=new.email,
            email_key=_fold(new.email),
            password_hash=await self._passwords.hash(new.password),
        )
        self._session.add(user)
        try:
            await self._session.flush()
        except IntegrityError as exc:
            if is_unique_violation(exc, "uq_users_username_key"):
                raise UsernameTakenError from exc
            if is_unique_violation(exc, "uq_users_email_key"):
                raise EmailTakenError from exc
            raise
        await self._session.refresh(user)
        return user

    async def log_in(self, form: LoginForm) -> TokenRead:
        user = await self._find(form.username)
        await release(self._session)
        password_hash = user.password_hash if user else None
        is_right = await self._passwords.verify(form.password, password_hash)
        if user is None or not is_right or not user.is_active:
            raise InvalidCredentialsError
        return TokenRead(
            access_token=self._tokens.issue(user.id),
            token_type="bearer",  # noqa: S106, the name of a scheme
            expires_in=int(self._tokens.lifetime.total_seconds()),
        )

    async def get_user(self, access_token: str) -> User:
        user = await self._session.get(User, self._tokens.read(access_token))
        if user is None or not user.is_active:
            raise InvalidTokenError
        return user

    async def _find(self, name: str) -> User | None:
        """Find by user name or email address; a user name holds no `@`."""
        column = User.email_key if "@" in name else User.username_key
        return await self._session.scalar(select(User).where(column == _fold(name)))


def _fold(name: str) -> str:
    return name.casefold()
