"""Find everybody's usage of the last days without reading all of it."""

from alembic import op

revision = "5c1e7a90d350"
down_revision = "5c8e0d7b41fa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_llm_usage_day_user_id_model", "llm_usage", ["day", "user_id", "model"])


def downgrade() -> None:
    op.drop_index("ix_llm_usage_day_user_id_model", table_name="llm_usage")
