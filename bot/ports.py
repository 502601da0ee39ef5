"""The seam between the core and the platforms: what an adapter is, what it brings in, what it is asked to show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.assistants.types import JSON, Author
from bot.buttons import Button
from bot.view import View


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where people talk: bound to one Assistant thread at a time. `thread` is empty where a channel has none."""

    platform: str
    workspace: str
    channel: str
    thread: str

    def __str__(self) -> str:
        return ":".join((self.platform, self.workspace, self.channel, self.thread))


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message that asks for an answer. `key` is the same for each delivery of one message, unique in its channel."""

    conversation: Conversation
    author: Author
    text: str
    key: str
    attachments: Sequence[JSON] = ()
    """Files as the platform tells of them: `name`, `mime` and `size` (bytes), and what `Adapter.download` needs."""
    route: Mapping[str, Any] = field(default_factory=dict)
    """What the adapter needs to answer this message, as JSON values; it comes back in `Reply.routes`.

    What stands under `secret` in it is forgotten when the answer is shown; what stands under `said`, a person's own
    words, when that person deletes the message.
    """
    follow_up: bool = False
    """Nobody called for Parley: it is to be answered only where the conversation has a thread already."""
    raw: bool = False
    """Something has to be looked up before the model reads it (names, rights, what was said before)."""
    roles: Collection[str] = ()
    """The ids of the roles that the platform gives this person there, for `ALLOW` and `DENY`."""
    missed: bool = False
    """It was said while nobody listened, and comes late, together with others: they are not too many for a minute."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is durable. `duplicate` where it already was."""

    thread_id: str
    message_id: str
    duplicate: bool = False
    note: str = ""
    """What its author should know at once: that it waits for something which may take long."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said in a conversation before Parley was called into it; without an author it was Parley.

    `key` is the one under which the platform would bring it as a message of that conversation.
    """

    text: str
    author: Author | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A raw message as the model is to read it. `refusal` is the sentence for someone who may not ask here."""

    text: str
    author: Author
    earlier: Sequence[Earlier] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """What the platform shows of a reply, in the adapter's own JSON values (message ids, lengths, …).

    `undecided`: a send may have happened that `state` does not tell of; look it up before sending again.
    """

    state: Mapping[str, Any] = field(default_factory=dict)
    undecided: bool = False
    conversations: Sequence[Conversation] = ()
    """Where people go on talking beside the place where the question came from: they are bound to the same thread."""


class Reply(Protocol):
    """One answer in the making, as `Adapter.render` sees it."""

    @property
    def run_id(self) -> str: ...

    @property
    def conversation(self) -> Conversation: ...

    @property
    def route(self) -> Mapping[str, Any]:
        """That of the newest message which it answers."""
        ...

    @property
    def routes(self) -> Sequence[Mapping[str, Any]]:
        """Those of all messages which it answers, oldest first."""
        ...

    async def record(self, placed: Placed) -> None:
        """Make `placed` durable: before a further message is sent, with `undecided` set."""
        ...


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command as a person gave it, without the platform's own marker: `tools disable get_forecast here`."""

    conversation: Conversation
    author: Author
    text: str
    platform_admin: bool = False
    """The platform itself calls this person an admin of the workspace."""
    workspace: str = "workspace"
    """What people there call a workspace."""
    roles: Collection[str] = ()
    """The ids of the roles that the platform gives this person there, for `ALLOW` and `DENY`."""
    attachments: Sequence[JSON] = ()
    """Files that came with it, as in `InboundMessage`."""
    direct: bool = False
    """It is a conversation with one person that belongs to no workspace of people: what its `Conversation` has for one
    is all such conversations, of people who do not know each other."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that a person pressed."""

    conversation: Conversation
    author: Author
    button: Button
    platform_admin: bool = False
    roles: Collection[str] = ()
    """The ids of the roles that the platform gives this person there, for `ALLOW` and `DENY`."""
    text: str = ""
    """What the person wrote in the form that the press before this one opened."""


