import asyncio

import pytest

from src.chat.doorway import Doorway, Place

NEVER_SECONDS = 3600.0


async def enter_all(doorway: Doorway, count: int) -> tuple[list[int], dict[int, Place]]:
    """Let so many in who come one after the other; `order` tells who is in so far."""
    order: list[int] = []
    places: dict[int, Place] = {}

    async def come(number: int) -> None:
        places[number] = await doorway.enter()
        order.append(number)

    tasks = [asyncio.create_task(come(number)) for number in range(count)]
    await let_run()
    assert len(tasks) == count
    return order, places


async def let_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_whoever_came_first_is_let_in_first() -> None:
    order, places = await enter_all(Doorway(2, NEVER_SECONDS), 4)
    assert order == [0, 1]
    places[1].leave()
    await let_run()
    assert order == [0, 1, 2]
    places[1].leave()
    await let_run()
    assert order == [0, 1, 2]
    places[0].leave()
    await let_run()
    assert order == [0, 1, 2, 3]


async def test_whoever_stays_for_long_makes_room() -> None:
    doorway = Doorway(1, patience_seconds=0.01)
    async with asyncio.timeout(30):
        for _ in range(3):
            await doorway.enter()


async def test_a_place_is_given_back_however_the_block_ends() -> None:
    doorway = Doorway(1, NEVER_SECONDS)
    with pytest.raises(ZeroDivisionError), await doorway.enter():
        raise ZeroDivisionError
    async with asyncio.timeout(30):
        with await doorway.enter() as place:
            place.keep()
        entering = asyncio.create_task(doorway.enter())
        await let_run()
        assert not entering.done()
        place.leave()
        await entering


async def test_whoever_gives_up_waiting_takes_no_place() -> None:
    order, places = await enter_all(doorway := Doorway(1, NEVER_SECONDS), 1)
    assert order == [0]
    waiting = asyncio.create_task(doorway.enter())
    await let_run()
    waiting.cancel()
    await let_run()
    places[0].leave()
    async with asyncio.timeout(30):
        await doorway.enter()
