"""The world in words, for a failing test and for the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.discord.messages import Message

if TYPE_CHECKING:
    from tests.simulators.discord.world import World


def dump(world: World, last: int) -> str:
    """All conversations, the interactions with what came of them, and the last calls."""
    lines = []
    for channel in world.channels.values():
        state = ", archived" if channel.archived else ""
        lines.append(f"{'  thread ' if channel.thread else '#'}{channel.name} ({channel.id}{state})")
        lines += [f"    {line(one)}" for one in channel.messages]
        lines += ["    (typing)"] * channel.typing
    for one in world.interactions.made:
        lines.append(f"{one.person.name} {one.command or one.kind}: {one.error or one.acknowledged_after} {one.text!r}")
    lines.append(f"{len(world.gateway.sessions)} sessions; violations: {world.violations}")
    lines += [f"{call.route} {call.status} {call.code or ''} {str(call.body)[:200]}" for call in world.calls[-last:]]
    return "\n".join(lines)


def line(message: Message) -> str:
    """A message in one line, or as many as its text has."""
    marks = "".join(f" [{label}]" for label in message.buttons)
    files = "".join(f" <{file.name}>" for file in message.files)
    private = f" (only {message.only_for.name})" if message.only_for else ""
    shown = "(thinking)" if message.loading else message.text
    return f"{message.author.name}{private}: {shown}{files}{marks}"
