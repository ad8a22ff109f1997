"""argon2id, off the event loop and at most a few at a time: each hash takes its own memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from src.auth.exceptions import TooManyLoginsError
from src.config import AuthSettings

ResultT = TypeVar("ResultT")


class PasswordTurn:
    """The right to hash now: whoever has one may use it more than once."""

    def __init__(self, hasher: PasswordHasher, threads: ThreadPoolExecutor) -> None:
        self._hasher = hasher
        self._threads = threads

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Compare; `None`, for an unknown user, costs the same time and is never a match."""
        if password_hash is None:
            await self.hash(password)
            return False
        try:
            return await self._run(lambda: self._hasher.verify(password_hash, password))
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than the settings ask for now."""
        return self._hasher.check_needs_rehash(password_hash)

    async def _run(self, work: Callable[[], ResultT]) -> ResultT:
        """Wait for the thread even when the caller is gone: its memory is taken until it ends."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            with contextlib.suppress(VerificationError, InvalidHashError):
                await future
            raise


class Passwords:
    """One per process, so that the limit holds for all requests together. `close` it."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        # At the event loop's own priority: a thread that is put off while it holds the
        # interpreter lock puts off everything.
        self._threads = ThreadPoolExecutor(settings.hash_concurrency, "passwords")
        self._slots = asyncio.Semaphore(settings.hash_concurrency)
        self._most_waiting = settings.hash_queue_length
        self._waiting = 0

    @asynccontextmanager
    async def take_turn(self) -> AsyncIterator[PasswordTurn]:
        """Wait for one of the few turns. Raises `TooManyLoginsError` when the queue is full."""
        if self._slots.locked() and self._waiting >= self._most_waiting:
            raise TooManyLoginsError
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield PasswordTurn(self._hasher, self._threads)
        finally:
            self._slots.release()

    async def hash(self, password: str) -> str:
        async with self.take_turn() as turn:
            return await turn.hash(password)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
