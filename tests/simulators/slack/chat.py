"""Posting, changing and deleting messages: chat.postMessage, postEphemeral, update, delete, getPermalink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.slack import announce, events, rules
from tests.simulators.slack.limits import SPECIAL, TIER_3, TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.posts import Channel, Post
from tests.simulators.slack.values import JSON, Ephemeral, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

TRUNCATED = 40_000
"""https://docs.slack.dev/changelog/2018-truncating-really-long-messages"""
UPDATED = 4_000
"""https://docs.slack.dev/reference/methods/chat.update#errors, msg_too_long"""
MARKDOWN = 12_000
"""https://docs.slack.dev/reference/methods/chat.postMessage#arg_markdown_text"""


def post_message(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.postMessage"""
    channel = rules.writable(workspace, arguments["channel"])
    if wait := workspace.limits.wait_to_post(channel.id):
        raise Refusal("ratelimited", status=429, retry_after=wait)
    post = _made(workspace, channel, arguments)
    post.broadcast = bool(arguments.get("reply_broadcast"))
    publish(workspace, post)
    return {"channel": channel.id, "ts": post.ts, "message": events.message(workspace, post, metadata=True)}


def post_ephemeral(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.postEphemeral"""
    channel = rules.writable(workspace, arguments["channel"])
    if arguments["user"] not in channel.members:
        raise Refusal("user_not_in_channel")
    post = _made(workspace, channel, arguments)
    post.ephemeral = True
    workspace.ephemeral_posts.append(post)
    workspace.ephemerals.append(Ephemeral(arguments["user"], channel.id, post.thread_ts, post.text))
    workspace.changed()
    return {"message_ts": post.ts}


def update(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.update

    A running stream cannot be edited. Whether a finished one takes any blocks is not told apart here: `block_mismatch`
    is documented for rich text and has been reported for streams, while others replace them freely.
    """
    channel = rules.conversation(workspace, arguments["channel"])
    post = own(workspace, channel, arguments["ts"], "cant_update_message")
    if channel.archived:
        raise Refusal("is_inactive")
    if post.streaming:
        raise Refusal("streaming_state_conflict")
    _check_text(arguments, UPDATED)
    before = events.message(workspace, post, metadata=True)
    if "metadata" in arguments:
        post.metadata = rules.metadata(workspace, arguments["metadata"])
    if "blocks" in arguments or "text" in arguments or "markdown_text" in arguments:
        post.blocks = _blocks(workspace, arguments)
        post.rewritten = True
    if "text" in arguments:
        post.raw = arguments["text"]
        post.edited_at = post.edited_at if post.blocks else workspace.next_ts()
    if "attachments" in arguments:
        post.attachments = arguments["attachments"]
    announce.changed(workspace, post, before)
    workspace.noted(post)
    shown = events.message(workspace, post, metadata=True)
    return {"channel": channel.id, "ts": post.ts, "text": shown["text"], "message": shown}


def delete(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.delete"""
    channel = rules.conversation(workspace, arguments["channel"])
    post = own(workspace, channel, arguments["ts"], "cant_delete_message")
    if post.streaming:
        raise Refusal("cant_delete_message")
    before = events.message(workspace, post, metadata=True)
    post.deleted = True
    announce.removed(workspace, post, before)
    workspace.changed()
    return {"channel": channel.id, "ts": post.ts}


def get_permalink(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/chat.getPermalink"""
    channel = rules.conversation(workspace, arguments["channel"])
    post = rules.message(channel, arguments["message_ts"])
    link = f"{workspace.url}archives/{channel.id}/p{post.ts.replace('.', '')}"
    in_thread = f"?thread_ts={post.thread_ts}&cid={channel.id}" if post.thread_ts else ""
    return {"channel": channel.id, "permalink": link + in_thread}


def publish(workspace: Workspace, post: Post) -> None:
    """A message of the bot is there: people see it, the thread's status is gone, and the app hears of it."""
    post.channel.add(post)
    workspace.threads.spoke(post)
    announce.said(workspace, post)
    workspace.noted(post)


def own(workspace: Workspace, channel: Channel, ts: str, error: str) -> Post:
    """A message of the bot's own. Raises `Refusal`."""
    post = rules.message(channel, ts)
    if post.bot_id != workspace.bot_id:
        raise Refusal(error)
    return post


def name(workspace: Workspace, post: Post, arguments: JSON) -> None:
    """Another name or icon for one message: https://docs.slack.dev/reference/scopes/chat.write.customize."""
    if any(arguments.get(field) for field in ("username", "icon_emoji", "icon_url")):
        workspace.tokens.require("chat:write.customize")
        post.username = arguments.get("username") or "parley"


def _made(workspace: Workspace, channel: Channel, arguments: JSON) -> Post:
    if not any(arguments.get(field) for field in ("text", "blocks", "attachments", "markdown_text")):
        raise Refusal("no_text")
    _check_text(arguments, None)
    blocks = _blocks(workspace, arguments)
    metadata = rules.metadata(workspace, arguments.get("metadata"))
    thread_ts = rules.root(channel, arguments.get("thread_ts"))
    post = Post(channel, workspace.next_ts(), workspace.bot_user, thread_ts=thread_ts, bot_id=workspace.bot_id)
    post.raw = str(arguments.get("text") or "")[:TRUNCATED]
    post.blocks, post.metadata = blocks, metadata
    post.attachments = arguments.get("attachments") or []
    name(workspace, post, arguments)
    return post


def _check_text(arguments: JSON, longest: int | None) -> None:
    markdown = arguments.get("markdown_text")
    if markdown and (arguments.get("text") or arguments.get("blocks")):
        raise Refusal("markdown_text_conflict")
    too_long = longest is not None and len(arguments.get("text") or "") > longest
    if too_long or len(markdown or "") > MARKDOWN:
        raise Refusal("msg_too_long")


def _blocks(workspace: Workspace, arguments: JSON) -> list[JSON]:
    if markdown := arguments.get("markdown_text"):
        return rules.blocks(workspace, [{"type": "markdown", "text": markdown}])
    return rules.blocks(workspace, arguments.get("blocks") or [])


_WRITE = ("chat:write",)
METHODS = {
    "chat.postMessage": Method(post_message, SPECIAL, _WRITE),
    "chat.postEphemeral": Method(post_ephemeral, TIER_4, _WRITE),
    "chat.update": Method(update, TIER_3, _WRITE),
    "chat.delete": Method(delete, TIER_3, _WRITE),
    "chat.getPermalink": Method(get_permalink, SPECIAL),
}
