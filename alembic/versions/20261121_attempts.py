"""Let only the latest job of a document write; what is indexed anew waits as well."""

import sqlalchemy as sa
from alembic import op

revision = "7f3d92c5a1e6"
down_revision = "6c0e7d41b2a8"
branch_labels = None
depends_on = None

_INDEX = "ix_documents_waiting"
_UNFINISHED = "status IN ('pending', 'processing')"
_HAS_WORK = f"({_UNFINISHED} OR status = 'ready' AND next_collection IS NOT NULL)"


def upgrade() -> None:
    attempt = sa.Column("attempt", sa.Integer(), server_default="0", nullable=False)
    op.add_column("documents", attempt)
    op.drop_index(_INDEX, table_name="documents")
    op.create_index(_INDEX, "documents", ["user_id"], postgresql_where=sa.text(_HAS_WORK))


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="documents")
    op.create_index(_INDEX, "documents", ["user_id"], postgresql_where=sa.text(_UNFINISHED))
    op.drop_column("documents", "attempt")
