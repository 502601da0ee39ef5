"""What the claims of the contract have in common: what they wait for, and what they look up."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.errors import StoreError
from bot.models.port import UserText
from bot.store import runs
from tests.contract.stage import SECONDS, Shown, Stage
from tests.scripted_model import Gate
from tools.registry import Registry, tool

HALF, WHOLE = "It snows in Oslo,\nand it is ", "It snows in Oslo,\nand it is dark."


async def quiet(chat: Stage) -> None:
    """Wait until all that was said is answered. Raises `TimeoutError`."""
    async with asyncio.timeout(SECONDS):
        await chat.quiet()


async def answered(chat: Stage, *texts: str) -> None:
    """Wait until nothing is left to do, and what Parley shows is this and nothing else."""
    await quiet(chat)
    await chat.until(lambda: chat.shown == Shown(texts))


async def said(chat: Stage, *texts: str) -> None:
    """The same, whatever else is still seen."""
    await quiet(chat)
    await chat.until(lambda: chat.shown.texts == texts)


async def begun(chat: Stage) -> None:
    """Wait until the first half of the answer is seen."""
    await chat.until(lambda: any(text.startswith(HALF.split()[0]) for text in chat.shown.texts))


def stored(chat: Stage, text: str) -> bool:
    """Somebody who opens the file finds the message there."""
    with closing(sqlite3.connect(chat.path)) as file:
        query = "SELECT count(*) FROM messages WHERE role = 'user' AND text LIKE ?"
        return bool(file.execute(query, [f"%{text}%"]).fetchone()[0])


def spoken(chat: Stage, number: int = -1) -> list[str]:
    """What people said, as the model got it in a request."""
    return [item.spoken for item in chat.model.requests[number].items if isinstance(item, UserText)]


def offered(chat: Stage, number: int) -> list[str]:
    """The tools that the model had in a request."""
    return [tool.name for tool in chat.model.requests[number].tools]


def slow_forecast() -> tuple[Registry, Gate]:
    """A forecast that is not there before the gate opens."""
    gate = Gate()

    @tool
    async def forecast(place: str) -> str:
        """The weather."""
        await gate.wait()
        return f"Snow in {place}."

    return Registry([forecast]), gate


async def broken_off(chat: Stage) -> None:
    """The process ends while an answer is made, and its successor makes it again."""
    chat.model.hold(HALF)
    async with chat.parley():
        await chat.asks("Oslo?")
        await begun(chat)
    chat.model.say(WHOLE)


async def unrecorded(chat: Stage, monkeypatch: pytest.MonkeyPatch, *, records: bool, **changes: Any) -> None:
    """An answer is delivered, and the process ends before that is in the store; `records` says whether all was until
    then. `changes` are those of `Stage.parley`.
    """
    tried, place = asyncio.Event(), runs.place

    async def forgetful(*about: Any, done: bool = False, **more: Any) -> None:
        if done or not records:
            tried.set()
            raise StoreError("The disk is full.")
        await place(*about, **more)

    chat.model.say(WHOLE)
    with monkeypatch.context() as patched:
        patched.setattr(runs, "place", forgetful)
        async with chat.parley(**changes):
            await chat.asks("Oslo?")
            await chat.until(tried.is_set)