@dataclass(frozen=True, slots=True)
class Form:
    """To be shown to the person whose press asked for it: what they write comes back as the `text` of a press of
    `button`."""

    title: str
    question: str
    """Plain text of any length; a platform cuts what it has no room for."""
    button: Button
    longest: int = 2_000
    """Characters that may be written."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that Parley hands to one person."""

    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command comes to, for the eyes of the one who gave it. `text` is plain text, often of several lines."""

    text: str
    file: Document | None = None
    forgot: bool = False
    """What was said was removed for good: an adapter that keeps any of it beside the store removes that, too."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A tool as admins see it in a workspace."""

    tool: str
    description: str
    enabled: bool
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What admins set, as it holds in a workspace. Each is changed by a command: `tools disable NAME workspace`,
    `tools approve NAME on workspace`, `assistant use NAME workspace`, `assistant set FIELD VALUE`."""

    switches: Sequence[Switch]
    assistant: str
    """The name of the assistant that answers."""
    assistants: Sequence[str]
    model: str
    instructions: str
    temperature: float | None
    may_set: bool
    """The assistant is the workspace's own: its fields can be set."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What one person can do here. `settings` are for admins only."""

    help: str
    tools: Sequence[str]
    """The names of those that are on."""
    usage: str
    settings: Settings | None = None
    refused: bool = False
    """The operator's `ALLOW` and `DENY` keep this person, or everybody there, out; `help` says so."""


Named = Literal["tool", "assistant"]
"""What a command names."""


class Intake(Protocol):
    """What an adapter may ask of the core. Each raises `StoreError`: nothing was changed, and it should come again."""

    async def accept(self, message: InboundMessage) -> Accepted | None:
        """Store a message: durable on return, and sure to be answered.

        None for a follow-up where Parley takes no part. Raises `Refused` with the sentence for a person, or in a
        channel, that the operator's `ALLOW` and `DENY` keep out, and for a person who brings too many at once.
        """
        ...

    async def amend(self, conversation: Conversation, key: str, text: str) -> None:
        """A person changed a message. Until it is answered the answer is to the new text; later nothing happens."""
        ...

    async def withdraw(self, conversation: Conversation, key: str) -> None:
        """A person deleted a message. Until it is answered there will be no answer; later nothing happens."""
        ...

    async def command(self, request: CommandRequest) -> Answer:
        """Carry out a command and return what to show; a refusal is that, too."""
        ...

    async def press(self, press: Press) -> str | Form:
        """Do what the button says and return the sentence for the person; empty where there is nothing to say.

        A form where the person is to write something.
        """
        ...

    async def names(self, where: Conversation, of: Named) -> Sequence[str]:
        """The names that a command can give there, to complete what is typed."""
        ...

    async def overview(self, request: CommandRequest) -> Overview:
        """What the person can do in a workspace. The text of the request says nothing."""
        ...

    async def heard_lately(self, platform: str) -> Sequence[tuple[Conversation, str]]:
        """The conversations of a platform in which people spoke last, each with the key of its newest message, newest
        first. Of the newest few thousand messages: what an adapter needs to ask for what it missed."""
        ...

    async def quiet(self) -> None:
        """Wait until nothing that was accepted still waits for its answer here."""
        ...


class Adapter(Protocol):
    @property
    def platform(self) -> str: ...

    async def start(self, intake: Intake) -> None:
        """Connect and begin to bring messages in. Called after what an earlier process left has been taken up."""
        ...

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        """Look up what a raw message leaves open, before the model reads it. `first`: its thread is new.

        Raises `PlatformError`. What cannot be had is left out, but for the right to ask: that is refused then.
        """
        ...

    async def download(self, attachment: JSON, limit: int) -> bytes:
        """A file of a message. Raises `PlatformError`, also for one of more than `limit` bytes."""
        ...

    async def ready(self, reply: Reply, placed: Placed) -> None:
        """Wait until the platform's pace allows to show a state on the way. Cancelled when the last state is there."""
        ...

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        """Bring the platform to the state `view`, given what is already placed; return what is placed now.

        Raises `PlatformError`. May be cancelled; it is then called again with what was last returned or recorded,
        marked `undecided`.
        """
        ...

    async def stop_intake(self) -> None:
        """Accept nothing more; answers still go out."""
        ...

    async def close(self) -> None: ...
