"""What admins set in chat in one table, several assistants, and what was used.

`policies` takes the place of `tool_flags`: switches, approvals, the assistant of a channel and budgets are all set for
a channel or a workspace, and one query finds what holds. Assistants belong to a workspace, so that a name is unique
there and not everywhere. Runs tell who asked and where, and `spending` counts by that: budgets are looked up by both
when a run begins. What was used before is not counted.

What people have removed is looked up by who said it, and SQLite looks for what refers to each removed row: hence the
indexes. `forgotten` keeps what must be known again afterwards. A file with messages in it is rewritten once (see
`bot/store/traces.py`): what earlier versions deleted may stand in it still.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

PLACE = ("platform", "workspace", "channel")


def upgrade() -> None:
    _assistants()
    _runs()
    _policies()
    _spending()
    _forgotten()


def _assistants() -> None:
    with op.batch_alter_table("assistants") as batch:
        batch.add_column(sa.Column("platform", sa.String(), nullable=False, server_default=sa.text("''")))
        batch.add_column(sa.Column("workspace", sa.String(), nullable=False, server_default=sa.text("''")))
        batch.drop_constraint("uq_assistants_name", type_="unique")
        batch.create_unique_constraint("uq_assistants_platform_workspace_name", ["platform", "workspace", "name"])


def _runs() -> None:
    for name in ("workspace", "channel", "person"):
        op.add_column("runs", sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''")))
    # Of the newest message that a run answers: its conversation is [platform, workspace, channel, thread].
    newest = "FROM messages WHERE answered_by = runs.id ORDER BY seq DESC LIMIT 1"
    for name, found in (
        ("workspace", "json_extract(conversation, '$[1]')"),
        ("channel", "json_extract(conversation, '$[2]')"),
        ("person", "author_id"),
    ):
        op.execute(f"UPDATE runs SET {name} = coalesce((SELECT {found} {newest}), '')")  # noqa: S608


def _policies() -> None:
    made = op.create_table(
        "policies",
        *(sa.Column(name, sa.String(), nullable=False) for name in (*PLACE, "name")),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(*PLACE, "name", name="pk_policies"),
    )
    flags = op.get_bind().execute(sa.text("SELECT platform, workspace, channel, tool, enabled FROM tool_flags")).all()
    rows = [
        {**dict(zip(PLACE, where, strict=True)), "name": f"tool:{tool}", "value": {"enabled": bool(enabled)}}
        for *where, tool, enabled in flags
    ]
    if rows:
        op.bulk_insert(made, rows)
    op.drop_table("tool_flags")


def _spending() -> None:
    key = ("platform", "workspace", "day", "channel", "person", "model")  # in which order it is looked up
    counts = ("runs", "prompt_tokens", "cached_tokens", "completion_tokens")
    op.create_table(
        "spending",
        *(sa.Column(name, sa.String(), nullable=False) for name in key),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name="pk_spending"),
    )


def _forgotten() -> None:
    op.create_table(
        "forgotten",
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("until", sa.Float()),
        sa.PrimaryKeyConstraint("mark", name="pk_forgotten"),
    )
    for table, column in (
        ("messages", "author_id"),
        ("messages", "run_id"),
        ("run_steps", "thread_id"),
        ("run_steps", "message_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
    if op.get_bind().execute(sa.text("SELECT 1 FROM messages LIMIT 1")).first():
        op.execute("PRAGMA user_version = 1")
