"""Access tokens: JWTs (RFC 7519) signed with HS256 and nothing else."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import jwt

from src.auth.exceptions import InvalidTokenError
from src.database import new_id, utc_now

_ALGORITHM = "HS256"
_ISSUER = "colloquy"
_AUDIENCE = "colloquy-api"
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti"]


class AccessTokens:
    """Signs with the first key and accepts all of them, so that keys rotate without a log-out."""

    def __init__(self, keys: Sequence[str], lifetime: timedelta) -> None:
        self._keys = {_name_key(key): key for key in keys}
        self._current = _name_key(keys[0])
        self.lifetime = lifetime

    def issue(self, user_id: UUID) -> str:
        now = utc_now()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(user_id),
            "iat": now,
            "exp": now + self.lifetime,
            "jti": new_id().hex,
        }
        return jwt.encode(
            claims, self._keys[self._current], _ALGORITHM, headers={"kid": self._current}
        )

    def read(self, token: str) -> UUID:
        """Return the user's id, or raise `InvalidTokenError` for whatever is wrong with it."""
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                options={"require": _REQUIRED},
            )
            return UUID(claims["sub"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as exc:
            raise InvalidTokenError from exc


def _name_key(key: str) -> str:
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:16]
