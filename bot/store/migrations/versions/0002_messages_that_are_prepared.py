"""Messages that are prepared before the model reads them, what is read of their files, and what people thought.

A platform brings some messages raw: names and rights have to be looked up, and files to be fetched, after the message
is acknowledged. `unprepared` marks what is still to be done, so that it is done again after a crash; `raw_text` keeps
the words as they came, since an edit that changes nothing is told from a real one by them; `follow_up` tells that
nobody called for Parley, who then refuses in silence. Messages that are in a
database already are read as they are. `feedback` holds one judgement of each person on an answer, the last one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("messages", sa.Column("raw_text", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("unprepared", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("follow_up", sa.Boolean(), nullable=False, server_default=sa.false()))
    _files()
    _feedback()


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_files_message_id"),
        sa.PrimaryKeyConstraint("message_id", "number", name="pk_files"),
    )


def _feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_feedback_run_id"),
        sa.PrimaryKeyConstraint("run_id", "author_id", name="pk_feedback"),
    )
