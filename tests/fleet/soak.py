"""Ten minutes of everything at once, while processes are killed: `make soak`, SECONDS=… for less.

Visitors log in, upload, ask, come back, stop, search and delete. Every few seconds an API, a worker
or PostgreSQL is killed and started again. In the second half one API and one worker are left alone,
and must hold no more at its end than near its beginning. At last all that somebody was told is
compared with what there is. Exits with 1 when anything is wrong.
"""

import asyncio
import os
import random
import secrets
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fleet import gauges
from tests.fleet.crowd import Crowd, gather_crowd
from tests.fleet.fleet import Fleet, find_missing, run_fleet, wait_until_idle
from tests.fleet.parts import COLLOQUY, HOST, Part, answers_http, find_free_port

_VISITORS = 12
_KILL_PAUSE_SECONDS = (5.0, 15.0)
_SAMPLE_SECONDS = 2.0
# Of the run; before that caches and pools fill.
_SPARED_FROM, _MEASURED_FROM = 0.5, 0.6
# Four processes with a pool of ten; a worker listens on one of its own.
_MOST_CONNECTIONS = 44


class Soak:
    def __init__(self, fleet: Fleet, crowd: Crowd, seconds: float, chance: random.Random) -> None:
        self._fleet = fleet
        self._crowd = crowd
        begins_at = time.monotonic()
        self._ends_at = begins_at + seconds
        self._spared_from = begins_at + seconds * _SPARED_FROM
        self._measured_from = begins_at + seconds * _MEASURED_FROM
        self._chance = chance
        self.kills: Counter[str] = Counter()
        self.samples: dict[str, list[gauges.Sample]] = defaultdict(list)

    @property
    def spared(self) -> tuple[Part, Part]:
        """The ones left alone in the second half, where their growth is measured."""
        return self._fleet.apis[0], self._fleet.workers[0]

    async def run(self) -> None:
        killing = asyncio.create_task(self._kill_now_and_then())
        while time.monotonic() < self._ends_at:
            await asyncio.sleep(_SAMPLE_SECONDS)
            if killing.done():
                break
            if time.monotonic() > self._measured_from:
                await self._sample()
        await killing

    async def _sample(self) -> None:
        for part in self.spared:
            if sample := await gauges.take(part):
                self.samples[part.name].append(sample)

    async def _kill_now_and_then(self) -> None:
        while time.monotonic() < self._ends_at:
            victim = self._chance.choice(self._list_victims())
            self.kills[victim.name] += 1
            await victim.kill()
            await asyncio.sleep(self._chance.random() * 2)
            await victim.start()
            await asyncio.sleep(self._chance.uniform(*_KILL_PAUSE_SECONDS))

    def _list_victims(self) -> list[Part]:
        everybody = [self._fleet.postgres, *self._fleet.apis, *self._fleet.workers]
        if time.monotonic() < self._spared_from:
            return everybody
        return [part for part in everybody if part not in self.spared]


@asynccontextmanager
async def run_models(folder: Path) -> AsyncIterator[str]:
    port = find_free_port()
    url = f"http://{HOST}:{port}"
    argv = [COLLOQUY, "offline-models", "--port", str(port)]
    models = Part("models", argv, folder, lambda _: answers_http(f"{url}/api/version"))
    await models.start()
    try:
        yield url
    finally:
        await models.kill()


async def soak(folder: Path, seconds: float, seed: int) -> bool:
    """Run it and print the report; return whether all was well."""
    chance = random.Random(seed)  # noqa: S311, a repeatable choice
    async with run_models(folder) as models_url, run_fleet(folder, models_url) as fleet:
        before = await gauges.count_connections(fleet)
        async with gather_crowd(fleet.api_urls, _VISITORS, seed) as crowd:
            run = Soak(fleet, crowd, seconds, chance)
            await run.run()
            wrong = await crowd.check()
        await wait_until_idle(fleet)
        after = await gauges.count_connections(fleet)
        code, verified = await fleet.run("verify")
    print_traffic(crowd, run.kills)
    is_flat = print_growth(run)
    print(
        f"\nconnections to PostgreSQL, idle: {before} before, {after} after, "
        f"at most {_MOST_CONNECTIONS} in the pools"
    )
    print(f"\ncolloquy verify, exit code {code}:")
    print("\n".join(line for line in verified.splitlines() if line.split()[-1:][0].isdigit()))
    print(f"\nviolations: {len(wrong)}")
    for what in wrong:
        print(f"  {what}")
    return not wrong and is_flat and code == 0 and after <= _MOST_CONNECTIONS


def print_traffic(crowd: Crowd, kills: Counter[str]) -> None:
    told, untold = crowd.told, crowd.untold
    print(f"\n{'action':16}{'told':>8}{'not told':>10}")
    for name in sorted(told | untold):
        print(f"{name:16}{told[name]:8}{untold[name]:10}")
    print(f"{'total':16}{told.total():8}{untold.total():10}")
    ledgers = [visitor.ledger for visitor in crowd.visitors]
    print(f"\ncompared: {sum(len(each.documents) for each in ledgers)} documents kept, ", end="")
    print(f"{sum(len(each.deleted) for each in ledgers)} deleted, ", end="")
    print(f"{sum(len(each.begun) for each in ledgers)} answers ", end="")
    print(f"({sum(len(each.completed) for each in ledgers)} read to their end), ", end="")
    print(f"{sum(len(each.dead_tokens) for each in ledgers)} logins ended")
    print(f"killed: {', '.join(f'{name} {count}x' for name, count in sorted(kills.items()))}")


def print_growth(run: Soak) -> bool:
    print(f"\n{'held, of the spared':24}{'first quarter':>14}{'last quarter':>14}{'most':>10}")
    is_flat = True
    for name, samples in run.samples.items():
        for what, (before, after, most, is_well) in gauges.compare(samples).items():
            mark = "" if is_well else "  GREW"
            print(f"{f'{name} {what}':24}{before:14.0f}{after:14.0f}{most:10.0f}{mark}")
            is_flat &= is_well
    return is_flat


def main() -> None:
    if missing := find_missing():
        raise SystemExit(f"make soak needs Debian's {' and '.join(missing)}")
    seconds = float(os.environ.get("SECONDS", "600"))
    seed = int(os.environ.get("SEED", str(secrets.randbelow(1_000_000))))
    print(f"{seconds:g} seconds, {_VISITORS} visitors, SEED={seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="colloquy-soak-"))
    if not asyncio.run(soak(folder, seconds, seed)):
        print(f"\nThe fleet's logs and files are in {folder}.")
        raise SystemExit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
