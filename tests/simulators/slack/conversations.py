"""Conversations: conversations.info, history, replies and members, and opening direct ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.slack import events, rules
from tests.simulators.slack.limits import TIER_3, TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.posts import Post
from tests.simulators.slack.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

PAGE = {"conversations.history": 100, "conversations.members": 100, "conversations.replies": 1000}
MOST_PEOPLE = 8
MOST = 999
"""https://docs.slack.dev/reference/methods/conversations.history#arg_limit"""


def info(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/conversations.info"""
    channel = rules.conversation(workspace, arguments["channel"])
    workspace.tokens.require(f"{rules.SCOPE_OF[channel.kind]}:read")
    found: JSON = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "is_member": workspace.bot_user in channel.members,
        "is_general": channel.name == "general",
        "is_shared": channel.shared,
        "is_ext_shared": channel.shared,
        "is_org_shared": False,
        "context_team_id": workspace.team_id,
    }
    if channel.kind == "im":
        del found["name"]
        found["user"] = next(member for member in channel.members if member != workspace.bot_user)
    if arguments.get("include_num_members"):
        found["num_members"] = len(channel.members)
    return {"channel": found}


def history(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/conversations.history: the newest first, without answers in threads."""
    channel = rules.readable(workspace, arguments["channel"])
    shown = [post for post in channel.posts.values() if post.root == post.ts or post.broadcast]
    found = [post for post in shown if _wanted(post, arguments)]
    return _messages(workspace, found[::-1], arguments, "conversations.history")


def replies(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/conversations.replies: the root first, whatever `oldest` says, then the
    answers, the oldest first.
    """
    channel = rules.readable(workspace, arguments["channel"])
    root = rules.root(channel, arguments["ts"]) or ""
    answers = [post for post in channel.replies(root) if _wanted(post, arguments)]
    found = [channel.posts[root], *answers]
    return _messages(workspace, found, arguments, "conversations.replies")


def members(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/conversations.members"""
    channel = rules.conversation(workspace, arguments["channel"])
    workspace.tokens.require(f"{rules.SCOPE_OF[channel.kind]}:read")
    start, end = _page(arguments, "conversations.members", len(channel.members))
    return {"members": channel.members[start:end], **_next(end, len(channel.members))}


def open_direct(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/conversations.open, for 1 to 8 people, or the id of what is open."""
    if id_ := arguments.get("channel"):
        channel = rules.conversation(workspace, id_)
        if channel.kind not in ("im", "mpim"):
            raise Refusal("method_not_supported_for_channel_type")
        return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}
    users = [user for user in (arguments.get("users") or "").split(",") if user]
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > MOST_PEOPLE:
        raise Refusal("too_many_users")
    workspace.tokens.require("im:write" if len(users) == 1 else "mpim:write")
    people = [workspace.people.get(user) for user in users]
    found = [person for person in people if person]
    if len(found) < len(people):
        raise Refusal("user_not_found")
    channel = workspace.dm(found[0]) if len(found) == 1 else workspace.group_dm(*found)
    return {"channel": {"id": channel.id}}


def _messages(workspace: Workspace, found: list[Post], arguments: JSON, method: str) -> JSON:
    start, end = _page(arguments, method, len(found))
    metadata = bool(arguments.get("include_all_metadata"))
    messages = [events.message(workspace, post, metadata=metadata) for post in found[start:end]]
    return {"messages": messages, "has_more": end < len(found), **_next(end, len(found))}


def _wanted(post: Post, arguments: JSON) -> bool:
    """Whether a message is visible and in the time that was asked for."""
    oldest, latest = _moment(arguments, "oldest"), _moment(arguments, "latest")
    at = float(post.ts)
    if post.deleted and not post.channel.replies(post.ts):
        return False
    if arguments.get("inclusive"):
        return (oldest is None or at >= oldest) and (latest is None or at <= latest)
    return (oldest is None or at > oldest) and (latest is None or at < latest)


def _moment(arguments: JSON, name: str) -> float | None:
    try:
        return float(arguments[name]) if arguments.get(name) else None
    except ValueError:
        raise Refusal(f"invalid_ts_{name}") from None


def _page(arguments: JSON, method: str, count: int) -> tuple[int, int]:
    limit = int(arguments.get("limit") or PAGE[method])
    if not 1 <= limit <= max(MOST, PAGE[method]):
        raise Refusal("invalid_limit")
    cursor = arguments.get("cursor") or "next:0"
    if not cursor.startswith("next:") or not cursor[5:].isdigit():
        raise Refusal("invalid_cursor")
    start = int(cursor[5:])
    return start, min(count, start + limit)


def _next(end: int, count: int) -> JSON:
    return {"response_metadata": {"next_cursor": f"next:{end}" if end < count else ""}}


METHODS = {
    "conversations.info": Method(info, TIER_3),
    "conversations.history": Method(history, TIER_3),
    "conversations.replies": Method(replies, TIER_3),
    "conversations.members": Method(members, TIER_4),
    "conversations.open": Method(open_direct, TIER_3),
}
