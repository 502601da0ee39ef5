"""`kill -9` at random instants of a conversation, on the real process; then everything is counted."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.files import ready
from tests.process import environment, run, started
from tests.simulators.open_meteo import FORECAST, OpenMeteo, open_meteo

KILLS_A_SEED = 4
EARLIEST, LATEST = 0.4, 1.1
"""When to kill, as a share of the time that an undisturbed conversation takes on this machine, its start included."""

PLACES = (
    "Springfield, Illinois", "Springfield, Oregon", "Paris, Texas", "Paris, Kentucky", "London, England",
    "London, Ohio", "Portland, Maine", "Birmingham, Alabama", "Cambridge, Ontario", "New York", "San Francisco, CA",
)  # fmt: skip


@dataclass(slots=True)
class Toll:
    """What the deaths may cost: an answer whose delivery was not recorded is printed again, a call that had no output
    on record is made again.
    """

    printed: list[str] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)
    unrecorded: int = 0


def query(database: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


async def killed_after(seconds: float, lines: str, env: dict[str, str], folder: Path) -> str:
    """What a process prints until it is killed."""
    async with started(env=env, cwd=folder) as process:
        assert process.stdin is not None
        process.stdin.write(lines.encode())
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            process.kill()
        out, _ = await process.communicate()
        return out.decode()


def must_be_whole(database: Path) -> None:
    """Each accepted message has one completed run with one answer, and nothing is left to do."""
    assert query(database, "SELECT id FROM messages WHERE waiting") == []
    assert set(query(database, "SELECT status, delivery FROM runs")) == {("completed", "done")}
    answers = query(
        database,
        "SELECT q.id, count(a.id) FROM messages q LEFT JOIN messages a ON a.run_id = q.answered_by "
        "WHERE q.role = 'user' GROUP BY q.id",
    )
    assert answers
    assert {count for _, count in answers} == {1}
    assert query(database, "SELECT id FROM tool_calls WHERE output IS NULL") == []


@pytest.mark.parametrize("seed", range(2))
async def test_whenever_it_is_killed_each_message_is_answered_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    database = ready(tmp_path / "parley.db")
    toll = Toll()
    async with open_meteo() as weather:
        env = environment(database, weather.url)
        begun = time.monotonic()
        toll.printed += (await run(lines=questions(chance), env=env, cwd=tmp_path)).out.splitlines()
        takes = time.monotonic() - begun
        for _ in range(KILLS_A_SEED):
            instant = takes * chance.uniform(EARLIEST, LATEST)
            toll.printed += (await killed_after(instant, questions(chance), env, tmp_path)).splitlines()
            toll.undecided.update(undelivered(database))
            toll.unrecorded += query(database, "SELECT count(*) FROM tool_calls WHERE output IS NULL")[0][0]
        last = await run(env=env, cwd=tmp_path)
        toll.printed += last.out.splitlines()
    assert last.code == 0
    must_be_whole(database)
    must_have_computed_once(database, weather, toll)
    must_have_printed_once(database, toll)


def questions(chance: random.Random) -> str:
    return "".join(f"How warm is it in {place}?\n" for place in chance.sample(PLACES, 2))


def undelivered(database: Path) -> list[str]:
    """The answers that may have been printed without a record of it."""
    sql = (
        "SELECT a.text FROM messages a JOIN runs r ON r.id = a.run_id "
        "WHERE a.role = 'assistant' AND r.status = 'completed' AND r.delivery = 'open'"
    )
    return [text for (text,) in query(database, sql)]


def must_have_computed_once(database: Path, weather: OpenMeteo, toll: Toll) -> None:
    """A look-up beyond one a call belongs to a call that had no output on record when the process was killed."""
    calls = query(database, "SELECT count(*) FROM tool_calls")[0][0]
    assert calls <= weather.count(FORECAST) <= calls + toll.unrecorded


def must_have_printed_once(database: Path, toll: Toll) -> None:
    stored = Counter(text for (text,) in query(database, "SELECT text FROM messages WHERE role = 'assistant'"))
    printed = Counter(toll.printed)
    assert stored.keys() == printed.keys()
    for text, count in stored.items():
        assert count <= printed[text] <= count + toll.undecided[text]
