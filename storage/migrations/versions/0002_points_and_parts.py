"""Points, which begin and end at one time, and segments that are a part of another one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the schema from 0001 to 0002."""
    with op.batch_alter_table("segment") as batch:
        batch.drop_constraint(op.f("ck_segment_span"), type_="check")
        batch.create_check_constraint(
            op.f("ck_segment_span"),
            "start_us >= 0 AND CASE kind WHEN 'point' THEN end_us = start_us"
            " ELSE end_us > start_us END",
        )
        batch.add_column(sa.Column("parent_id", sa.String(36), nullable=True))
        batch.create_foreign_key(
            "fk_segment_parent_id",
            "segment",
            ["parent_id"],
            ["id"],
            deferrable=True,
            initially="DEFERRED",
        )
        batch.create_index("ix_segment_parent_id", ["parent_id"])
