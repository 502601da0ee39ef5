"""People on Discord whom Parley asks something, and what they see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.asking import registry
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hand_clock import HandClock
from tests.simulators.discord import Message

FIELD = "question"
"""The one field of each form."""


@asynccontextmanager
async def asking_at(path: Path, *, clock: HandClock | None = None, **options: Any) -> AsyncIterator[Talk]:
    """As `talk_at`, with a model that may use the tools of `tests.asking`."""
    async with talk_at(path / "p.db", clock=clock, **options) as made:
        yield made


@asynccontextmanager
async def asker(talk: Talk, **changes: Any) -> AsyncIterator[DiscordParley]:
    async with talk.parley(registry=registry(), **changes) as parley:
        yield parley


async def asked(talk: Talk, question: Message, text: str) -> Message:
    """Parley's last message in the thread of a question, once it shows this text."""
    await talk.world.until(lambda: talk.ours(question) and talk.ours(question)[-1].text == text)
    return talk.ours(question)[-1]


def styles(message: Message) -> dict[str, int]:
    """The buttons by their labels, with their colours."""
    return {str(part["label"]): part["style"] for part in message.parts if part["type"] == 2}
