"""Finding documents by name and tag, usage, upload keys, and steps of ingestion on the row."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5d0c3a7e9f21"
down_revision = "5c1e7a90d350"
branch_labels = None
depends_on = None

_NAME_WORDS = (
    "to_tsvector('simple', regexp_replace(title || ' ' || filename, '[^[:alnum:]]+', ' ', 'g'))"
)
_SORTS = ("updated_at", "title_key", "size_bytes")


def _make_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("title_key", sa.String(), sa.Computed("lower(title)", persisted=True)),
        sa.Column("name_words", postgresql.TSVECTOR(), sa.Computed(_NAME_WORDS, persisted=True)),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_collection", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("chunks_skipped", sa.Integer(), server_default="0", nullable=False),
    ]


def upgrade() -> None:
    for column in _make_columns():
        op.add_column("documents", column)
    for name in ("title_key", "name_words"):
        op.alter_column("documents", name, nullable=False)
    for sort in _SORTS:
        op.create_index(
            op.f(f"ix_documents_user_id_{sort}_id"), "documents", ["user_id", sort, "id"]
        )
    op.create_index(op.f("ix_documents_collection_id"), "documents", ["collection", "id"])
    for name in ("name_words", "tags"):
        op.create_index(f"ix_documents_{name}", "documents", [name], postgresql_using="gin")
    op.create_index(
        "ix_documents_waiting",
        "documents",
        ["user_id"],
        postgresql_where=sa.text("status IN ('pending', 'processing')"),
    )
    op.add_column("chunks", sa.Column("issue_code", sa.String(), nullable=True))
    op.add_column("chunks", sa.Column("issue_detail", sa.String(), nullable=True))
    _create_usage()
    _create_upload_keys()
    op.create_table(
        "cached_embeddings",
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        _now("used_at"),
        sa.PrimaryKeyConstraint("collection", "digest", name=op.f("pk_cached_embeddings")),
    )
    op.create_index(op.f("ix_cached_embeddings_used_at"), "cached_embeddings", ["used_at"])


def downgrade() -> None:
    op.drop_table("cached_embeddings")
    op.drop_table("upload_keys")
    op.drop_table("document_usage")
    op.drop_column("chunks", "issue_detail")
    op.drop_column("chunks", "issue_code")
    for name in ("waiting", "tags", "name_words"):
        op.drop_index(f"ix_documents_{name}", table_name="documents")
    op.drop_index(op.f("ix_documents_collection_id"), table_name="documents")
    for sort in _SORTS:
        op.drop_index(op.f(f"ix_documents_user_id_{sort}_id"), table_name="documents")
    for column in _make_columns():
        op.drop_column("documents", column.name)


def _create_usage() -> None:
    op.create_table(
        "document_usage",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("documents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "languages",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        _belongs_to_user("document_usage"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_document_usage")),
    )
    op.execute(
        "INSERT INTO document_usage (user_id, documents, size_bytes) "
        "SELECT user_id, count(*), sum(size_bytes) FROM documents GROUP BY user_id"
    )


def _create_upload_keys() -> None:
    op.create_table(
        "upload_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _now("created_at"),
        _belongs_to_user("upload_keys"),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_upload_keys")),
    )
    op.create_index(op.f("ix_upload_keys_created_at"), "upload_keys", ["created_at"])


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _belongs_to_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id_users")
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")
