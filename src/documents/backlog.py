"""How much work waits in the queue, for whoever watches it."""

from dataclasses import dataclass

from sqlalchemy import text

from src.database import Sessions
from src.documents.queue import INGEST, PURGE, PURGE_USER, RETAG

_WAITING = text(
    "SELECT entrypoint, count(*), extract(epoch FROM now() - min(created))::float"
    " FROM pgqueuer WHERE status = 'queued' GROUP BY entrypoint"
)


@dataclass(frozen=True, slots=True)
class Backlog:
    waiting: int = 0
    oldest_seconds: float = 0.0


async def read_backlog(sessions: Sessions) -> dict[str, Backlog]:
    """Return what waits of each kind of job, also where nothing does."""
    async with sessions() as session:
        rows = (await session.execute(_WAITING)).all()
    none = dict.fromkeys((INGEST, PURGE, PURGE_USER, RETAG), Backlog())
    return none | {kind: Backlog(count, seconds) for kind, count, seconds in rows}
