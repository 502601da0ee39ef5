"""What programs use that speak the Assistants protocol.

A thread belongs to a workspace, which until now only its conversations told. Assistants that programs make have a
`title` of their own, which need not be unique: their `name` is their id. Of messages from programs the content is kept
as it came where it is more than one text, and of images that the model is to fetch itself the address.

Programs have keys, of which a digest is kept, files, and vector stores that bring files together to be searched.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

OWNER = ("platform", "workspace")


def upgrade() -> None:
    _threads()
    op.add_column("assistants", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("content", sa.JSON(), nullable=True))
    op.add_column("files", sa.Column("url", sa.Text(), nullable=False, server_default=sa.text("''")))
    _keys()
    _uploads()
    _vector_stores()


def _threads() -> None:
    for number, name in enumerate(OWNER):
        op.add_column("threads", sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''")))
        bound = f"SELECT {name} FROM bindings WHERE thread_id = threads.id LIMIT 1"  # noqa: S608
        said = (
            f"SELECT json_extract(conversation, '$[{number}]') FROM messages "  # noqa: S608
            "WHERE thread_id = threads.id AND conversation IS NOT NULL ORDER BY seq LIMIT 1"
        )
        op.execute(f"UPDATE threads SET {name} = coalesce(({bound}), ({said}), '')")  # noqa: S608
    op.create_index("ix_threads_platform_workspace_created_at", "threads", [*OWNER, "created_at"])


def _keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in OWNER),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in OWNER),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_platform_workspace_created_at", "uploads", [*OWNER, "created_at"])


def _vector_stores() -> None:
    op.create_table(
        "vector_stores",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in OWNER),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("last_active_at", sa.Float(), nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vector_stores"),
    )
    op.create_index("ix_vector_stores_platform_workspace_created_at", "vector_stores", [*OWNER, "created_at"])
    op.create_table(
        "vector_store_batches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("vector_store_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vector_store_batches"),
        sa.ForeignKeyConstraint(
            ("vector_store_id",), ("vector_stores.id",), name="fk_vector_store_batches_vector_store_id"
        ),
    )
    op.create_index("ix_vector_store_batches_vector_store_id", "vector_store_batches", ["vector_store_id"])
    op.create_table(
        "vector_store_files",
        sa.Column("vector_store_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("chunking_strategy", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("vector_store_id", "file_id", name="pk_vector_store_files"),
        sa.ForeignKeyConstraint(
            ("vector_store_id",), ("vector_stores.id",), name="fk_vector_store_files_vector_store_id"
        ),
        sa.ForeignKeyConstraint(("file_id",), ("uploads.id",), name="fk_vector_store_files_file_id"),
        sa.ForeignKeyConstraint(("batch_id",), ("vector_store_batches.id",), name="fk_vector_store_files_batch_id"),
        sa.UniqueConstraint("document_id", name="uq_vector_store_files_document_id"),
    )
    op.create_index("ix_vector_store_files_file_id", "vector_store_files", ["file_id"])
    op.create_index("ix_vector_store_files_batch_id", "vector_store_files", ["batch_id"])
