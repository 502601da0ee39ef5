"""What many methods insist on: a conversation that the bot may use, a message that is there, sound blocks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.simulators.slack import blocks as block_kit
from tests.simulators.slack import schemas
from tests.simulators.slack.posts import Channel, Post
from tests.simulators.slack.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

SCOPE_OF = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
METADATA_BYTES = 16_384
"""metadata_too_large is documented for every posting method, its number nowhere; this is a guess."""
_EVENT_TYPE = re.compile(r"\w+")


def conversation(workspace: Workspace, id_: str) -> Channel:
    """A conversation that the bot can see. Raises `Refusal`."""
    channel = workspace.channels.get(id_)
    if channel is None or (channel.kind != "channel" and workspace.bot_user not in channel.members):
        raise Refusal("channel_not_found")
    return channel


def readable(workspace: Workspace, id_: str) -> Channel:
    """A conversation whose messages the bot can read: https://docs.slack.dev/reference/methods/conversations.history."""
    channel = conversation(workspace, id_)
    workspace.tokens.require(f"{SCOPE_OF[channel.kind]}:history")
    if workspace.bot_user not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def writable(workspace: Workspace, id_: str) -> Channel:
    """A conversation that the bot can post in: https://docs.slack.dev/reference/methods/chat.postMessage#errors."""
    if id_.startswith("U") and id_ in workspace.people:
        return workspace.dm(workspace.people[id_])
    channel = conversation(workspace, id_)
    if channel.archived:
        raise Refusal("is_archived")
    if workspace.bot_user not in channel.members and "chat:write.public" not in workspace.tokens.scopes:
        raise Refusal("not_in_channel")
    return channel


def message(channel: Channel, ts: str, error: str = "message_not_found") -> Post:
    """A message that is there. Raises `Refusal`."""
    post = channel.posts.get(ts)
    if post is None or post.deleted:
        raise Refusal(error)
    return post


def root(channel: Channel, ts: str | None) -> str | None:
    """The ts of the thread for a `thread_ts`; that of an answer leads to its root. Raises `Refusal`."""
    if not ts:
        return None
    post = channel.posts.get(ts)
    if post is None or (post.deleted and not channel.replies(ts)):
        raise Refusal("thread_not_found")
    return post.root


def blocks(workspace: Workspace, given: list[JSON], *, too_many: str = "invalid_blocks") -> list[JSON]:
    """Blocks for a message, with ids. Raises `Refusal`."""
    _check_shapes(workspace, given)
    block_kit.check_message(given, too_many=too_many)
    return block_kit.name_parts(given, lambda: workspace.next_id("id"))


def view(workspace: Workspace, given: JSON) -> JSON:
    """A view with ids in its blocks. Raises `Refusal`."""
    if workspace.validate and (problem := schemas.view_problem(given)):
        workspace.violations.append(f"view: {problem}")
        raise Refusal("invalid_arguments", problem)
    _check_shapes(workspace, given["blocks"], "invalid_arguments")
    block_kit.check_view(given["blocks"])
    block_kit.name_parts(given["blocks"], lambda: workspace.next_id("id"))
    return given


def metadata(workspace: Workspace, given: Any) -> JSON | None:
    """Metadata of a message; none for an empty object. https://docs.slack.dev/messaging/message-metadata."""
    if not given:
        return None
    problem = schemas.metadata_problem(given) if workspace.validate else None
    if problem:
        workspace.violations.append(f"metadata: {problem}")
        raise Refusal("invalid_metadata_format", problem)
    if not _EVENT_TYPE.fullmatch(given["event_type"]):
        raise Refusal("invalid_metadata_schema", "event_type must be alphanumeric")
    if len(json.dumps(given)) > METADATA_BYTES:
        raise Refusal("metadata_too_large")
    found: JSON = given
    return found


def _check_shapes(workspace: Workspace, given: list[JSON], error: str = "invalid_blocks") -> None:
    if not isinstance(given, list):
        raise Refusal("invalid_blocks_format")
    for number, block in enumerate(given if workspace.validate else ()):
        if problem := schemas.block_problem(block):
            workspace.violations.append(f"block {number}: {problem}")
            raise Refusal(error, f"{problem} [json-pointer:/blocks/{number}]")
