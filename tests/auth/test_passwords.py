"""Hashing is bounded: in memory by the turns, in time by the queue."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from src.auth.exceptions import TooManyLoginsError
from src.auth.passwords import Passwords
from src.config import AuthSettings

SETTINGS = AuthSettings(
    argon2_time_cost=1,
    argon2_memory_kib=8,
    argon2_parallelism=1,
    hash_concurrency=2,
    hash_queue_length=3,
)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(SETTINGS)
    yield passwords
    passwords.close()


async def test_a_password_matches_itself_and_nothing_else(passwords: Passwords) -> None:
    password_hash = await passwords.hash("correct horse 1")
    assert password_hash.startswith("$argon2id$")
    async with passwords.take_turn() as turn:
        assert await turn.verify("correct horse 1", password_hash)
        assert not await turn.verify("correct horse 2", password_hash)
        assert not await turn.verify("correct horse 1", None)
        assert not await turn.verify("correct horse 1", "not a hash")
        assert not turn.is_outdated(password_hash)


async def test_other_parameters_make_a_hash_outdated(passwords: Passwords) -> None:
    stronger = Passwords(SETTINGS.model_copy(update={"argon2_time_cost": 2}))
    async with stronger.take_turn() as turn:
        assert turn.is_outdated(await passwords.hash("correct horse 1"))
    stronger.close()


async def test_few_have_a_turn_some_wait_and_the_rest_are_told_to_come_back(
    passwords: Passwords,
) -> None:
    release = asyncio.Event()
    inside, most_inside = 0, 0

    async def visit() -> None:
        nonlocal inside, most_inside
        async with passwords.take_turn():
            inside += 1
            most_inside = max(most_inside, inside)
            await release.wait()
            inside -= 1

    visitors = [asyncio.create_task(visit()) for _ in range(10)]
    refused, _ = await asyncio.wait(visitors, return_when=asyncio.FIRST_EXCEPTION)
    assert len(refused) == 5
    error = next(iter(refused)).exception()
    assert isinstance(error, TooManyLoginsError)
    assert error.retry_after_seconds
    visitors[3].cancel()  # Somebody in the queue goes away, and their place is free.
    await asyncio.sleep(0)
    visitors.append(asyncio.create_task(visit()))
    await asyncio.sleep(0)
    assert not visitors[-1].done()
    release.set()
    await asyncio.gather(*visitors, return_exceptions=True)
    assert most_inside == 2
    assert visitors[-1].exception() is None
    assert await passwords.hash("still working 1")


class HeldPassword(str):
    """Is not hashed before it is let go."""

    __slots__ = ("is_let_go",)

    def __init__(self, _: str) -> None:
        self.is_let_go = threading.Event()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        self.is_let_go.wait(60)
        return super().encode(encoding, errors)


async def test_a_caller_who_goes_away_keeps_the_turn_until_the_hash_is_done(
    passwords: Passwords,
) -> None:
    """Or a flood of impatient clients would start more hashes than there is memory for."""
    password = HeldPassword("correct horse 1")
    hashing = asyncio.create_task(passwords.hash(password))
    await asyncio.sleep(0)
    hashing.cancel()
    await asyncio.sleep(0.05)
    assert not hashing.done()
    password.is_let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await hashing
