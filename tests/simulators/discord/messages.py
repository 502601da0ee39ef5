"""Channels, threads, messages and files: the state that people look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulators.discord.permissions import Overwrite, Permission
from tests.simulators.discord.values import JSON

if TYPE_CHECKING:
    from tests.simulators.discord.guild import Guild
    from tests.simulators.discord.people import Person
    from tests.simulators.discord.world import World

TEXT, DM, VOICE, ANNOUNCEMENT, ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD = 0, 1, 2, 5, 10, 11, 12
"""https://docs.discord.com/developers/resources/channel#channel-object-channel-types"""
DEFAULT, THREAD_CREATED, REPLY, CHAT_COMMAND, THREAD_STARTER, CONTEXT_MENU = 0, 18, 19, 20, 21, 23
"""https://docs.discord.com/developers/resources/message#message-object-message-types"""
SUPPRESS_EMBEDS, HAS_THREAD, EPHEMERAL, LOADING, SILENT, COMPONENTS_V2 = (
    1 << 2,
    1 << 5,
    1 << 6,
    1 << 7,
    1 << 12,
    1 << 15,
)
"""https://docs.discord.com/developers/resources/message#message-object-message-flags"""
TYPING_SECONDS = 10.0
"""https://docs.discord.com/developers/resources/channel#trigger-typing-indicator"""
ROW, BUTTON, SELECT, TEXT_DISPLAY = 1, 2, 3, 10


@dataclass(eq=False)
class File:
    """An uploaded file. `id` is that of the attachment; `url` opens without a token, for a day."""

    id: str
    name: str
    content: bytes
    mimetype: str
    channel: str = "0"
    description: str | None = None
    ephemeral: bool = False


@dataclass(eq=False, repr=False)
class Channel:
    """A channel of a guild, a direct conversation (`person`) or a thread (`parent`).

    `entries` has all messages by id, those too that people do not see; `members`: who is in the thread, since when.
    """

    world: World
    id: str
    name: str
    kind: int
    guild: Guild | None = None
    parent: Channel | None = None
    person: Person | None = None
    owner: str = ""
    position: int = 0
    entries: dict[str, Message] = field(default_factory=dict)
    overwrites: list[Overwrite] = field(default_factory=list)
    members: dict[str, float] = field(default_factory=dict)
    locked: bool = False
    auto_archive: int = 1440
    created: float = 0.0
    active: float = 0.0
    closed: bool = False
    closed_at: float = 0.0
    typing_until: float = 0.0
    sent: int = 0

    def __repr__(self) -> str:
        return f"<{'thread ' if self.thread else '#'}{self.name} {self.id}>"

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    @property
    def thread(self) -> bool:
        return self.kind in (ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD)

    @property
    def private(self) -> bool:
        return self.kind == PRIVATE_THREAD

    @property
    def archived(self) -> bool:
        """Whether somebody closed the thread, or nothing happened in it for its `auto_archive` minutes."""
        if not self.thread:
            return False
        return self.closed or self.world.now() - self.active >= self.auto_archive * 60

    @property
    def archived_at(self) -> float:
        """When that was; when it was made or opened last for a thread that is open."""
        if self.closed or not self.archived:
            return self.closed_at or self.created
        return self.active + self.auto_archive * 60

    @property
    def messages(self) -> list[Message]:
        """What everybody here sees, oldest first: no deleted and no private messages, none of Discord's own."""
        system = (THREAD_CREATED, THREAD_STARTER)
        return [one for one in self.entries.values() if not (one.deleted or one.ephemeral or one.kind in system)]

    @property
    def typing(self) -> bool:
        """Whether people see the bot typing."""
        return self.world.now() < self.typing_until

    def denies(self, *permissions: Permission, to: Person | None = None) -> None:
        """Deny something to the bot here, or to a person."""
        denied = Permission(0)
        for permission in permissions:
            denied |= permission
        self.overwrites.append(Overwrite((to or self.world.me).id, member=True, deny=denied))


@dataclass(eq=False, repr=False)
class Message:
    """A message as people see it. `only_for`: the one who sees it, if it is private; `versions`: each text it had;
    `pinged`: the mentions (`<@…>`, `<@&…>`, `@everyone`) that notified somebody.
    """

    channel: Channel
    id: str
    author: Person
    content: str = ""
    kind: int = DEFAULT
    embeds: list[JSON] = field(default_factory=list)
    components: list[JSON] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    created: float = 0.0
    edited_at: float | None = None
    deleted: bool = False
    reply_to: Message | None = None
    only_for: Person | None = None
    webhook: str = ""
    interaction: JSON | None = None
    thread: Channel | None = None
    mentions: list[Person] = field(default_factory=list)
    mentioned_roles: list[str] = field(default_factory=list)
    everyone: bool = False
    pinged: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    reactions: dict[str, set[str]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.author.name}: {self.text!r} {self.id}>"

    @property
    def text(self) -> str:
        """What people read: the content, and the texts among its components."""
        shown = [part["content"] for part in self.parts if part["type"] == TEXT_DISPLAY]
        return "\n".join([self.content, *shown] if self.content else shown)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it says that the app is thinking."""
        return bool(self.flags & LOADING)

    @property
    def edited(self) -> bool:
        return self.edited_at is not None

    @property
    def parts(self) -> Iterator[JSON]:
        """All its components, those inside of others too."""
        return flat(self.components)

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons that can be pressed."""
        return [str(part.get("label")) for part in self.parts if part["type"] == BUTTON and not part.get("disabled")]

    @property
    def menus(self) -> list[list[str]]:
        """The labels that each menu of texts offers."""
        return [[option["label"] for option in part["options"]] for part in self.parts if part["type"] == SELECT]

    def component(self, name: str) -> JSON:
        """The component with this custom id or label. Raises `LookupError` where nobody could use one."""
        seen: list[Any] = []
        for part in self.parts:
            if name in (part.get("custom_id"), part.get("label")) and "custom_id" in part:
                if part.get("disabled"):
                    raise LookupError(f"{name} is disabled in {self.text!r}")
                return part
            seen += [part.get("label") or part["custom_id"]] if "custom_id" in part else []
        raise LookupError(f"no {name} in {self.text!r}; there are {seen}")


def flat(components: list[JSON]) -> Iterator[JSON]:
    """Components with all that is inside of them."""
    for component in components:
        yield component
        yield from flat(component.get("components") or [])
        if accessory := component.get("accessory"):
            yield accessory
