"""What is left of what was forgotten: marks that say nothing to whoever reads them.

A platform may bring a message again after it was forgotten: Slack for some minutes
(https://docs.slack.dev/apis/events-api/#retries), Discord's conversations are read a day back when a session begins. It
would be answered as a new one then. A conversation that was forgotten is still on its platform, and what was said there
before would be read and stored again with the next question. So both leave a mark, a digest of where they were; and so
does what was read as said before a question, which is answered with that.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import BindParameter, Exists, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import forgotten

BROUGHT_AGAIN = 2 * 86_400.0
"""Seconds after which no platform brings a message again."""


class Forgotten(Exception):
    """The message was forgotten, or read with another one, and comes again: nothing is to be stored of it."""


def message(key: str) -> str:
    """The mark of a message, by its key among those of all platforms."""
    return _digest(f"message {key}")


def conversation(where: object) -> str:
    return _digest(f"conversation {where}")


def known(mark: str | BindParameter[str]) -> Exists:
    return select(forgotten.c.mark).where(forgotten.c.mark == mark).exists()


async def add(tx: AsyncConnection, marks: Iterable[str], until: float | None) -> None:
    """Keep marks until then (Unix seconds), or for good."""
    rows = [{"mark": mark, "until": until} for mark in marks]
    if rows:
        await tx.execute(upsert(forgotten).on_conflict_do_nothing(), rows)


async def over(connection: AsyncConnection, now: float) -> bool:
    """There are marks whose time is over."""
    found = await connection.execute(select(forgotten.c.mark).where(forgotten.c.until < now).limit(1))
    return found.first() is not None


async def drop(tx: AsyncConnection, now: float) -> None:
    """Remove the marks whose time is over."""
    await tx.execute(delete(forgotten).where(forgotten.c.until < now))


def _digest(of: str) -> str:
    return sha256(of.encode()).hexdigest()
