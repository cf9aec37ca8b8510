"""Operations, which are undone and redone by their ids, and proposals that a person rejected."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the schema from 0002 to 0003."""
    for name in ("operation", "undoes", "redoes"):
        op.add_column("change", sa.Column(name, sa.String(36), nullable=True))
    op.create_index("ix_change_operation", "change", ["operation"], unique=True)
    op.create_index(
        "ix_change_operations_of_video",
        "change",
        ["video_id", "sequence", "operation", "undoes", "redoes"],
        sqlite_where=sa.text("operation IS NOT NULL"),
        postgresql_where=sa.text("operation IS NOT NULL"),
    )
    op.create_table(
        "proposal_answer",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("video_id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Boolean, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_proposal_answer_run_id"),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name="fk_proposal_answer_video_id"),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_answer"),
    )
    op.create_index("ix_proposal_answer_video_id", "proposal_answer", ["video_id"])
