"""What a thread shows beside its messages: the status, the title, suggested prompts, and the agent session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulators.slack import rules
from tests.simulators.slack.limits import SPECIAL, TIER_3, TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.posts import Channel, Post
from tests.simulators.slack.values import JSON, Refusal, Session, Status

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

STATUS_SECONDS = 120
"""https://docs.slack.dev/reference/methods/assistant.threads.setStatus#arg_status"""
LOADING_MESSAGES, PROMPTS = 10, 4
"""…#arg_loading_messages; https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts"""
TITLE = 200
"""https://docs.slack.dev/reference/methods/agents.sessions.setStatus#arg_title"""
STATUSES = ("active", "processing", "suspended", "closed")
NO_STOP = "missing_agent_session_stopped_event_subscription"

Key = tuple[str, str]


class Threads:
    """By (channel, thread): statuses, sessions, titles and prompts."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.statuses: list[Status] = []
        self.sessions: dict[Key, Session] = {}
        self.titles: dict[Key, str] = {}
        self.prompts: dict[Key, list[JSON]] = {}
        self._now = now
        self._shown: dict[Key, tuple[str, float]] = {}

    def status(self, channel: str, thread_ts: str) -> str:
        text, at = self._shown.get((channel, thread_ts), ("", 0.0))
        return text if self._now() - at < STATUS_SECONDS else ""

    def show(self, status: Status, *, history: bool) -> None:
        key = status.channel, status.thread_ts
        if status.text:
            self._shown[key] = status.text, self._now()
        else:
            self._shown.pop(key, None)
        if history:
            self.statuses.append(status)

    def spoke(self, post: Post) -> None:
        """The app posted in a thread, which clears its status."""
        self._shown.pop((post.channel.id, post.root), None)

    def move(self, channel: str, thread_ts: str, status: str) -> None:
        """Give an existing session another status."""
        if session := self.sessions.get((channel, thread_ts)):
            session.status = status
            session.history.append(status)


def set_status(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/assistant.threads.setStatus"""
    channel, thread_ts = _thread(workspace, arguments)
    loading = arguments.get("loading_messages") or []
    if len(loading) > LOADING_MESSAGES:
        raise Refusal("invalid_arguments", f"no more than {LOADING_MESSAGES} items allowed [/loading_messages]")
    status = Status(channel.id, thread_ts, arguments["status"], tuple(loading))
    workspace.threads.show(status, history=workspace.history)
    workspace.changed()
    return {}


def set_title(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/assistant.threads.setTitle"""
    channel, thread_ts = _thread(workspace, arguments)
    workspace.threads.titles[channel.id, thread_ts] = arguments["title"]
    workspace.changed()
    return {}


def set_prompts(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts; without a thread they are those
    of the Messages tab.
    """
    if len(arguments["prompts"]) > PROMPTS:
        raise Refusal("invalid_arguments", f"no more than {PROMPTS} prompts")
    if arguments.get("thread_ts"):
        channel, thread_ts = _thread(workspace, arguments)
    else:
        channel, thread_ts = _channel(workspace, arguments), ""
    workspace.threads.prompts[channel.id, thread_ts] = arguments["prompts"]
    workspace.changed()
    return {}


def set_session(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/agents.sessions.setStatus"""
    if arguments["status"] not in STATUSES:
        raise Refusal("invalid_status")
    channel, thread_ts = _session_place(workspace, arguments)
    initiator = arguments.get("initiator_user_id", "")
    if initiator and initiator not in channel.members:
        raise Refusal("user_not_found")
    title = arguments.get("title", "")
    if len(title) > TITLE:
        raise Refusal("invalid_arguments", f"title is longer than {TITLE} characters")
    session = workspace.threads.sessions.setdefault((channel.id, thread_ts), Session("", title, initiator))
    workspace.threads.move(channel.id, thread_ts, arguments["status"])
    workspace.changed()
    body: JSON = {"status": session.status, "agent_status": session.status, "title": session.title}
    if "agent_session_stopped" not in workspace.events:
        body |= {"warning": NO_STOP, "response_metadata": {"warnings": [NO_STOP]}}
    return body


def rename_session(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/agents.sessions.rename"""
    channel, thread_ts = _session_place(workspace, arguments)
    session = workspace.threads.sessions.get((channel.id, thread_ts))
    if session is None:
        raise Refusal("session_not_found")
    if len(arguments["title"]) > TITLE:
        raise Refusal("invalid_arguments", f"title is longer than {TITLE} characters")
    session.title = arguments["title"]
    workspace.changed()
    return {"title": session.title}


def _channel(workspace: Workspace, arguments: JSON) -> Channel:
    return rules.conversation(workspace, arguments["channel_id"])


def _thread(workspace: Workspace, arguments: JSON) -> tuple[Channel, str]:
    channel = _channel(workspace, arguments)
    return channel, rules.message(channel, arguments["thread_ts"], "invalid_thread_ts").root


def _session_place(workspace: Workspace, arguments: JSON) -> tuple[Channel, str]:
    channel = workspace.channels.get(arguments.get("channel_id", ""))
    if channel is None:
        raise Refusal("channel_not_found")
    if workspace.bot_user not in channel.members:
        raise Refusal("not_authorized")
    if not arguments.get("thread_ts"):
        raise Refusal("thread_ts_required")
    return channel, arguments["thread_ts"]


METHODS = {
    "assistant.threads.setStatus": Method(set_status, SPECIAL, ("chat:write", "assistant:write")),
    "assistant.threads.setTitle": Method(set_title, TIER_4, ("assistant:write",)),
    "assistant.threads.setSuggestedPrompts": Method(set_prompts, TIER_4, ("assistant:write",)),
    "agents.sessions.setStatus": Method(set_session, TIER_3, ("chat:write",)),
    "agents.sessions.rename": Method(rename_session, TIER_3, ("chat:write",)),
}
