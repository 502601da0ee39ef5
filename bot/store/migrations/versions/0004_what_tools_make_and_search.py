"""Files that tools have made for people, such as charts, and files that can be searched.

The former are kept with the output of their call until the conversation is forgotten: an answer that was not delivered
yet is delivered with them by the next start.

Of the latter the passages are kept, and their words in a full-text index of SQLite (FTS5) that holds no copy of the
text. Triggers keep it true. Words are compared by their stems, without accents. Each passage has a word for where its
file stands, so that the index looks at what is in reach, and not at what is everybody else's. Its number is never given
to another passage, since answers cite by it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _shown_files()
    _documents()
    _passages()


def _shown_files() -> None:
    op.create_table(
        "shown_files",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "call_id", "number", name="pk_shown_files"),
        sa.ForeignKeyConstraint(
            ("run_id", "call_id"), ("tool_calls.run_id", "tool_calls.id"), name="fk_shown_files_run_id"
        ),
        sa.UniqueConstraint("id", name="uq_shown_files_id"),
    )


def _documents() -> None:
    place = ("platform", "workspace", "channel")
    op.create_table(
        "documents",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in place),
        sa.Column("thread_id", sa.String(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("embedded_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.ForeignKeyConstraint(("thread_id",), ("threads.id",), name="fk_documents_thread_id"),
    )
    for column in ("thread_id", "message_id"):
        op.create_index(f"ix_documents_{column}", "documents", [column])
    op.create_index("ix_documents_platform_workspace_channel", "documents", list(place))
    op.create_index("ix_documents_not_ready", "documents", ["status"], sqlite_where=sa.text("status != 'ready'"))


def _passages() -> None:
    op.create_table(
        "passages",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("shelf", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("indexed", sa.Text(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(("document_id",), ("documents.id",), name="fk_passages_document_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passages_document_id_number", "passages", ["document_id", "number"], unique=True)
    op.execute(
        "CREATE VIRTUAL TABLE passages_fts USING fts5(indexed, shelf, content='passages', content_rowid='seq',"
        " tokenize='porter unicode61 remove_diacritics 2')"
    )
    op.execute(
        "CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN"
        " INSERT INTO passages_fts (rowid, indexed, shelf) VALUES (new.seq, new.indexed, new.shelf); END"
    )
    op.execute(
        "CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN"
        " INSERT INTO passages_fts (passages_fts, rowid, indexed, shelf)"
        " VALUES ('delete', old.seq, old.indexed, old.shelf); END"
    )
