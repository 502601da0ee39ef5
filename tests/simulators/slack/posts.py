"""Conversations, what was said in them, and files: the state that people look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.simulators.slack import blocks as block_kit
from tests.simulators.slack.values import JSON

Kind = Literal["channel", "group", "im", "mpim"]
STREAM_SECONDS = 300
"""A stream lives five minutes whatever happens in it: slackapi/python-slack-sdk#1859, vercel/chat#671."""


@dataclass(eq=False)
class Channel:
    """A conversation. `kind` is Slack's `channel_type`; `members` are ids of people and of the bot; `everybody`: who
    comes to the workspace is in it.
    """

    id: str
    name: str
    kind: Kind
    members: list[str] = field(default_factory=list)
    archived: bool = False
    posts: dict[str, Post] = field(default_factory=dict)
    shared: bool = False
    everybody: bool = False

    _threads: dict[str, list[Post]] = field(default_factory=dict)

    def archive(self) -> None:
        self.archived = True

    def add(self, post: Post) -> None:
        self.posts[post.ts] = post
        self._threads.setdefault(post.root, []).append(post)

    def thread(self, ts: str) -> list[Post]:
        """The visible posts of a thread, oldest first."""
        return [post for post in self._threads.get(ts, ()) if not post.deleted]

    def replies(self, ts: str) -> list[Post]:
        """The same without the root."""
        return [post for post in self.thread(ts) if post.ts != ts]


@dataclass(eq=False)
class File:
    """An uploaded file. Settable: `redirect`, an address of another host that the download answers with; `hidden`,
    as files of other organisations are until files.info is asked (`file_access` is `check_file_info`).
    """

    id: str
    name: str
    content: bytes
    mimetype: str
    url_private: str
    user: str = ""
    created: int = 0
    redirect: str | None = None
    hidden: bool = False
    shares: list[Post] = field(default_factory=list)


@dataclass(eq=False)
class Stream:
    """The content of a streamed message: text and blocks in the order they came, and the task cards by their id."""

    now: Callable[[], float]
    started: float
    mode: Literal["", "chunks", "markdown_text"] = ""
    parts: list[str | list[JSON]] = field(default_factory=list)
    tasks: dict[str, JSON] = field(default_factory=dict)
    plan: str = ""
    ended: str = ""
    characters: int = 0

    @property
    def state(self) -> str:
        """in_progress, completed, stopped_by_user or expired."""
        if not self.ended and self.now() - self.started >= STREAM_SECONDS:
            self.ended = "expired"
        return self.ended or "in_progress"

    @property
    def text(self) -> str:
        """What a person reads of it: text as it came, and blocks with a blank line before and after."""
        found = ""
        for part in self.parts:
            shown = part if isinstance(part, str) else block_kit.readable(part)
            found += "\n\n" + shown if found and shown and not isinstance(part, str) else shown
        return found

    def append(self, text: str) -> None:
        self.parts.append(text)
        self.characters += len(text)


@dataclass(eq=False)
class Post:
    """A message as people see it. `raw`: the `text` argument, which shows only where there are no blocks."""

    channel: Channel
    ts: str
    user: str
    raw: str = ""
    thread_ts: str | None = None
    bot_id: str | None = None
    username: str | None = None
    blocks: list[JSON] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    metadata: JSON | None = None
    attachments: list[JSON] = field(default_factory=list)
    stream: Stream | None = None
    rewritten: bool = False
    edited_at: str = ""
    deleted: bool = False
    broadcast: bool = False
    versions: list[str] = field(default_factory=list)
    client_msg_id: str = ""
    ephemeral: bool = False

    @property
    def bot(self) -> bool:
        return self.bot_id is not None

    @property
    def edited(self) -> bool:
        return bool(self.edited_at)

    @property
    def root(self) -> str:
        """The ts of the thread that an answer to it belongs to."""
        return self.thread_ts or self.ts

    @property
    def text(self) -> str:
        """The Markdown that a person reads: streamed text and blocks, or the plain text where there are none."""
        shown = block_kit.readable(self.blocks)
        if self.stream and not self.rewritten:
            return "\n\n".join(part for part in (self.stream.text, shown) if part)
        return shown or self.raw

    @property
    def footnotes(self) -> list[str]:
        """The texts of its context blocks."""
        return block_kit.footnotes(self.all_blocks)

    @property
    def tasks(self) -> list[tuple[str, str]]:
        """(title, status) of its task cards, in order of appearance."""
        streamed = self.stream.tasks.values() if self.stream and not self.rewritten else ()
        return [(task["title"], task["status"]) for task in streamed] + block_kit.tasks(self.all_blocks)

    @property
    def plan(self) -> str:
        """The title over its task cards, where a plan_update gave one."""
        return self.stream.plan if self.stream else ""

    @property
    def all_blocks(self) -> list[JSON]:
        """Its blocks, those that came in chunks first."""
        if self.stream is None or self.rewritten:
            return self.blocks
        return [block for part in self.stream.parts if isinstance(part, list) for block in part] + self.blocks

    @property
    def streaming(self) -> bool:
        return self.stream_state == "in_progress"

    @property
    def stream_state(self) -> str:
        """in_progress, completed, stopped_by_user or expired; empty for a message that is no stream."""
        return self.stream.state if self.stream else ""

    def elements(self) -> list[tuple[JSON, JSON]]:
        """The block and the element of everything that can be pressed or chosen in it."""
        return list(block_kit.elements(self.all_blocks))

    def element(self, action_id: str) -> tuple[JSON, JSON]:
        """The block and the element with this action id. Raises `LookupError` where nobody sees one."""
        seen: list[Any] = []
        for block, element in self.elements():
            if element.get("action_id") == action_id:
                return block, element
            seen.append(element.get("action_id"))
        raise LookupError(f"no {action_id} in {self.text!r}; there are {seen}")
