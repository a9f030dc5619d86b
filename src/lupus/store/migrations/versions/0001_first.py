"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_IS_FINDING = "finding = 1"


def _key(name: str, kind: Any = sa.BigInteger) -> sa.Column[Any]:
    return sa.Column(name, kind(), primary_key=True, autoincrement=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _double(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Double())


def _verdict() -> list[sa.Column[Any]]:
    return [
        _text("status"),
        _double("value"),
        _text("sentence"),
        _text("severity", nullable=True),
        _double("expected"),
        _double("lower"),
        _double("upper"),
        _double("score"),
        _text("why", nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "projects",
        _key("id"),
        _text("name"),
        _text("owner"),
        _text("cadence"),
        _text("about"),
        _number("stamp"),
        _number("touched"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "intervals",
        _key("project_id"),
        _key("start"),
        _number("end"),
        _text("key"),
        _number("stamp"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series",
        _key("id"),
        _number("project_id"),
        _text("table"),
        _text("column"),
        _text("metric"),
        _text("segment"),
        _text("group"),
        _text("unit"),
        _text("tags"),
        _text("scope"),
        sqlite_with_rowid=False,
    )
    op.create_index("series_by_project", "series", ["project_id"])
    op.create_table(
        "listings",
        _key("project_id"),
        _text("words"),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "points",
        _key("project_id"),
        _key("start"),
        sa.Column("series_id", sa.BigInteger(), sa.ForeignKey("series.id"), primary_key=True, autoincrement=False),
        _double("value"),
        _number("n"),
        _double("maturity"),
        _double("low"),
        _double("high"),
        _text("failure", nullable=True),
        _text("reason", nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_index("points_by_series", "points", ["series_id", "start", "value"])
    op.create_table(
        "verdicts",
        _key("project_id"),
        _key("start"),
        sa.Column("series_id", sa.BigInteger(), sa.ForeignKey("series.id"), primary_key=True, autoincrement=False),
        _key("rule_id"),
        _text("rule"),
        _number("finding"),
        *_verdict(),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "verdicts_findings",
        "verdicts",
        ["finding", "project_id", "start"],
        sqlite_where=sa.text(_IS_FINDING),
        postgresql_where=sa.text(_IS_FINDING),
    )
    op.create_index("verdicts_by_series", "verdicts", ["series_id", "start", "status", "lower", "upper", "score"])
    op.create_table(
        "states",
        _key("project_id"),
        _key("start"),
        _key("id"),
        _text("table"),
        _text("column"),
        _text("segment"),
        _text("kind"),
        _text("scope"),
        _text("payload"),
    )
    op.create_table(
        "refs",
        _key("project_id"),
        _key("id"),
        _text("table"),
        _text("column"),
        _number("version"),
        _text("since"),
        _text("payload"),
    )
    op.create_table(
        "validations",
        _key("project_id"),
        _key("start"),
        _key("table_id"),
        _text("table"),
        _text("suite"),
    )
    op.create_table(
        "outcomes",
        _key("project_id"),
        _key("start"),
        _key("table_id"),
        _key("position"),
        _text("id"),
        _text("expectation"),
        _text("column"),
        _text("severity"),
        sa.Column("success", sa.Boolean(), nullable=False),
        _double("unexpected_ratio"),
        _text("reason"),
        _text("details"),
        sa.ForeignKeyConstraint(
            ["project_id", "start", "table_id"],
            ["validations.project_id", "validations.start", "validations.table_id"],
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "incidents",
        _key("id", sa.Text),
        _number("project_id"),
        _text("state"),
        _text("severity"),
        _number("first"),
        _number("last"),
        _text("title"),
        _text("cause"),
        _number("clean"),
        _text("resolution", nullable=True),
        _text("outcome", nullable=True),
        _text("acknowledged_by"),
        _text("assignee"),
        _text("muted_until"),
        _double("muted_score"),
        sa.Column("kept_open", sa.Boolean(), nullable=False),
        _text("comment"),
        _text("by"),
        _text("upstream"),
        _number("writes"),
    )
    op.create_index("incidents_by_project", "incidents", ["project_id", "last"])
    op.create_table(
        "findings",
        sa.Column("incident_id", sa.Text(), sa.ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
        _key("position"),
        _number("found"),
        sa.Column("series_id", sa.BigInteger(), sa.ForeignKey("series.id"), nullable=False),
        _number("start"),
        _text("rule"),
        *_verdict(),
    )
    op.create_table(
        "exclusions",
        _key("id", sa.Text),
        _number("project_id"),
        _text("reason"),
        sa.Column("begins", sa.BigInteger()),
        _number("ends"),
        _text("table", nullable=True),
        _text("column", nullable=True),
        _text("metric", nullable=True),
        _text("segment", nullable=True),
        sa.Column("counts_since", sa.BigInteger()),
        _text("source"),
        _text("note"),
    )
    op.create_index("exclusions_by_project", "exclusions", ["project_id", "ends"])
    op.create_index("exclusions_by_source", "exclusions", ["source"])
    op.create_table(
        "incident_events",
        _key("id", sa.Text),
        _number("project_id"),
        _text("incident"),
        _text("kind"),
        _text("text"),
        sa.Column("start", sa.BigInteger()),
        _text("by"),
        _text("details"),
        sa.Column("at_us", sa.BigInteger()),
    )
    op.create_index("incident_events_by_incident", "incident_events", ["incident"])
    op.create_table(
        "notices",
        _key("id", sa.Text),
        _number("project_id"),
        _number("start"),
        _text("incident"),
        _text("destination"),
        _text("reason"),
        _text("state"),
        _text("message"),
        _text("receipt"),
        _text("error"),
        _number("attempts"),
        sa.Column("delivered_us", sa.BigInteger()),
        sa.Column("next_try_us", sa.BigInteger()),
    )
    op.create_index("notices_by_project", "notices", ["project_id", "start"])
    op.create_index("notices_by_incident", "notices", ["incident"])
    op.create_table(
        "posts",
        _key("incident", sa.Text),
        _key("destination", sa.Text),
        _number("project_id"),
        _number("start"),
        _text("channel"),
        _text("ts"),
        _text("shown"),
        _text("begun"),
        _text("file"),
        _text("file_of"),
        _number("writes"),
        sa.Column("sealed", sa.Boolean(), nullable=False),
    )
    op.create_index("posts_by_project", "posts", ["project_id"])
    op.create_table(
        "destinations",
        _key("destination", sa.Text),
        _text("lease"),
        sa.Column("leased_until_us", sa.BigInteger()),
        sa.Column("ready_us", sa.BigInteger()),
    )
    op.create_table(
        "retrain_requests",
        _key("id", sa.Text),
        _number("project_id"),
        _number("start"),
        _text("dag"),
        _text("state"),
        _text("reasons"),
        _text("conf"),
        _text("incident"),
        _text("note"),
        _text("series"),
        _text("better"),
        _text("by"),
        sa.Column("executed_us", sa.BigInteger()),
    )
    op.create_index("retrain_requests_by_project", "retrain_requests", ["project_id", "start"])
    op.create_table(
        "comparisons",
        _key("id", sa.Text),
        _number("project_id"),
        _number("start"),
        _text("kind"),
        _text("subject"),
        _text("series"),
        _text("better"),
        _text("verdict"),
        _text("before"),
        _text("after"),
        _double("shift"),
        _double("low"),
        _double("high"),
        _double("effect"),
        _double("p_value"),
        _text("sentence"),
    )
    op.create_index("comparisons_by_project", "comparisons", ["project_id", "start"])
    op.create_table(
        "model_versions",
        _key("project_id"),
        _key("start"),
        _key("position"),
        _text("version"),
        _number("rows"),
        sa.Column("share", sa.Double(), nullable=False),
    )
    op.create_table(
        "runs",
        _key("project_id"),
        _key("start"),
        _key("stage", sa.Text),
        _text("status"),
        _text("detail"),
        sa.Column("started_us", sa.BigInteger()),
        sa.Column("finished_us", sa.BigInteger()),
    )
    op.create_table(
        "tallies",
        _key("project_id"),
        _key("start"),
        _key("cell"),
        _text("scope"),
        _text("group"),
        _text("table"),
        _text("column"),
        _number("immature"),
        _number("ok"),
        _number("warn"),
        _number("no_data"),
        _number("error"),
        _number("anomaly"),
        _double("score"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "latest",
        _key("project_id"),
        sa.Column("verdicts", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "annotations",
        _key("id", sa.Text),
        _number("project_id"),
        sa.Column("series_id", sa.BigInteger()),
        _number("start"),
        _number("last"),
        _text("text"),
        _text("by"),
        sa.Column("changed_us", sa.BigInteger()),
    )
    op.create_index("annotations_by_project", "annotations", ["project_id", "start"])
    op.create_table(
        "dashboards",
        _key("id", sa.Text),
        sa.Column("project_id", sa.BigInteger()),
        _text("title"),
        _text("owner"),
        _number("version"),
        _text("body"),
        sa.Column("changed_us", sa.BigInteger()),
    )
    op.create_table(
        "audit",
        _key("id", sa.Text),
        _number("project_id"),
        _text("by"),
        _text("action"),
        _text("subject"),
        _text("details"),
        sa.Column("at_us", sa.BigInteger()),
    )
    op.create_index("audit_by_project", "audit", ["project_id", "at_us"])


def downgrade() -> None:
    for table in (
        "exclusions", "audit", "dashboards", "annotations", "latest", "tallies",
        "runs", "model_versions", "comparisons",
        "retrain_requests", "destinations", "posts", "notices", "incident_events", "findings", "incidents", "outcomes",
        "validations", "refs", "states",
        "verdicts", "points", "listings", "series", "intervals", "projects",
    ):  # fmt: skip
        op.drop_table(table)
