"""Tells whether the former version of the program can go on working after a migration.

During a rolling upgrade both versions use one database: the new one has migrated it, the old one
still reads and writes. So a migration only expands; what is not used any more is dropped by a later
release (docs/operating.md, "Upgrades").
"""

from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg

_COLUMNS = """
SELECT table_name, column_name, data_type, udt_name, is_nullable = 'YES' AS is_nullable,
       column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS' AS has_default
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name NOT LIKE ALL ('{pgqueuer%,alembic_version}')
"""
_CONSTRAINTS = """
SELECT rel.relname AS table_name, con.conname AS name, pg_get_constraintdef(con.oid) AS definition
FROM pg_constraint con JOIN pg_class rel ON rel.oid = con.conrelid
JOIN pg_namespace space ON space.oid = rel.relnamespace
WHERE space.nspname = 'public' AND con.contype <> 'n' AND rel.relname NOT LIKE 'pgqueuer%'
UNION
SELECT tablename, indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%' AND tablename NOT LIKE 'pgqueuer%'
"""


@dataclass(frozen=True, slots=True)
class Column:
    type: tuple[str, str]
    is_nullable: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class Structure:
    columns: dict[tuple[str, str], Column]
    constraints: dict[tuple[str, str], str]

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.columns}


async def read_structure(connection: asyncpg.Connection) -> Structure:
    columns = {
        (row["table_name"], row["column_name"]): Column(
            (row["data_type"], row["udt_name"]), row["is_nullable"], row["has_default"]
        )
        for row in await connection.fetch(_COLUMNS)
    }
    found = await connection.fetch(_CONSTRAINTS)
    return Structure(
        columns, {(row["table_name"], row["name"]): row["definition"] for row in found}
    )


def find_breaks(before: Structure, after: Structure) -> Iterator[str]:
    """Say what of the former version would fail."""
    for (table, name), old in before.columns.items():
        where = f"{table}.{name}"
        new = after.columns.get((table, name))
        if new is None:
            yield f"{where} is gone"
        elif new.type != old.type:
            yield f"{where} has another type"
        elif old.is_nullable and not new.is_nullable:
            yield f"{where} may not be empty any more"
        elif old.has_default and not new.has_default and not new.is_nullable:
            yield f"{where} has no default any more"
    for (table, name), new in after.columns.items():
        is_new = (table, name) not in before.columns and table in before.tables
        if is_new and not (new.is_nullable or new.has_default):
            yield f"{table}.{name} must be given, and the former version does not know it"
    for (table, name), definition in after.constraints.items():
        if table in before.tables and before.constraints.get((table, name)) != definition:
            yield f"{table} has a new rule: {definition}"
