"""What proves who somebody is: signed access tokens, opaque refresh tokens and API keys.

Access tokens are JWTs (RFC 7519) signed with HS256 and nothing else. The other two are random
and long, so that a plain SHA-256 of them is all the database needs.
"""

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

import jwt

from src.auth.exceptions import InvalidTokenError
from src.database import new_id, utc_now

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "colloquy"
_AUDIENCE: Final = "colloquy-api"
_REQUIRED: Final = ["iss", "aud", "sub", "sid", "iat", "exp", "jti"]
_API_KEY_MARK: Final = "cq_"
_REFRESH_MARK: Final = "cr_"
_TOKENS_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: UUID
    login_id: UUID


class AccessTokens:
    """Signs with the first key and accepts all of them, so that keys rotate without a log-out."""

    def __init__(self, keys: Sequence[str], lifetime: timedelta) -> None:
        self._keys = {_name_key(key): key for key in keys}
        self._current = _name_key(keys[0])
        self.lifetime = lifetime
        # A client sends the same token again and again; what it says does not change.
        self._decode_once = lru_cache(_TOKENS_KEPT)(self._decode)

    def issue(self, user_id: UUID, login_id: UUID) -> str:
        now = utc_now()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(user_id),
            "sid": str(login_id),
            "iat": now,
            "exp": now + self.lifetime,
            "jti": new_id().hex,
        }
        return jwt.encode(
            claims, self._keys[self._current], _ALGORITHM, headers={"kid": self._current}
        )

    def read(self, token: str) -> AccessClaims:
        """Check everything about a token, or raise `InvalidTokenError` for whatever is wrong."""
        claims, expires_at = self._decode_once(token)
        if expires_at <= time.time():
            raise InvalidTokenError
        return claims

    def _decode(self, token: str) -> tuple[AccessClaims, int]:
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
            return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"])), int(claims["exp"])
        except (
            jwt.InvalidTokenError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
        ) as exc:
            raise InvalidTokenError from exc


def make_refresh_token() -> str:
    return f"{_REFRESH_MARK}{secrets.token_urlsafe(32)}"


def make_api_key() -> tuple[str, str]:
    """Return the prefix, which may be shown, and the whole key, which is shown once."""
    prefix = f"{_API_KEY_MARK}{secrets.token_hex(4)}"
    return prefix, f"{prefix}_{secrets.token_hex(32)}"


def is_api_key(credential: str) -> bool:
    return credential.startswith(_API_KEY_MARK)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _name_key(key: str) -> str:
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:16]
