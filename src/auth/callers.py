"""Who is behind a credential: one query, so that whatever was revoked is refused from then on."""

from datetime import datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.api_keys import KeyUseRecorder
from src.auth.exceptions import InvalidAPIKeyError, InvalidTokenError
from src.auth.models import APIKey, LoginSession, User
from src.auth.schemas import Principal, Role, Scope
from src.auth.tokens import AccessTokens, hash_secret, is_api_key
from src.database import utc_now

# Every request runs one of these: they are built once.
_ROLE_OF_LOGIN: Final = (
    select(User.role)
    .join(LoginSession, LoginSession.user_id == User.id)
    .where(
        User.id == bindparam("user_id"),
        User.is_active,
        LoginSession.id == bindparam("login_id"),
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > bindparam("now"),
    )
)
_OWNER_OF_KEY: Final = (
    select(APIKey.id, APIKey.user_id, APIKey.scopes, APIKey.last_used_at)
    .join(User, User.id == APIKey.user_id)
    .where(
        APIKey.key_hash == bindparam("key_hash"),
        APIKey.revoked_at.is_(None),
        or_(APIKey.expires_at.is_(None), APIKey.expires_at > bindparam("now")),
        User.is_active,
    )
)


class Authenticator:
    """Resolves access tokens and API keys. Raises an `UnauthenticatedError` for anything else."""

    def __init__(
        self, session: AsyncSession, tokens: AccessTokens, key_uses: KeyUseRecorder
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._key_uses = key_uses

    async def authenticate(self, credential: str) -> Principal:
        if is_api_key(credential):
            return await self._resolve_key(credential)
        return await self._resolve_token(credential)

    async def _resolve_token(self, token: str) -> Principal:
        claims = self._tokens.read(token)
        role = await self._session.scalar(
            _ROLE_OF_LOGIN,
            {"user_id": claims.user_id, "login_id": claims.login_id, "now": utc_now()},
        )
        if role is None:
            raise InvalidTokenError
        return Principal(claims.user_id, cast("Role", role), login_id=claims.login_id)

    async def _resolve_key(self, key: str) -> Principal:
        row = (
            await self._session.execute(
                _OWNER_OF_KEY, {"key_hash": hash_secret(key), "now": utc_now()}
            )
        ).one_or_none()
        if row is None:
            raise InvalidAPIKeyError
        key_id: UUID
        last_used_at: datetime | None
        key_id, user_id, scopes, last_used_at = row
        self._key_uses.note(key_id, last_used_at)
        return Principal(user_id, "user", frozenset(cast("list[Scope]", scopes)), key_id=key_id)
