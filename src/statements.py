"""Single statements on the driver itself, for what every request or every document asks for.

A session builds, compiles, caches and maps anew each time; these are compiled once and run on a
connection of the same pool, four to five times cheaper (docs/decisions/0100). Each is a transaction
of its own: whoever needs several in one uses a session.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import asyncpg
from fastapi import Depends
from sqlalchemy import Select, bindparam, column, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import greenlet_spawn
from starlette.requests import HTTPConnection

from src.database import ConnectionPool, DatabaseUnavailableError, is_outage

Row = Mapping[str, Any]

_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy's


class CompiledStatement:
    """A statement for `Statements`, with `bindparam` for what changes; made once, as a constant.

    Its rows come as asyncpg makes them: column types of one's own do not get to see them.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | UpdateBase) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._names = compiled.positiontup or []
        self._fixed = compiled.params

    def arrange(self, values: Mapping[str, object]) -> list[object]:
        return [values[name] if name in values else self._fixed[name] for name in self._names]


class TableParameter:
    """A table as a parameter, an array for each column: one statement for any number of rows.

    A VALUES list would have to be compiled anew for each number of rows.
    """

    def __init__(self, name: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
        self._names = [f"{name}_{key}" for key in columns]
        types = zip(self._names, columns.values(), strict=True)
        arrays = [bindparam(name, type_=ARRAY(type_)) for name, type_ in types]
        typed = [column(key, type_) for key, type_ in columns.items()]
        self.table = func.unnest(*arrays).table_valued(*typed).render_derived()

    def bind(self, rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
        """The values for a statement with the table; each row has its own in their order."""
        return {name: [row[at] for row in rows] for at, name in enumerate(self._names)}


class Statements:
    """Who waits for a connection, waits here: the pool's way costs more."""

    def __init__(self, engine: AsyncEngine) -> None:
        assert isinstance(engine.pool, ConnectionPool)  # noqa: S101, see `create_engine`
        self._pool = engine.pool
        self._turns = self._pool.turns

    async def fetch_one(self, statement: CompiledStatement, **values: object) -> Row | None:
        rows = await self.fetch_all(statement, **values)
        return rows[0] if rows else None

    async def fetch_all(self, statement: CompiledStatement, **values: object) -> list[Row]:
        """Return the rows, of a statement that writes as well: those of its RETURNING."""
        await self._wait_for_turn()
        try:
            return await self._fetch(statement, values)
        finally:
            self._turns.release()

    async def _wait_for_turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(self._pool.timeout()):
                await self._turns.acquire()
        except TimeoutError as exc:
            raise DatabaseUnavailableError from exc

    async def _fetch(self, statement: CompiledStatement, values: Mapping[str, object]) -> list[Row]:
        borrowed = self._pool.connect_idle()
        if borrowed is None:  # A greenlet, which waits, costs as much as the query.
            borrowed = await greenlet_spawn(self._pool.connect)
        driver = borrowed.driver_connection
        assert driver is not None  # noqa: S101, it is open
        try:
            # Cancelled here, the driver throws the answer away before its next query.
            rows = await driver.fetch(statement.sql, *statement.arrange(values))
        except (OSError, *_DRIVER_ERRORS) as exc:
            if driver.is_closed() or is_outage(exc):
                borrowed.invalidate(exc)
                raise DatabaseUnavailableError from exc
            raise
        finally:
            borrowed.close()
        return [dict(row) for row in rows]


async def get_statements(connection: HTTPConnection) -> Statements:
    statements: Statements = connection.state.statements
    return statements


StatementsDep = Annotated[Statements, Depends(get_statements)]
