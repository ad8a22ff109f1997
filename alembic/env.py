"""Runs migrations over asyncpg, one process at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import SchemaItem

import src.auth.models
import src.chat.models
import src.documents.models
import src.llm.models  # noqa: F401, these fill the metadata
from src.config import Settings
from src.database import Base, asyncpg_url

# Any number will do, as long as every version of the application locks the same one.
_LOCK = 4_017_223_711


def _get_url() -> str:
    url = context.config.attributes.get("url")
    if isinstance(url, str):
        return url
    secret = Settings().database.url
    if secret is None:
        raise SystemExit("Set DATABASE_URL.")
    return secret.get_secret_value()


def _is_ours(_item: SchemaItem, name: str | None, kind: str, *_: object) -> bool:
    """Leave out the tables of the job queue, which its own library describes."""
    return not (kind == "table" and name is not None and name.startswith("pgqueuer"))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=_is_ours,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.run_migrations()


async def _run_online() -> None:
    engine = create_async_engine(asyncpg_url(_get_url()), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_run_online())
