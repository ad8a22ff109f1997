"""Whatever process dies at whatever moment: what somebody was told stays true."""

import signal

import pytest

from tests.fleet.crowd import gather_crowd
from tests.fleet.fleet import Fleet, wait_until_idle

pytestmark = pytest.mark.timeout(600)

SEED = 20_261
VISITORS = 4
SOME = 20


@pytest.mark.parametrize("victim", ["api-1", "api-2", "worker-1", "worker-2"])
async def test_nothing_told_is_lost_to_the_death_of(fleet: Fleet, victim: str) -> None:
    """The others go on while it is dead."""
    part = fleet.get_part(victim)
    async with gather_crowd(fleet.api_urls, VISITORS, SEED) as crowd:
        await crowd.wait_for(SOME)
        await part.kill()
        await crowd.wait_for(SOME)
        await part.start()
        await crowd.wait_for(SOME)
        await check(fleet, await crowd.check())


@pytest.mark.parametrize("is_kind", [True, False], ids=["restarted", "killed"])
async def test_nothing_told_is_lost_when_postgresql_is(fleet: Fleet, *, is_kind: bool) -> None:
    async with gather_crowd(fleet.api_urls, VISITORS, SEED) as crowd:
        await crowd.wait_for(SOME)
        if is_kind:
            await fleet.postgres.stop(signal.SIGINT)  # "fast": open transactions are ended
        else:
            await fleet.postgres.kill()
        await fleet.postgres.start()
        await crowd.wait_for(SOME)
        await check(fleet, await crowd.check())


async def check(fleet: Fleet, violations: list[str]) -> None:
    assert violations == []
    await wait_until_idle(fleet)
    code, report = await fleet.run("verify")
    assert code == 0, report
