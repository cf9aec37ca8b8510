"""The first schema: projects, videos, labels, segments, jobs, runs, statistics."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the schema from nothing to 0001."""
    _library()
    _annotations()
    _work()


def _library() -> None:
    """Create projects, videos and labels."""
    op.create_table(
        "project",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("name", name="uq_project_name"),
    )
    op.create_table(
        "video",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=True),
        sa.Column("mtime_ns", sa.BigInteger, nullable=True),
        sa.Column("duration_us", sa.BigInteger, nullable=True),
        sa.Column("width", sa.Integer, nullable=True),
        sa.Column("height", sa.Integer, nullable=True),
        sa.Column("rotation", sa.Integer, nullable=False),
        sa.Column("offset_us", sa.BigInteger, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("fps", sa.Double, nullable=True),
        sa.Column("frame_count", sa.Integer, nullable=True),
        sa.Column("timing", sa.Text, nullable=False),
        sa.Column("health", sa.String(16), nullable=False),
        sa.Column("health_reason", sa.Text, nullable=False),
        sa.Column("usable_us", sa.BigInteger, nullable=True),
        sa.Column("playable", sa.Boolean, nullable=True),
        sa.Column("has_audio", sa.Boolean, nullable=True),
        sa.Column("split", sa.Text, nullable=True),
        sa.Column("goal", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_video_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_video"),
        sa.UniqueConstraint("project_id", "name", name="uq_video_project_id_name"),
        sa.UniqueConstraint("project_id", "path", name="uq_video_project_id_path"),
    )
    op.create_index("ix_video_content_hash", "video", ["content_hash"])
    op.create_table(
        "label_set",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_label_set_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_label_set"),
        sa.UniqueConstraint("project_id", "name", name="uq_label_set_project_id_name"),
    )
    op.create_table(
        "label",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("label_set_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("noun", sa.Text, nullable=False),
        sa.Column("colour", sa.Text, nullable=False),
        sa.Column("hotkey", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["label_set_id"], ["label_set.id"], name="fk_label_label_set_id"),
        sa.PrimaryKeyConstraint("id", name="pk_label"),
        sa.UniqueConstraint("label_set_id", "name", name="uq_label_label_set_id_name"),
    )


def _annotations() -> None:
    """Create imports, segments and the log of changes."""
    op.create_table(
        "annotation_import",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("segments", sa.Integer, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("undone_us", sa.BigInteger, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_annotation_import_project_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotation_import"),
        sa.UniqueConstraint("token", name="uq_annotation_import_token"),
    )
    op.create_index("ix_annotation_import_project_id", "annotation_import", ["project_id"])
    op.create_table(
        "segment",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("video_id", sa.Integer, nullable=False),
        sa.Column("label_id", sa.Integer, nullable=True),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("track", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("confidence", sa.Double, nullable=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("import_id", sa.Integer, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("deleted_us", sa.BigInteger, nullable=True),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "kind = 'ignore' OR label_id IS NOT NULL", name=op.f("ck_segment_labelled")
        ),
        sa.CheckConstraint("start_us >= 0 AND end_us > start_us", name=op.f("ck_segment_span")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["annotation_import.id"], name="fk_segment_import_id"
        ),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name="fk_segment_label_id"),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name="fk_segment_video_id"),
        sa.PrimaryKeyConstraint("id", name="pk_segment"),
    )
    op.create_index("ix_segment_import_id", "segment", ["import_id"])
    op.create_index(
        "ix_segment_live_label_id",
        "segment",
        ["label_id"],
        sqlite_where=sa.text("deleted_us IS NULL"),
        postgresql_where=sa.text("deleted_us IS NULL"),
    )
    op.create_index(
        "ix_segment_live_video_id_start_us",
        "segment",
        ["video_id", "start_us"],
        sqlite_where=sa.text("deleted_us IS NULL"),
        postgresql_where=sa.text("deleted_us IS NULL"),
    )
    op.create_table(
        "change",
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("video_id", sa.Integer, nullable=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_change_project_id"),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name="fk_change_video_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_change"),
    )
    op.create_index("ix_change_video_id", "change", ["video_id"])


def _work() -> None:
    """Create jobs, runs and what they found."""
    op.create_table(
        "job",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("pid", sa.Integer, nullable=True),
        sa.Column("pid_start", sa.Double, nullable=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("stop_request", sa.String(16), nullable=True),
        sa.Column("heartbeat_us", sa.BigInteger, nullable=True),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=True),
        sa.Column("ended_us", sa.BigInteger, nullable=True),
        sa.Column("exit_code", sa.Integer, nullable=True),
        sa.Column("error", sa.JSON, nullable=True),
        sa.Column("progress", sa.JSON, nullable=True),
        sa.Column("result", sa.JSON, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_job_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index(
        "ix_job_one_running_per_slot",
        "job",
        ["slot"],
        unique=True,
        sqlite_where=sa.text("state IN ('RUNNING', 'STOPPING')"),
        postgresql_where=sa.text("state IN ('RUNNING', 'STOPPING')"),
    )
    op.create_index("ix_job_project_id", "job", ["project_id"])
    op.create_index("ix_job_queue", "job", ["state", "slot", "priority"])
    op.create_table(
        "curve_point",
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_curve_point_job_id"),
        sa.PrimaryKeyConstraint("job_id", "step", "name", name="pk_curve_point"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("classifier", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("backbone", sa.Text, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("context", sa.Text, nullable=False),
        sa.Column("decoder", sa.Text, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("data_hash", sa.Text, nullable=False),
        sa.Column("label_set_id", sa.Integer, nullable=True),
        sa.Column("label_set_revision", sa.Integer, nullable=True),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_run_job_id"),
        sa.ForeignKeyConstraint(["label_set_id"], ["label_set.id"], name="fk_run_label_set_id"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_run_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("project_id", "name", name="uq_run_project_id_name"),
    )
    op.create_index("ix_run_job_id", "run", ["job_id"])
    op.create_table(
        "run_metric",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("low", sa.Double, nullable=True),
        sa.Column("high", sa.Double, nullable=True),
        sa.Column("count", sa.Integer, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_metric_run_id"),
        sa.PrimaryKeyConstraint("run_id", "split", "key", name="pk_run_metric"),
    )
    op.create_table(
        "prediction",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("video_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("ms", sa.Double, nullable=False),
        sa.Column("passes", sa.Double, nullable=False),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_prediction_run_id"),
        sa.ForeignKeyConstraint(["video_id"], ["video.id"], name="fk_prediction_video_id"),
        sa.PrimaryKeyConstraint("run_id", "video_id", name="pk_prediction"),
    )
    op.create_index("ix_prediction_video_id", "prediction", ["video_id"])
    op.create_table(
        "statistic",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_statistic"),
    )
    op.create_index("ix_statistic_kind", "statistic", ["kind"])
