"""What an ordeal comes to: what people asked and read, counted on the platform, beside what the store says of it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.ordeals.questions import asked_in, beside, is_whole, read
from tests.ordeals.stage import Stage
from tests.simulators.open_meteo import OpenMeteo

FAILED = "runs.status = 'failed'"
EXACT = 0.02
"""Seconds by which two clocks of this machine, and the way of a request, may differ."""


@dataclass(slots=True)
class Tally:
    """Numbers of questions, and sentences. All but the first five must be empty."""

    asked: int = 0
    accepted: set[int] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    """Those whose run failed, which people were told."""
    refused: set[int] = field(default_factory=set)
    """Those that were not taken in, which people were told."""
    lost: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)
    leftovers: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    """Tool calls that were made again after their output was recorded."""
    undelivered: list[str] = field(default_factory=list)
    """Runs that the store does not have as ended and shown, that ended in a way which nothing here asks for, or of
    whose failure nobody was told; and messages that wait.
    """

    @property
    def problems(self) -> list[str]:
        return [
            *(f"question {number} was lost" for number in sorted(self.lost)),
            *(f"question {number} was answered more than once, or not as a whole" for number in sorted(self.doubled)),
            *self.leftovers,
            *self.repeated,
            *self.undelivered,
        ]


def tally_of(stage: Stage, asked: int, database: Path, weather: OpenMeteo) -> Tally:
    """To be taken when nothing is under way any more."""
    tally = Tally(asked=asked)
    with closing(sqlite3.connect(database)) as store:
        stored, sentences = _asked(store, "1"), _sentences(store)
        tally.refused = stage.refused() - stored
        tally.accepted = stage.accepted() | (stage.refused() & stored)
        tally.undelivered = list(_undelivered(store))
        tally.repeated = list(_repeated(store, weather))
        failed = _asked(store, FAILED)
    words: dict[int, list[int]] = defaultdict(list)
    told = Counter[str]()
    for shown in stage.shown():
        for number, found in read(shown.text).items():
            words[number] += found
        tally.leftovers += [f"{shown.place} {what}" for what in shown.unfinished]
        left = beside(shown.text)
        for sentence in sentences:
            told[sentence] += left.count(sentence.replace(".", ""))
            left = left.replace(sentence.replace(".", ""), "").strip()
        if left:
            tally.leftovers.append(f"{shown.place} shows {left[:300]!r}")
    tally.undelivered += [f"nobody was told: {one!r}" for one, runs in sentences.items() if told[one] < runs]
    tally.answered = {number for number, found in words.items() if is_whole(number, found)}
    tally.doubled = set(words) - tally.answered
    tally.failed = (failed & tally.accepted) - tally.answered
    tally.lost = tally.accepted - tally.answered - tally.doubled - tally.failed
    return tally


def delivered(database: Path) -> bool:
    """Whether each reply is, as the store has it; true where it cannot be read just now."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0)) as store:
            return not any(_undelivered(store))
    except sqlite3.OperationalError:
        return True


def failed(database: Path) -> set[int]:
    """The questions whose run failed, as the store has it; none where it cannot be read just now.

    It is read without changing it: who closes a database as the last one would else bring its log into it.
    """
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0)) as store:
            return _asked(store, FAILED)
    except sqlite3.OperationalError:
        return set()


def _asked(store: sqlite3.Connection, condition: str) -> set[int]:
    """The questions that are stored, of whose runs (if they have one) the condition holds."""
    sql = f"SELECT text FROM messages LEFT JOIN runs ON runs.id = answered_by WHERE role = 'user' AND {condition}"
    return {number for (text,) in store.execute(sql) for number in asked_in(text)}


def _sentences(store: sqlite3.Connection) -> dict[str, int]:
    """What people are told of runs that failed, and of how many; the longest first."""
    errors = [json.loads(error) for (error,) in store.execute(f"SELECT last_error FROM runs WHERE {FAILED}")]
    told = Counter(error["message"] for error in errors)
    return {sentence: told[sentence] for sentence in sorted(told, key=len, reverse=True)}


def _undelivered(store: sqlite3.Connection) -> Iterator[str]:
    good = "status IN ('completed', 'failed') AND delivery <> 'open'"
    for id_, status, delivery in store.execute(f"SELECT id, status, delivery FROM runs WHERE NOT ({good})"):
        yield f"run {id_} is {status} and its delivery {delivery}"
    for (text,) in store.execute("SELECT text FROM messages WHERE waiting"):
        yield f"waits still: {text[:80]!r}"


def _repeated(store: sqlite3.Connection, weather: OpenMeteo) -> Iterator[str]:
    """Look-ups of a call's place after its output was recorded, while its run was on its way still."""
    sql = (
        "SELECT arguments, completed_at, transitions FROM tool_calls JOIN runs ON runs.id = run_id "
        "WHERE output IS NOT NULL"
    )
    lookups: dict[str, list[float]] = defaultdict(list)
    for asked in weather.requests:
        lookups[asked.params.get("name", "")].append(asked.at)
    for arguments, completed, transitions in store.execute(sql):
        place, end = json.loads(arguments)["location"], json.loads(transitions)[-1][1]
        for at in lookups[place]:
            if completed + EXACT < at < end:
                yield f"{place} was looked up {at - completed:.2f} s after its output was recorded"
