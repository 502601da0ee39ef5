"""The tables. What each change was for stands in `migrations/versions`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from bot.assistants.lifecycle import ACTIVE

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

assistants = Table(
    "assistants",
    metadata,
    Column("id", String, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("name", String),
    # Whose it is; both are empty for the operator's default.
    Column("platform", String, nullable=False, server_default=text("''")),
    Column("workspace", String, nullable=False, server_default=text("''")),
    Column("title", Text),  # the name that a program gave it, whose `name` is the id
    Column("description", Text),
    Column("model", String, nullable=False),
    Column("instructions", Text),
    Column("tools", JSON, nullable=False),
    Column("settings", JSON, nullable=False),  # temperature, top_p, response_format, tool_resources
    Column("metadata", JSON, nullable=False),
    UniqueConstraint("platform", "workspace", "name"),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String, primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("tool_resources", JSON),
    # Whose it is: a platform's workspace, or `api` and the tenant of a program.
    Column("platform", String, nullable=False, server_default=text("''")),
    Column("workspace", String, nullable=False, server_default=text("''")),
    Index("ix_threads_platform_workspace_created_at", "platform", "workspace", "created_at"),
)

# A conversation's present thread. `new` points it at another one; the old thread stays.
bindings = Table(
    "bindings",
    metadata,
    Column("platform", String, primary_key=True),
    Column("workspace", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("thread", String, primary_key=True),
    # Deferred: one statement finds or makes the binding, a second one the thread where it is new.
    Column("thread_id", ForeignKey("threads.id", deferrable=True, initially="DEFERRED"), nullable=False, index=True),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),  # arrival
    Column("id", String, nullable=False, unique=True),
    Column("thread_id", ForeignKey("threads.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("position", Integer),  # the order in which the model reads; null while it waits for its run
    Column("created_at", Float, nullable=False),
    Column("role", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("content", JSON),  # as a program brought it, where it is more than one text
    Column("status", String, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("author_id", String, index=True),
    Column("author_name", String),
    Column("assistant_id", ForeignKey("assistants.id")),
    Column("run_id", ForeignKey("runs.id"), index=True),
    Column("completed_at", Float),
    Column("incomplete_at", Float),
    Column("incomplete_reason", String),
    Column("metadata", JSON, nullable=False),
    # The inbox: what came from a platform, the run that answers it, and how to reply there.
    Column("key", String, unique=True),
    Column("waiting", Boolean, nullable=False),
    Column("answered_by", ForeignKey("runs.id"), index=True),
    Column("conversation", JSON),
    Column("route", JSON),
    Column("raw_text", Text),  # its words as they came, where the platform brought it raw
    Column("unprepared", Boolean, nullable=False, server_default=false()),
    Column("follow_up", Boolean, nullable=False, server_default=false()),
    Index("ix_messages_thread_id_position_seq", "thread_id", "position", "seq"),
    Index("ix_messages_waiting", "thread_id", sqlite_where=text("waiting"), postgresql_where=text("waiting")),
)

# What the model gets of a message's attachments, in their order.
files = Table(
    "files",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("mime", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("url", Text, nullable=False, server_default=text("''")),  # of an image that the model fetches itself
)

# The terms of the partial indexes. Queries use these very words: SQLite takes a partial index for literal terms only.
WAITING = text("messages.waiting")
IS_ACTIVE = text("runs.status IN ({})".format(", ".join(f"'{status}'" for status in sorted(ACTIVE))))
IS_UNFINISHED = text(f"({IS_ACTIVE.text} OR runs.delivery = 'open')")
NOT_READY = text("documents.status != 'ready'")

_active = text(IS_ACTIVE.text.replace("runs.", ""))
_unfinished = text(f"{_active.text} OR delivery = 'open'")
_not_ready = text(NOT_READY.text.replace("documents.", ""))

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", ForeignKey("threads.id"), nullable=False, index=True),
    Column("assistant_id", ForeignKey("assistants.id"), nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("model", String, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("tools", JSON, nullable=False),
    Column("settings", JSON, nullable=False),  # tool_choice, temperature, max_prompt_tokens, …
    Column("required_calls", JSON, nullable=False),
    Column("last_error", JSON),
    Column("incomplete_reason", String),
    Column("usage", JSON),
    Column("metadata", JSON, nullable=False),
    Column("transitions", JSON, nullable=False),
    # Who drives it; a run of another owner is left alone until its lease has run out.
    Column("owner", String),
    Column("lease_until", Float),
    Column("interruptions", Integer, nullable=False, server_default="0"),
    # Who asked, and where; empty where no platform did.
    Column("workspace", String, nullable=False, server_default=text("''")),
    Column("channel", String, nullable=False, server_default=text("''")),
    Column("person", String, nullable=False, server_default=text("''")),
    # The reply: on which platform, whether its last state is shown there, and what is placed.
    Column("platform", String, nullable=False),
    Column("delivery", String, nullable=False),  # none, open, done
    Column("placed", JSON),
    # One run per thread at a time, whoever tries.
    Index("uq_runs_active_thread", "thread_id", unique=True, sqlite_where=_active, postgresql_where=_active),
    Index(
        "ix_runs_unfinished",
        "owner",
        sqlite_where=_unfinished,
        postgresql_where=_unfinished,
    ),
)

run_steps = Table(
    "run_steps",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("thread_id", ForeignKey("threads.id"), nullable=False, index=True),
    Column("assistant_id", ForeignKey("assistants.id"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("type", String, nullable=False),
    Column("message_id", ForeignKey("messages.id"), index=True),
    Column("ended_status", String),  # null for tool calls, unless the run broke them off: their outputs tell
    Column("ended_at", Float),
    Column("usage", JSON),
    Column("last_error", JSON),
    Column("provider", String, nullable=False),
    Column("items", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
)

tool_calls = Table(
    "tool_calls",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("id", String, primary_key=True),  # the provider's, unique within the run
    Column("step_id", ForeignKey("run_steps.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("outside", Boolean, nullable=False),
    Column("output", Text),
    Column("failed", Boolean, nullable=False),
    Column("started_at", Float),
    Column("completed_at", Float),
)

# What tools have made for people, to be handed over with the answer.
shown_files = Table(
    "shown_files",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("call_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("mime", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
    ForeignKeyConstraint(("run_id", "call_id"), ("tool_calls.run_id", "tool_calls.id")),
)

# Files that can be searched: those of a thread, of a channel, or of a whole workspace (an empty channel, no thread).
documents = Table(
    "documents",
    metadata,
    Column("id", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("workspace", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("thread_id", ForeignKey("threads.id"), index=True),
    Column("name", Text, nullable=False),
    Column("mime", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String, nullable=False),  # of its bytes
    Column("created_at", Float, nullable=False),
    Column("person", String, nullable=False),  # who brought it
    Column("message_id", String, nullable=False, index=True),  # with which message; empty where it came otherwise
    Column("status", String, nullable=False),  # reading, ready, failed; gone while passages of it are left
    Column("reader", String, nullable=False),  # the process that reads it, as `runs.owner`
    Column("problem", Text, nullable=False),  # why it failed, in a sentence
    Column("passages", Integer, nullable=False),
    Column("embedded_by", String, nullable=False),  # the model that its vectors are of; empty without
    Index("ix_documents_platform_workspace_channel", "platform", "workspace", "channel"),
    Index("ix_documents_not_ready", "status", sqlite_where=_not_ready, postgresql_where=_not_ready),
)

# Their words are in the full-text index `passages_fts` under the same numbers (see migration 0004).
passages = Table(
    "passages",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("document_id", ForeignKey("documents.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("shelf", String, nullable=False),  # a word for where the file stands
    Column("text", Text, nullable=False),
    Column("indexed", Text, nullable=False),  # the text below the headings that it stands under
    Column("place", String, nullable=False),  # as a citation says it
    Column("vector", LargeBinary),  # float32, of length 1
    Index("ix_passages_document_id_number", "document_id", "number", unique=True),
    sqlite_autoincrement=True,  # no number is given twice: answers cite by it
)

# What programs show who they are with: a digest of it, and whose objects they see.
api_keys = Table(
    "api_keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("platform", String, nullable=False),
    Column("workspace", String, nullable=False),
    Column("created_at", Float, nullable=False),
)

# Files that programs brought.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("workspace", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("mime", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("purpose", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("content", LargeBinary, nullable=False),
    Index("ix_uploads_platform_workspace_created_at", "platform", "workspace", "created_at"),
)

# Files of programs that are searched together. Their documents stand on the shelf of a channel that has the id.
vector_stores = Table(
    "vector_stores",
    metadata,
    Column("id", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("workspace", String, nullable=False),
    Column("name", Text),
    Column("created_at", Float, nullable=False),
    Column("last_active_at", Float, nullable=False),
    Column("expires_after_days", Integer),
    Column("metadata", JSON, nullable=False),
    Index("ix_vector_stores_platform_workspace_created_at", "platform", "workspace", "created_at"),
)

vector_store_batches = Table(
    "vector_store_batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("vector_store_id", ForeignKey("vector_stores.id"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("cancelled", Boolean, nullable=False),
)

vector_store_files = Table(
    "vector_store_files",
    metadata,
    Column("vector_store_id", ForeignKey("vector_stores.id"), primary_key=True),
    Column("file_id", ForeignKey("uploads.id"), primary_key=True, index=True),
    Column("document_id", String, nullable=False, unique=True),
    Column("batch_id", ForeignKey("vector_store_batches.id"), index=True),
    Column("created_at", Float, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("chunking_strategy", JSON, nullable=False),
)

# What people thought of an answer; of each person the last word.
feedback = Table(
    "feedback",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("author_id", String, primary_key=True),
    Column("author_name", String, nullable=False),
    Column("value", String, nullable=False),  # good, bad
    Column("at", Float, nullable=False),
)

# What admins have set in chat, as a JSON object under a name. An empty channel stands for the whole workspace.
policies = Table(
    "policies",
    metadata,
    Column("platform", String, primary_key=True),
    Column("workspace", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
)

# What was used: a row a day (UTC), channel, person and model. It outlives the runs, since budgets count on it.
spending = Table(
    "spending",
    metadata,
    Column("platform", String, primary_key=True),
    Column("workspace", String, primary_key=True),
    Column("day", String, primary_key=True),  # 2026-11-28
    Column("channel", String, primary_key=True),
    Column("person", String, primary_key=True),  # empty when its month is over
    Column("model", String, primary_key=True),
    Column("runs", Integer, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cost", Float, nullable=False),  # in the currency of the prices; 0 for a model without a price
)

# Marks of messages and conversations that were forgotten; `until` is null for those that are kept for good.
forgotten = Table(
    "forgotten",
    metadata,
    Column("mark", String, primary_key=True),
    Column("until", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("actor_id", String, nullable=False),
    Column("actor_name", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("workspace", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("allowed", Boolean, nullable=False),
)
