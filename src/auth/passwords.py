"""argon2id, off the event loop and at most a few at a time: each hash takes its own memory."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from src.config import AuthSettings


class Passwords:
    """Hashes and verifies; one per process, so that the limit holds for all requests together."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        self._slots = asyncio.Semaphore(settings.hash_concurrency)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Compare; `None`, for an unknown user, costs the same time and is never a match."""
        if password_hash is None:
            await self._compare(password, await self._get_decoy())
            return False
        return await self._compare(password, password_hash)

    async def _compare(self, password: str, password_hash: str) -> bool:
        async with self._slots:
            try:
                return await asyncio.to_thread(self._hasher.verify, password_hash, password)
            except (VerificationError, InvalidHashError):
                return False

    async def _get_decoy(self) -> str:
        if self._decoy is None:
            self._decoy = await self.hash("no account has this password 0")
        return self._decoy
