"""How often somebody may try. Counters live in this process or, for a fleet, in Redis.

Failures count against the address they come from, and against the pair of that address and the
account. Nothing counts against an account alone: or anybody could lock its owner out.
"""

import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal, cast
from uuid import UUID

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from src.auth.addresses import group_address
from src.auth.exceptions import TooManyAttemptsError, TooManyRequestsError
from src.auth.tokens import hash_secret
from src.config import RateLimitSettings
from src.exceptions import RateLimitedError

log = structlog.get_logger(__name__)

_REDIS_TIMEOUT_SECONDS: Final = 2.0
Load = Literal["light", "model", "upload"]
_Limit = tuple[RateLimitItem, tuple[str, ...]]
_Use = Callable[[FixedWindowRateLimiter], Awaitable[bool]]


class AttemptLimiter:
    """One per process. When Redis is away it counts here, rather than not at all."""

    def __init__(self, settings: RateLimitSettings) -> None:
        # Its counters in memory cost a dictionary entry; those of a moving window a thread each.
        self._limiter = FixedWindowRateLimiter(_open_storage(settings))
        self._fallback = FixedWindowRateLimiter(MemoryStorage())
        seconds = settings.window_seconds
        self._account = RateLimitItemPerSecond(
            settings.login_failures_per_account, seconds, "login-account"
        )
        self._address = RateLimitItemPerSecond(
            settings.login_failures_per_address, seconds, "login-address"
        )
        self._refreshes = RateLimitItemPerSecond(
            settings.refresh_failures_per_address, seconds, "refresh"
        )
        self._registrations = RateLimitItemPerSecond(
            settings.registrations_per_address, seconds, "register"
        )

        self._of_users = _limit_requests(settings, 1, "user")
        self._of_keys = _limit_requests(settings, settings.api_key_share, "key")

    @property
    def is_elsewhere(self) -> bool:
        """Whether counting means to wait for another server."""
        return not isinstance(self._limiter.storage, MemoryStorage)

    async def check_storage(self) -> bool:
        return await self._limiter.storage.check()

    async def count_request(self, load: Load, user_id: UUID, key_id: UUID | None = None) -> None:
        """Count one request: what an API key has too many is refused at no cost to its user."""
        if key_id is not None:
            await self._count(load, self._of_keys, key_id)
        await self._count(load, self._of_users, user_id)

    async def check_login(self, account: str, address: str) -> None:
        for limit in self._login_limits(account, address):
            await self._check(limit)

    async def count_login_failure(self, account: str, address: str) -> None:
        for limit in self._login_limits(account, address):
            await self._hit(limit)

    async def check_refresh(self, address: str) -> None:
        await self._check((self._refreshes, (group_address(address),)))

    async def count_refresh_failure(self, address: str) -> None:
        await self._hit((self._refreshes, (group_address(address),)))

    async def count_registration(self, address: str) -> None:
        limit = (self._registrations, (group_address(address),))
        if not await self._hit(limit):
            await self._refuse(limit)

    def _login_limits(self, account: str, address: str) -> tuple[_Limit, _Limit]:
        group = group_address(address)
        # Hashed: no name is kept outside the database, and any text makes a key.
        return (self._account, (hash_secret(account), group)), (self._address, (group,))

    async def _count(self, load: Load, limits: dict[Load, RateLimitItem], who: UUID) -> None:
        for kind in dict.fromkeys(("light", load)):
            limit = (limits[kind], (str(who),))
            if not await self._hit(limit):
                await self._refuse(limit, TooManyRequestsError)

    async def _check(self, limit: _Limit) -> None:
        if not await self._use(lambda limiter: limiter.test(limit[0], *limit[1])):
            await self._refuse(limit)

    async def _hit(self, limit: _Limit) -> bool:
        return await self._use(lambda limiter: limiter.hit(limit[0], *limit[1]))

    async def _refuse(
        self, limit: _Limit, error: type[RateLimitedError] = TooManyAttemptsError
    ) -> None:
        item, identifiers = limit
        try:
            stats = await self._limiter.get_window_stats(item, *identifiers)
            seconds = math.ceil(stats.reset_time - time.time())
        except StorageError:
            seconds = item.get_expiry()
        raise error(retry_after_seconds=max(1, seconds))

    async def _use(self, use: _Use) -> bool:
        try:
            return await use(self._limiter)
        except StorageError as error:
            log.warning("attempts are counted here alone", reason=repr(error.storage_error))
            return await use(self._fallback)


def _limit_requests(
    settings: RateLimitSettings, share: float, whose: str
) -> dict[Load, RateLimitItem]:
    def limit(per_minute: int, what: str) -> RateLimitItem:
        return RateLimitItemPerMinute(max(1, int(per_minute * share)), 1, f"{whose}-{what}")

    return {
        "light": limit(settings.requests_per_minute, "requests"),
        "model": limit(settings.model_requests_per_minute, "model"),
        "upload": limit(settings.uploads_per_minute, "uploads"),
    }


def _open_storage(settings: RateLimitSettings) -> Storage:
    url = settings.storage_url.get_secret_value()
    if not url.startswith("async+"):
        url = f"async+{url}"
    if url.startswith("async+redis"):
        options: dict[str, float | str | bool] = {
            "implementation": "redispy",
            "socket_connect_timeout": _REDIS_TIMEOUT_SECONDS,
            "socket_timeout": _REDIS_TIMEOUT_SECONDS,
        }
        return cast("Storage", storage_from_string(url, wrap_exceptions=True, **options))
    return cast("Storage", storage_from_string(url, wrap_exceptions=True))
