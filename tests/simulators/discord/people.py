"""People, and what they do in Discord: say, edit, delete, use commands and menus, press, open threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulators.discord import announce, interactions, posting
from tests.simulators.discord.interactions import Interaction
from tests.simulators.discord.messages import Channel, File, Message
from tests.simulators.discord.values import Choice

if TYPE_CHECKING:
    from tests.simulators.discord.world import World


@dataclass(eq=False, repr=False)
class Person:
    """Somebody in Discord. `bot`: an app's; `webhook`: no member but a webhook; `closed`: takes no direct messages."""

    world: World
    id: str
    name: str
    bot: bool = False
    webhook: bool = False
    closed: bool = False

    def __repr__(self) -> str:
        return f"<{self.name} {self.id}>"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    async def says(
        self,
        text: str,
        channel: Channel,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        files: Iterable[File] = (),
    ) -> Message:
        """Post a message; its events are sent when this returns. A reply notifies its author unless `ping` is false.

        Raises `LookupError` where this person cannot write.
        """
        return posting.say(self.world, self, channel, text, files, reply_to, ping=ping)

    async def edits(self, message: Message, text: str) -> None:
        """Change the text of an own message."""
        if message.author is not self:
            raise LookupError(f"{message.text!r} is not {self.name}'s")
        message.content, message.edited_at = text, self.world.now()
        posting.mention(self.world, message, None, pings=False)
        announce.changed(self.world, message)
        posting.noted(self.world, message)

    async def deletes(self, message: Message) -> None:
        """Take a message away; a thread that came of it stays."""
        posting.remove(self.world, message)

    async def reacts(self, message: Message, emoji: str) -> None:
        message.reactions.setdefault(emoji, set()).add(self.id)
        announce.reacted(self.world, message, self, emoji, added=True)

    async def opens_thread(self, name: str, place: Message | Channel) -> Channel:
        """Open a thread from a message, or in a channel without one."""
        if isinstance(place, Message):
            return posting.open_thread(self.world, self, name, place.channel, root=place)
        return posting.open_thread(self.world, self, name, place)

    async def archives(self, thread: Channel, *, locked: bool = False) -> None:
        """Close a thread; `locked`, so that only moderators open it again."""
        thread.locked = locked
        posting.close(self.world, thread)

    async def uses(self, command: str, channel: Channel, *, waits: bool = True, **options: Any) -> Interaction:
        """Use a slash command: `uses("/tools enable", general, tool="clock")`. Options are texts, numbers, people,
        channels, roles or files, as the command says.

        Returns when the app has answered or was too late (`error`); at once with `waits=False`. Raises `LookupError`
        where Discord's form would not let it pass, `TimeoutError` where neither comes.
        """
        return await interactions.use(self.world, self, command, channel, options, waits=waits)

    async def completes(
        self, command: str, option: str, text: str, channel: Channel | None = None, **options: Any
    ) -> list[Choice]:
        """Type into an option that completes; what is offered. Without a `channel`, in the first of the world."""
        place = channel or next(iter(self.world.channels.values()))
        return await interactions.complete(self.world, self, command, option, text, place, options)

    async def menu(self, name: str, message: Message, *, waits: bool = True) -> Interaction:
        """Use a command of a message's context menu."""
        return await interactions.menu(self.world, self, name, message, waits=waits)

    async def presses(
        self, message: Message, name: str, values: Sequence[str] = (), *, waits: bool = True
    ) -> Interaction:
        """Press a button by its custom id or label, or choose `values` in a menu. Raises `LookupError` where there is
        no such thing for this person to press.
        """
        return await interactions.press(self.world, self, message, name, values, waits=waits)

    async def chooses(self, message: Message, label: str, *, waits: bool = True) -> Interaction:
        """Choose a label from the menu that offers it. Raises `LookupError` as `presses` does."""
        name, value = interactions.chosen(message, label)
        return await self.presses(message, name, [value], waits=waits)

    async def submits(self, asked: Interaction, fields: Mapping[str, str], *, waits: bool = True) -> Interaction:
        """Send the form that an interaction opened, with `{"custom_id": text}`. Raises `LookupError` where Discord's
        form would not let it pass.
        """
        return await interactions.submit(self.world, self, asked, fields, waits=waits)
