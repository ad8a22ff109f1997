"""Who is behind a credential: one query, so that whatever was revoked is refused from then on."""

from typing import Final

from sqlalchemy import bindparam, or_, select

from src.auth.api_keys import KeyUseRecorder
from src.auth.exceptions import InvalidAPIKeyError, InvalidTokenError
from src.auth.models import APIKey, LoginSession, User
from src.auth.schemas import Principal, UserRead
from src.auth.tokens import AccessTokens, hash_secret, is_api_key
from src.database import utc_now
from src.statements import CompiledStatement, Statements

# What `/auth/me` shows: to ask who it is answers that as well.
_ACCOUNT: Final = [getattr(User, name) for name in UserRead.model_fields]
_OWNER_OF_LOGIN: Final = CompiledStatement(
    select(*_ACCOUNT)
    .join(LoginSession, LoginSession.user_id == User.id)
    .where(
        User.id == bindparam("user_id"),
        User.is_active,
        LoginSession.id == bindparam("login_id"),
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > bindparam("now"),
    )
)
_OWNER_OF_KEY: Final = CompiledStatement(
    select(APIKey.id.label("key_id"), APIKey.scopes, APIKey.last_used_at, *_ACCOUNT)
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
        self, statements: Statements, tokens: AccessTokens, key_uses: KeyUseRecorder
    ) -> None:
        self._statements = statements
        self._tokens = tokens
        self._key_uses = key_uses

    async def authenticate(self, credential: str) -> Principal:
        if is_api_key(credential):
            return await self._resolve_key(credential)
        return await self._resolve_token(credential)

    async def _resolve_token(self, token: str) -> Principal:
        claims = self._tokens.read(token)
        row = await self._statements.fetch_one(
            _OWNER_OF_LOGIN, user_id=claims.user_id, login_id=claims.login_id, now=utc_now()
        )
        if row is None:
            raise InvalidTokenError
        return Principal(row["id"], row["role"], row, login_id=claims.login_id)

    async def _resolve_key(self, key: str) -> Principal:
        row = await self._statements.fetch_one(
            _OWNER_OF_KEY, key_hash=hash_secret(key), now=utc_now()
        )
        if row is None:
            raise InvalidAPIKeyError
        self._key_uses.note(row["key_id"], row["last_used_at"])
        return Principal(row["id"], "user", row, frozenset(row["scopes"]), key_id=row["key_id"])
