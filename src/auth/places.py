"""How much one user may have going on in this process at once."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, Literal
from uuid import UUID

from src.auth.exceptions import TooManyAtOnceError
from src.config import RateLimitSettings

Occupation = Literal["stream", "upload"]

_SOON_SECONDS: Final = 5


class Places:
    def __init__(self, settings: RateLimitSettings) -> None:
        self._most: dict[Occupation, int] = {
            "stream": settings.streams_at_once,
            "upload": settings.uploads_at_once,
        }
        self._taken: Counter[tuple[Occupation, UUID]] = Counter()

    def take(self, occupation: Occupation, user_id: UUID) -> Callable[[], None]:
        """Take a place and return what gives it back, or raise `TooManyAtOnceError`."""
        place = (occupation, user_id)
        if self._taken[place] >= self._most[occupation]:
            raise TooManyAtOnceError(retry_after_seconds=_SOON_SECONDS)
        self._taken[place] += 1
        return partial(self._give_back, place)

    def _give_back(self, place: tuple[Occupation, UUID]) -> None:
        self._taken[place] -= 1
        if not self._taken[place]:
            del self._taken[place]
