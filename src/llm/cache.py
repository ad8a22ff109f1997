"""Values that are dear to load and may be a little old."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[ValueT]):
    value: ValueT
    expires_at: float


class ExpiringCache(Generic[KeyT, ValueT]):
    """Loads a value once per key and lifetime.

    Callers that come during a load share it and its failure: when a server hangs, they all wait
    for one timeout and not for one after the other. A failure is not kept.
    """

    def __init__(self, load: Callable[[KeyT], Awaitable[ValueT]], ttl_seconds: float) -> None:
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._entries: dict[KeyT, _Entry[ValueT]] = {}
        self._loads: dict[KeyT, asyncio.Task[ValueT]] = {}

    def knows(self, key: KeyT) -> bool:
        """Tell whether `get` would return at once."""
        entry = self._entries.get(key)
        return entry is not None and monotonic() < entry.expires_at

    async def get(self, key: KeyT) -> ValueT:
        return self._entries[key].value if self.knows(key) else await self.refresh(key)

    def clear(self) -> None:
        self._entries = {}

    async def refresh(self, key: KeyT) -> ValueT:
        """Load the value anew, however young the known one is."""
        load = self._loads.get(key)
        if load is None:
            load = self._loads[key] = asyncio.create_task(self._store(key))
            load.add_done_callback(_retrieve_exception)
        # One impatient caller must not cancel what the others wait for.
        return await asyncio.shield(load)

    async def _store(self, key: KeyT) -> ValueT:
        try:
            value = await self._load(key)
        finally:
            del self._loads[key]
        now = monotonic()
        self._entries = {k: entry for k, entry in self._entries.items() if now < entry.expires_at}
        self._entries[key] = _Entry(value, now + self._ttl_seconds)
        return value


def _retrieve_exception(task: asyncio.Task[object]) -> None:
    """Keep asyncio from reporting a failure after every caller has left."""
    if not task.cancelled():
        task.exception()
