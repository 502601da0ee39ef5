"""The commands by their words, and the help on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.commands import scopes
from bot.commands.rights import Rights
from bot.ports import Answer, CommandRequest

Command = Callable[[CommandRequest, str], Awaitable[str | Answer]]
"""Takes what was said after the command's word, and returns what to show. Raises `StoreError`."""


class Group(Protocol):
    """Commands on one noun."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """By their words, in the order of the help."""
        ...

    @property
    def people_help(self) -> Sequence[str]:
        """A line each: `command — what it does`. `{workspace}` stands for the platform's word for a workspace."""
        ...

    @property
    def admin_help(self) -> Sequence[str]:
        """Lines for admins only."""
        ...


@dataclass(frozen=True, slots=True)
class Commands:
    rights: Rights
    groups: Sequence[Group]

    async def run(self, request: CommandRequest) -> Answer:
        """Carry out a command and return what to show. Raises `StoreError`."""
        word, rest = _split(request)
        known = self._known(request)
        command = known.get(word)
        if command is None:
            return Answer(f"There is no command “{word[:40]}”. There are: {', '.join(known)}.")
        answer = await command(request, rest)
        return Answer(answer) if isinstance(answer, str) else answer

    def knows(self, request: CommandRequest) -> bool:
        return _split(request)[0] in self._known(request)

    def _known(self, request: CommandRequest) -> Mapping[str, Command]:
        known: dict[str, Command] = {}
        for group in self.groups:
            known |= group.commands
        return known | {"help": self._help}

    async def _help(self, request: CommandRequest, _rest: str) -> str:
        lines = [line for group in self.groups for line in group.people_help]
        lines.append("help — this list")
        if self.rights.is_admin(request):
            lines += [line for group in self.groups for line in group.admin_help]
        return scopes.said(request, "\n".join(lines))


def _split(request: CommandRequest) -> tuple[str, str]:
    """A command's word, and what was said after it."""
    word, *rest = request.text.split(maxsplit=1) or ["help"]
    return word.lower(), "".join(rest).strip()
