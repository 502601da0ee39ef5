"""Parley dies at every single point where it touches the world, one after the other, and is started again.

The points are counted in an undisturbed conversation: each transaction, each change of the room, each look-up and
download, each tool call, and death before or after it. Whatever the point, every message has one answer in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import Usage, new_id
from bot.models.port import AssistantText, Call, CallOutput, ModelEvent, ModelRequest, TextDelta, Turn, UserText
from bot.ports import Earlier
from bot.store.database import Database
from bot.store.schema import files, messages, runs, tool_calls
from tests.parley import Parley, parley_at
from tests.room import BOB, Room
from tools.context import context
from tools.registry import Registry, tool

QUESTIONS = ("one?", "two?", "three?")
MOST = {False: 40, True: 48}
"""Some more effects than the conversation has, plain and `raw`; death beyond its end does not disturb it."""

POINTS = [(point, raw) for raw, most in MOST.items() for point in range(1, most, 2)]


class Dead(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Life:
    """Counts effects, ends before or after one of them, and lets none happen from then on."""

    ends_at: int | None = None
    when: Literal["before", "after"] = "before"
    effects: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def effect(self, do: Callable[[], Awaitable[Any]]) -> Any:
        self._breathe()
        self.effects += 1
        last = self.effects == self.ends_at
        if last and self.when == "before":
            self._end()
        result = await do()
        if last:
            self._end()
        self._breathe()
        return result

    def _breathe(self) -> None:
        if self.over.is_set():
            raise Dead

    def _end(self) -> None:
        self.over.set()
        raise Dead


class Brain:
    """Calls two tools first and then answers all that was asked since its last answer; the same however often."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        asked: list[str] = []
        looked = False
        for item in request.items:
            match item:
                case UserText(text=text):
                    asked.append(text)
                case CallOutput():
                    looked = True
                case AssistantText():
                    asked, looked = [], False
                case _:
                    pass
        if not looked:
            yield Turn("", [Call(new_id("call"), "weather", "{}") for _ in range(2)], Usage(1, 1, 2))
            return
        text = f"Snow for {' '.join(asked)}"
        for word in text.split():
            yield TextDelta(word + " ")
            await asyncio.sleep(0)
        yield Turn(text, usage=Usage(1, 1, 2))

    async def check(self, model: str) -> str:
        return "fine"

    async def close(self) -> None:
        """Nothing is held open."""


async def live(path: Path, room: Room, life: Life, looked: list[str], *, raw: bool = False) -> None:
    """One process, until the conversation is over or it dies. `looked` gets the id of each tool call that was run.

    `raw`: the first messages come raw, each with a file, into a thread where something was said before.
    """

    @tool
    async def weather() -> str:
        """The weather."""

        async def look() -> str:
            looked.append(context().call_id)
            return "Snow."

        return str(await life.effect(look))

    with suppress(Dead):
        async with parley_at(path, Brain(), room=room, registry=Registry([weather])) as parley:
            make_mortal(parley, life)
            talking = asyncio.create_task(converse(parley, raw=raw))
            ending = asyncio.create_task(life.over.wait())
            await asyncio.wait({talking, ending}, return_when=asyncio.FIRST_COMPLETED)
            for task in (talking, ending):
                task.cancel()
            await asyncio.gather(talking, ending, return_exceptions=True)


def make_mortal(parley: Parley, life: Life) -> None:
    database, adapter = parley.core.database, parley.alice
    write, show, look_up, download = database.write, adapter.show, adapter.look_up, adapter.download

    async def mortal_write(operation: Any) -> Any:
        return await life.effect(lambda: write(operation))

    async def mortal_show(*arguments: Any) -> Any:
        return await life.effect(lambda: show(*arguments))

    async def mortal_look_up(*arguments: Any) -> Any:
        return await life.effect(lambda: look_up(*arguments))

    async def mortal_download(*arguments: Any) -> Any:
        return await life.effect(lambda: download(*arguments))

    database.write = mortal_write  # type: ignore[method-assign]
    adapter.show = mortal_show  # type: ignore[assignment]
    adapter.look_up = mortal_look_up  # type: ignore[assignment]
    adapter.download = mortal_download  # type: ignore[assignment, method-assign]


async def converse(parley: Parley, *, raw: bool) -> None:
    """The platform delivers each message until it is acknowledged, and so after a death once more."""
    parley.room.files, parley.room.earlier = {"notes.txt": b"Buy milk."}, [Earlier("Before.", BOB)]
    fields: dict[str, Any] = {"raw": True, "files": ["notes.txt"]} if raw else {}
    await asyncio.gather(*(parley.alice.say(text, key=text, **fields) for text in QUESTIONS[:2]))
    await parley.quiet()
    await parley.alice.say(QUESTIONS[2], key=QUESTIONS[2])
    await parley.quiet()


async def stored(path: Path, *queries: Select[Any]) -> list[list[Any]]:
    """The rows of some queries, on the file that a dead process left."""
    database = await Database.open(path)

    async def look(connection: AsyncConnection) -> list[list[Any]]:
        return [[tuple(row) for row in await connection.execute(query)] for query in queries]

    try:
        return await database.read(look)
    finally:
        await database.close()


async def recorded(path: Path) -> set[str]:
    """The calls whose output is in the store."""
    (rows,) = await stored(path, select(tool_calls.c.id).where(tool_calls.c.output.is_not(None)))
    return {call_id for (call_id,) in rows}


async def must_be_at_rest(path: Path) -> None:
    waiting = select(messages.c.id).where(messages.c.waiting)
    states, left = await stored(path, select(runs.c.status, runs.c.delivery), waiting)
    assert (set(states), left) == ({("completed", "done")}, [])


def must_have_answered_once(room: Room) -> None:
    assert all(post.final for post in room.posts.values()), "a leftover stands in the room"
    said = " ".join(room.answers)
    assert {question: said.count(question) for question in QUESTIONS} == dict.fromkeys(QUESTIONS, 1)


async def must_be_prepared_once(path: Path) -> None:
    (texts, earlier) = await stored(
        path, select(files.c.text), select(messages.c.text, messages.c.unprepared).where(messages.c.key.is_(None))
    )
    assert texts == [("Buy milk.",)] * 2
    assert [row for row in earlier if "Snow" not in row[0]] == [("Before.", False)]


@pytest.mark.parametrize("raw", [False, True])
async def test_the_undisturbed_conversation_has_fewer_effects_than_are_tried(tmp_path: Path, raw: bool) -> None:
    life, room = Life(), Room()
    await live(tmp_path / "parley.db", room, life, [], raw=raw)
    must_have_answered_once(room)
    assert 20 < life.effects < MOST[raw]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("point", "raw"), POINTS)
async def test_after_death_at_any_point_each_message_has_one_answer(
    tmp_path: Path, point: int, when: Literal["before", "after"], raw: bool
) -> None:
    path, room, looked = tmp_path / "parley.db", Room(), list[str]()
    for offset in (0, 1):  # two deaths in a row, so that a recovery is interrupted, too
        await live(path, room, Life(point + offset, when), looked, raw=raw)
        known, before = await recorded(path), looked.copy()
    await live(path, room, Life(), looked, raw=raw)
    must_have_answered_once(room)
    await must_be_at_rest(path)
    assert {call: looked.count(call) for call in known} == {call: before.count(call) for call in known}
    if raw:
        await must_be_prepared_once(path)
