"""The stage of the contract suite: what can be said and seen on every platform, whatever it is called there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from bot.assistants.types import Author
from tests.scripted_model import ScriptedModel

Who = Literal["Alice", "Bob", "Ann"]
"""Ann is an admin. Where only one person talks, it is that one whoever is named."""

SECONDS, LOOK = 20.0, 0.05
"""How long a state is waited for, and how often it is looked for where no platform tells of it."""

Skill = Literal["live", "takes back", "looks up", "redelivers", "corrects", "people"]
"""What a platform has beside the bare exchange of texts.

`live`: an answer is seen while it is made, and people are heard meanwhile. `takes back`: what was shown can be taken
away. `looks up`: it can be asked what it shows. `redelivers`: a message may come more than once. `corrects`: messages
can be edited and deleted. `people`: several talk, and not all of them may do everything.
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What people see of Parley now: its texts in their order, stripped, and what says that it is at work."""

    texts: Sequence[str] = ()
    statuses: Sequence[str] = ()


class Stage(Protocol):
    """One conversation with the real adapter. It outlives Parley, as do the database and what the platform shows."""

    path: Path
    """The database."""
    model: ScriptedModel

    def parley(self, **changes: Any) -> AbstractAsyncContextManager[None]:
        """Parley, for as long as the block lasts; `changes` are settings, or another `registry` of tools."""
        ...

    # -- what people do

    async def asks(self, text: str, *, who: Who = "Alice") -> None:
        """Say something to Parley, in the one conversation that there is."""
        ...

    async def edits(self, text: str) -> None:
        """Alice changes what she said last."""
        ...

    async def deletes(self) -> None:
        """Alice takes back what she said last."""
        ...

    async def stops(self) -> None:
        """Alice stops the answer, as people do it there."""
        ...

    async def commands(self, text: str, *, who: Who = "Ann") -> str:
        """Give a command; returns what it is answered with."""
        ...

    def author(self, who: Who) -> Author:
        """Who that is there."""
        ...

    def reference(self, who: Who) -> str:
        """The same, as the settings name people."""
        ...

    # -- what the platform does

    async def delivers_again(self) -> None:
        """All that was said, once more; returns when Parley has heard it."""
        ...

    def on_taken(self, look: Callable[[], None]) -> None:
        """Call `look` whenever the platform, or the person, learns that what was said so far was taken."""
        ...

    # -- what is seen

    @property
    def shown(self) -> Shown: ...

    @property
    def files(self) -> Sequence[tuple[str, bytes]]:
        """The files that people can open there, by name and content, in their order."""
        ...

    @property
    def whispers(self) -> Sequence[str]:
        """What single people were told by Parley, and nobody else."""
        ...

    @property
    def sent(self) -> str:
        """All that Parley ever sent there."""
        ...

    @property
    def alarms(self) -> Sequence[str]:
        """What of that notified people, or made a terminal obey."""
        ...

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds, and look at least whenever something changes on the platform.

        Raises `TimeoutError` with what is seen.
        """
        ...

    async def quiet(self) -> None:
        """Wait until all that was said has been taken in, and answered."""
        ...


@dataclass(frozen=True, slots=True)
class Platform:
    name: str
    skills: frozenset[Skill]
    stage: Callable[[Path, ScriptedModel], AbstractAsyncContextManager[Stage]]


async def until(stage: Stage, changed: asyncio.Event, condition: Callable[[], object]) -> None:
    """`Stage.until`, where `changed` tells of what is new on the platform; for the rest it looks now and then."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():
                changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), LOOK)
    except TimeoutError:
        raise TimeoutError(f"not in {SECONDS} s\n{stage.shown}") from None
