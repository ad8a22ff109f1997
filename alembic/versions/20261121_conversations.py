"""Conversations: settings, stored streams, search, feedback and retried questions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "6c0e7d41b2a8"
down_revision = "5d0c3a7e9f21"
branch_labels = None
depends_on = None

_WORDS = """\
CASE WHEN status::text <> 'streaming'::text \
THEN to_tsvector('simple'::regconfig, left(content::text, 200000)) \
|| array_to_tsvector(ARRAY[user_id::text]) ELSE NULL::tsvector END"""


def upgrade() -> None:
    _upgrade_sessions()
    _upgrade_messages()
    _create_feedback()
    _create_idempotency_keys()


def _upgrade_sessions() -> None:
    for column in (
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("system_prompt", sa.String(), nullable=True),
        sa.Column("options", postgresql.JSONB(), nullable=True),
        sa.Column("document_ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("chat_sessions", column)


def _upgrade_messages() -> None:
    for column in (
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("runs", postgresql.ARRAY(sa.Integer()), nullable=False, server_default="{}"),
        sa.Column("request", postgresql.JSONB(), nullable=True),
        sa.Column("source_count", sa.Integer(), nullable=True),
        sa.Column("problem", postgresql.JSONB(), nullable=True),
        sa.Column("is_stop_requested", sa.Boolean(), nullable=False, server_default="false"),
    ):
        op.add_column("messages", column)
    op.execute(
        "UPDATE messages SET user_id = s.user_id FROM chat_sessions s WHERE s.id = session_id"
    )
    op.execute("UPDATE messages SET runs = ARRAY[length(thinking), length(content)]")
    op.execute(
        "UPDATE messages SET problem = jsonb_build_object('type', 'urn:colloquy:problem:' ||"
        " error_code, 'title', 'Failed', 'status', 500, 'detail', coalesce(error_detail, ''),"
        " 'code', error_code, 'request_id', NULL, 'errors', NULL) WHERE error_code IS NOT NULL"
    )
    op.execute(
        "UPDATE messages SET source_count = n FROM (SELECT message_id, count(*) AS n"
        " FROM message_sources GROUP BY 1) AS counted WHERE message_id = messages.id"
    )
    op.alter_column("messages", "user_id", nullable=False)
    op.alter_column("messages", "runs", server_default=None)
    op.alter_column("messages", "is_stop_requested", server_default=None)
    op.drop_column("messages", "error_code")
    op.drop_column("messages", "error_detail")
    op.create_foreign_key(
        op.f("fk_messages_user_id_users"),
        "messages",
        "users",
        ["user_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(op.f("ix_messages_user_id"), "messages", ["user_id"])
    op.add_column(
        "messages",
        sa.Column("words", postgresql.TSVECTOR(), sa.Computed(_WORDS, persisted=True)),
    )
    op.create_index(
        "ix_messages_words",
        "messages",
        ["words"],
        postgresql_using="gin",
        postgresql_where=sa.text("status<>'streaming'"),
    )
    _index_streaming("id")


def _create_feedback() -> None:
    op.create_table(
        "message_feedback",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_feedback_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_feedback")),
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_idempotency_keys_message_id_messages"),
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_idempotency_keys_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_message_id"), "idempotency_keys", ["message_id"])
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def _index_streaming(column: str) -> None:
    op.drop_index("ix_messages_streaming", table_name="messages")
    op.create_index(
        "ix_messages_streaming",
        "messages",
        [column],
        postgresql_where=sa.text("status='streaming'"),
    )


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_table("message_feedback")
    _index_streaming("heartbeat_at")
    op.drop_index("ix_messages_words", table_name="messages")
    op.add_column("messages", sa.Column("error_code", sa.String(), nullable=True))
    op.add_column("messages", sa.Column("error_detail", sa.String(), nullable=True))
    op.execute(
        "UPDATE messages SET error_code = problem ->> 'code', error_detail = problem ->> 'detail'"
    )
    for name in (
        "words",
        "is_stop_requested",
        "problem",
        "source_count",
        "request",
        "runs",
        "user_id",
    ):
        op.drop_column("messages", name)
    for name in ("archived_at", "tags", "document_ids", "options", "system_prompt", "model"):
        op.drop_column("chat_sessions", name)
