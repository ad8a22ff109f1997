"""The tables of the job queue, as its library describes them."""

from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

revision = "2b1f6d0c9a54"
down_revision = "803c23df1ee6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _execute(QueryBuilderEnvironment().build_install_query(create_schema=False))


def downgrade() -> None:
    _execute(QueryBuilderEnvironment().build_uninstall_query())


def _execute(script: str) -> None:
    """Run several statements at once, which asyncpg does for no prepared statement."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None  # noqa: S101, the migration runs on it
    connection.run_async(lambda raw: raw.execute(script))
