"""Logins, refresh tokens, API keys and the audit trail."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5c8e0d7b41fa"
down_revision = "2b1f6d0c9a54"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_users_created_at_id"), "users", ["created_at", "id"])
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        _moment("created_at", has_default=True),
        _moment("last_used_at", has_default=True),
        _moment("expires_at"),
        _moment("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_login_sessions_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
    )
    op.create_index(
        op.f("ix_login_sessions_user_id_last_used_at_id"),
        "login_sessions",
        ["user_id", "last_used_at", "id"],
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("login_id", sa.Uuid(), nullable=False),
        _moment("created_at", has_default=True),
        _moment("used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["login_id"],
            ["login_sessions.id"],
            name=op.f("fk_refresh_tokens_login_id_login_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_login_id"), "refresh_tokens", ["login_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        _moment("created_at", has_default=True),
        _moment("expires_at", nullable=True),
        _moment("revoked_at", nullable=True),
        _moment("last_used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index(
        op.f("ix_api_keys_user_id_created_at_id"), "api_keys", ["user_id", "created_at", "id"]
    )
    op.create_table(
        "auth_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        _moment("created_at", has_default=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_auth_events_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_events")),
    )
    op.create_index(
        op.f("ix_auth_events_user_id_created_at_id"),
        "auth_events",
        ["user_id", "created_at", "id"],
    )
    op.create_index(op.f("ix_auth_events_created_at_id"), "auth_events", ["created_at", "id"])


def downgrade() -> None:
    op.drop_table("auth_events")
    op.drop_table("api_keys")
    op.drop_table("refresh_tokens")
    op.drop_table("login_sessions")
    op.drop_index(op.f("ix_users_created_at_id"), table_name="users")


def _moment(name: str, *, has_default: bool = False, nullable: bool = False) -> sa.Column[datetime]:
    default = sa.text("now()") if has_default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)
