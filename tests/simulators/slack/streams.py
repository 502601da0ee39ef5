"""Streamed messages: chat.startStream, appendStream and stopStream.

A stream is in one mode from its first content on, `markdown_text` or `chunks`; it takes 12,000 characters of text in
all (measured in CopilotKit/CopilotKit#6064; only the limit of one call is documented) and lives five minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.slack import announce, events, rules, schemas
from tests.simulators.slack.chat import name, own, publish
from tests.simulators.slack.limits import TIER_2, TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.posts import Post, Stream
from tests.simulators.slack.sessions import STATUSES
from tests.simulators.slack.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

MARKDOWN = 12_000
"""https://docs.slack.dev/reference/methods/chat.appendStream#arg_markdown_text"""
STREAMED = 12_000
FIELD = 256
"""Characters of a task's and a plan's texts: https://docs.slack.dev/reference/methods/chat.appendStream#chunks.

Slack has been seen to take more (vercel/chat#886)."""
_FIELDS = ("id", "title", "details", "output")
DISPLAY = ("timeline", "plan", "dense")


def start(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.startStream"""
    channel = rules.writable(workspace, arguments["channel"])
    thread_ts = rules.root(channel, arguments.get("thread_ts"))
    if channel.kind != "im":
        for field in ("recipient_user_id", "recipient_team_id"):
            if not arguments.get(field):
                raise Refusal(f"missing_{field}")
    if (user := arguments.get("recipient_user_id")) and user not in workspace.people:
        raise Refusal("user_not_found")
    if arguments.get("task_display_mode", "timeline") not in DISPLAY:
        raise Refusal("invalid_arguments", "task_display_mode")
    stream = Stream(workspace.now, workspace.now())
    post = Post(channel, workspace.next_ts(), workspace.bot_user, "", thread_ts, workspace.bot_id, stream=stream)
    name(workspace, post, arguments)
    _grow(workspace, stream, arguments)
    publish(workspace, post)
    return {"channel": channel.id, "ts": post.ts}


def append(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.appendStream"""
    post, stream = _running(workspace, arguments, "stopped_by_user")
    if not arguments.get("markdown_text") and not arguments.get("chunks"):
        raise Refusal("no_text")
    _grow(workspace, stream, arguments)
    workspace.noted(post)
    return {"channel": post.channel.id, "ts": post.ts}


def stop(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.stopStream"""
    status = arguments.get("session_status", "active")
    if status not in STATUSES:
        raise Refusal("invalid_arguments", "session_status")
    post, stream = _running(workspace, arguments, "message_not_in_streaming_state")
    before = events.message(workspace, post, metadata=True)
    blocks = rules.blocks(workspace, arguments.get("blocks") or [], too_many="msg_blocks_too_many")
    metadata = rules.metadata(workspace, arguments.get("metadata"))
    _grow(workspace, stream, arguments)
    post.blocks, post.metadata, stream.ended = blocks, metadata, "completed"
    workspace.threads.move(post.channel.id, post.root, status)
    announce.changed(workspace, post, before)
    workspace.noted(post)
    message = events.message(workspace, post, metadata=True)
    return {"channel": post.channel.id, "ts": post.ts, "message": message}


def _running(workspace: Workspace, arguments: JSON, stopped: str) -> tuple[Post, Stream]:
    """The stream that is to go on. `stopped`: the error after a person's Stop, which the two methods name differently.

    Raises `Refusal`.
    """
    channel = rules.writable(workspace, arguments["channel"])
    post = own(workspace, channel, arguments["ts"], "message_not_owned_by_app")
    if post.stream is None or not post.streaming:
        raise Refusal(stopped if post.stream_state == "stopped_by_user" else "message_not_in_streaming_state")
    return post, post.stream


def _grow(workspace: Workspace, stream: Stream, arguments: JSON) -> None:
    text, chunks = arguments.get("markdown_text"), arguments.get("chunks")
    if text and chunks is not None:
        raise Refusal("cannot_provide_both_markdown_text_and_chunks")
    mode = "markdown_text" if text else "chunks" if chunks else stream.mode
    if stream.mode not in ("", mode):
        raise Refusal("streaming_mode_mismatch")
    chunks = [{"type": "markdown_text", "text": text}] if text else _checked(workspace, chunks or [])
    added = [chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text"]
    if any(len(part) > MARKDOWN for part in added) or stream.characters + sum(map(len, added)) > STREAMED:
        raise Refusal("msg_too_long")
    stream.mode = "markdown_text" if text else "chunks" if chunks else stream.mode
    for chunk in chunks:
        _take(stream, chunk)


def _checked(workspace: Workspace, chunks: list[JSON]) -> list[JSON]:
    count = 0
    for chunk in chunks:
        if workspace.validate and (problem := schemas.chunk_problem(chunk)):
            workspace.violations.append(f"chunk: {problem}")
            raise Refusal("invalid_chunks", problem)
        if chunk["type"] != "markdown_text" and any(len(str(chunk.get(field, ""))) > FIELD for field in _FIELDS):
            raise Refusal("invalid_chunks", f"must be less than {FIELD + 1} characters")
        if chunk["type"] == "blocks":
            rules.blocks(workspace, chunk["blocks"], too_many="msg_blocks_too_many")
            count += len(chunk["blocks"])
    if count > 50:
        raise Refusal("msg_blocks_too_many")
    return chunks


def _take(stream: Stream, chunk: JSON) -> None:
    """Of a task's update, title and status replace what was, details and output are added to it."""
    match chunk["type"]:
        case "markdown_text":
            stream.append(chunk["text"])
        case "blocks":
            stream.parts.append(chunk["blocks"])
        case "plan_update":
            stream.plan = chunk["title"]
        case "task_update":
            task = stream.tasks.setdefault(chunk["id"], {"details": "", "output": ""})
            task |= {"title": chunk["title"], "status": chunk["status"]}
            for field in ("details", "output"):
                task[field] += chunk.get(field, "")


_WRITE = ("chat:write",)
METHODS = {
    "chat.startStream": Method(start, TIER_2, _WRITE),
    "chat.appendStream": Method(append, TIER_4, _WRITE),
    "chat.stopStream": Method(stop, TIER_2, _WRITE),
}
