"""Who waits for a place gets it by the order of the line, and who leaves it holds nothing."""

import asyncio

from src.documents.turns import Turns


class Line:
    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.order: list[int] = []
        self.may_go = asyncio.Event()

    async def wait(self, place: int) -> asyncio.Task[None]:
        async def hold() -> None:
            async with self.turns.take(place):
                self.order.append(place)
                await self.may_go.wait()

        task = asyncio.create_task(hold())
        await settle()
        return task


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_lowest_place_goes_first_and_equals_in_turn() -> None:
    line = Line(places=1)
    tasks = [await line.wait(place) for place in (7, 5, 0, 5, 3)]
    assert line.order == [7]
    line.may_go.set()
    await asyncio.gather(*tasks)
    assert line.order == [7, 0, 3, 5, 5]


async def test_who_leaves_takes_no_place_along() -> None:
    line = Line(places=2)
    one, two, left, next_, last = [await line.wait(place) for place in (1, 2, 3, 4, 5)]
    left.cancel()
    await settle()
    assert line.order == [1, 2]
    one.cancel()
    await settle()
    assert line.order == [1, 2, 4]
    line.may_go.set()
    await asyncio.gather(two, next_, last)
    assert line.order == [1, 2, 4, 5]
