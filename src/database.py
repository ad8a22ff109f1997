"""The engine, the sessions and the one transaction of a request. Nothing else commits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import alembic.command
import alembic.config
import asyncpg
import uuid_utils.compat
from fastapi import Depends
from sqlalchemy import DateTime, MetaData, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError, MissingGreenlet, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util.concurrency import in_greenlet
from starlette.requests import HTTPConnection

from src.config import DatabaseSettings
from src.exceptions import InvalidError, UnauthenticatedError, UnavailableError

_ALEMBIC_INI = Path(__file__).parent.parent / "alembic.ini"
_READING_METHODS = frozenset({"GET", "HEAD"})
_ENDING = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,  # What asyncpg says when a connection ends between two queries.
)

# While a connection is being set up, nothing else but its end is to blame.
_UNFINISHED = (*_ENDING, OSError, SQLAlchemyError, AsyncAdapt_asyncpg_dbapi.Error)

Sessions: TypeAlias = async_sessionmaker[AsyncSession]


class DatabaseUnavailableError(UnavailableError):
    code = "database_unavailable"
    default_detail = "The database cannot be reached at the moment. Try again shortly."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, retry_after_seconds=2)


class UnstorableValueError(InvalidError):
    """The last resort for values that a schema should have refused."""

    code = "unstorable_value"
    default_detail = "The request holds a value that cannot be stored, such as a NUL character."


class AccountGoneError(UnauthenticatedError):
    """Something was about to be stored for a user who was deleted at the same moment."""

    code = "account_deleted"
    default_detail = "This account was deleted."


class Base(DeclarativeBase):
    """Every table of every module. Constraint names are fixed, so that migrations can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012, SQLAlchemy's own form


class ConnectionPool(AsyncAdaptedQueuePool):
    """Says in our own words that there is no connection to be had, to every session and task alike.

    All may be busy, or a new one ends before it is set up. After `dispose`, a connection that comes
    back late is closed as well.
    """

    _is_disposed = False

    @cached_property
    def turns(self) -> asyncio.Semaphore:
        """For `Statements`: all of them together use half of the connections at once.

        The other half is for sessions, and for a worker, which listens on one of them.
        """
        return asyncio.Semaphore((self.size() + 1) // 2)

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except _UNFINISHED as exc:
            raise DatabaseUnavailableError from exc

    def dispose(self) -> None:
        self._is_disposed = True
        super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if self._is_disposed:
            record.invalidate()
        super()._do_return_conn(record)

    def connect_idle(self) -> PoolProxiedConnection | None:
        """Lend a connection that is there and alive; called from where nothing can be awaited."""
        if self.checkedin():
            with contextlib.suppress(MissingGreenlet):  # It died, and is to be replaced.
                return super().connect()
        return None


def new_id() -> UUID:
    """Make a UUIDv7 (RFC 9562): ids sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def utc_now() -> datetime:
    return datetime.now(UTC)


def asyncpg_url(url: str) -> URL:
    """Accept `postgres://` and `postgresql://` as people write them."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(url: str, settings: DatabaseSettings) -> AsyncEngine:
    engine = create_async_engine(
        asyncpg_url(url),
        poolclass=ConnectionPool,
        pool_size=settings.pool_size,
        max_overflow=0,
        hide_parameters=True,  # They hold questions and documents; errors go to the log.
        pool_timeout=settings.pool_timeout_seconds,
        connect_args={"server_settings": {"application_name": "colloquy"}},
    )
    event.listen(engine.sync_engine, "do_connect", _connect)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "handle_error", _translate)
    return engine


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision. Blocks, and runs an event loop of its own: call in a thread.

    Several processes may start at once: an advisory lock lets one of them do it.
    """
    config = load_migrations()
    config.attributes["url"] = url
    alembic.command.upgrade(config, revision)


def load_migrations() -> alembic.config.Config:
    return alembic.config.Config(_ALEMBIC_INI)


def create_sessions(bind: AsyncEngine | AsyncConnection) -> Sessions:
    return async_sessionmaker(bind, expire_on_commit=False)


def create_readers(engine: AsyncEngine) -> Sessions:
    """Sessions on the same pool whose every statement is a transaction of its own.

    PostgreSQL shows each statement what was committed before it, with BEGIN and COMMIT around them
    or without: those would be two round trips for nothing.
    """
    return create_sessions(engine.execution_options(isolation_level="AUTOCOMMIT"))


async def get_session(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    """Open the session of a request; one that only reads needs no transaction around it."""
    is_reading = connection.scope.get("method") in _READING_METHODS
    sessions: Sessions = connection.state.readers if is_reading else connection.state.sessions
    async with sessions() as session:
        yield session
        await session.commit()


# "function" ends it before the response leaves: a failed commit is an error that the caller sees.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def begin_single(session: AsyncSession) -> None:
    """Prepare for a single statement, which is a transaction of its own: one round trip for four.

    It lasts until `release`; the session must not have begun anything.
    """
    await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})


async def release(session: AsyncSession) -> None:
    """Commit what was done so far and give the connection back, before awaiting something slow."""
    await session.commit()


def _connect(
    dialect: Dialect,
    _record: ConnectionPoolEntry,
    arguments: tuple[Any, ...],
    parameters: dict[str, Any],
) -> DBAPIConnection:
    if not in_greenlet():
        raise MissingGreenlet  # `connect_idle` leaves it to `connect`, which can wait.
    try:
        return dialect.connect(*arguments, **parameters)
    # The dialect translates what the server says, such as that it is still starting up.
    except (OSError, dialect.loaded_dbapi.Error) as exc:
        raise DatabaseUnavailableError from exc


def _refuse_closed(
    connection: DBAPIConnection, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Replace a connection that died in the pool; asyncpg knows without a round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def is_outage(exc: BaseException | None) -> bool:
    """Tell whether an error of asyncpg means that its connection ends, open as it may look."""
    return isinstance(exc, _ENDING)


def _translate(context: ExceptionContext) -> None:
    if not isinstance(context.original_exception, Exception):
        return  # The connection is given up as well, but because the task is cancelled.
    cause = context.original_exception.__cause__
    context.is_disconnect = context.is_disconnect or is_outage(cause)
    if context.is_disconnect:
        raise DatabaseUnavailableError from context.original_exception
    if isinstance(cause, asyncpg.DataError):
        raise UnstorableValueError from context.original_exception
    if isinstance(cause, asyncpg.ForeignKeyViolationError) and _names_no_user(cause):
        raise AccountGoneError from context.original_exception


def _names_no_user(violation: asyncpg.ForeignKeyViolationError) -> bool:
    return str(violation.constraint_name).endswith("_user_id_users")


def is_unique_violation(exc: BaseException, constraint: str) -> bool:
    """Tell whether an `IntegrityError` came from the named unique constraint."""
    cause = exc.__cause__
    while cause is not None and not isinstance(cause, asyncpg.UniqueViolationError):
        cause = cause.__cause__
    return cause is not None and cause.constraint_name == constraint
