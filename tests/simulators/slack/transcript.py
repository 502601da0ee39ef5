"""The workspace in words, for a failing test and for the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.slack import blocks
from tests.simulators.slack.posts import Channel, Post

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace


def dump(workspace: Workspace, last: int) -> str:
    """All conversations with their threads, statuses and sessions, and the last calls."""
    lines = []
    for channel in workspace.channels.values():
        lines.append(f"#{channel.name} ({channel.id}, {channel.kind})")
        lines += [
            line for post in workspace.posts(channel) if post.root == post.ts for line in _thread(workspace, post)
        ]
    lines += [f"only {one.user}: {one.text}" for one in workspace.ephemerals]
    lines.append(f"{len(workspace.unacknowledged)} events not acknowledged; violations: {workspace.violations}")
    lines += [f"{call.method} {call.error or 'ok'} {str(call.arguments)[:200]}" for call in workspace.calls[-last:]]
    return "\n".join(lines)


def line(workspace: Workspace, post: Post) -> str:
    """A message in one line, or as many as its text has."""
    person = workspace.people.get(post.user)
    state = f" [{post.stream_state}]" if post.stream_state not in ("", "completed") else ""
    cards = "".join(f"\n      ({status}) {title}" for title, status in post.tasks)
    parts = [part for _, part in blocks.elements(post.all_blocks)]
    labels = [part.get("text") for part in [*parts, *(one for part in parts for one in part.get("options") or ())]]
    texts = [label["text"] for label in labels if isinstance(label, dict)]
    marks = "".join(f" [{text}]" for text in texts)
    return f"{person.name if person else 'Parley'}{state}: {post.text}{cards}{marks}"


def _thread(workspace: Workspace, root: Post) -> list[str]:
    channel: Channel = root.channel
    posts = workspace.thread(channel, root.ts)
    found = [f"  {'  ' if post is not root else ''}{post.ts} {line(workspace, post)}" for post in posts]
    if status := workspace.status(channel, root.ts):
        found.append(f"    status: {status}")
    if session := workspace.session(channel, root.ts):
        found.append(f"    session: {session.status} {session.title}")
    return found
