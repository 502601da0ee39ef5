"""The ordeals: a few kills cost nothing, and what would be wrong is found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.files import ready
from tests.ordeals.questions import GAZETTEER, place, words
from tests.ordeals.samples import LINES, Sample, slope
from tests.ordeals.setting import STAGES
from tests.ordeals.stage import Shown
from tests.ordeals.tally import Tally, tally_of
from tests.ordeals.torture import torture
from tests.simulators.open_meteo import OpenMeteo
from tests.simulators.open_meteo.server import SEARCH, Asked


@pytest.mark.parametrize("platform", STAGES)
async def test_a_few_kills_under_load_cost_no_answer_and_double_none(tmp_path: Path, platform: str) -> None:
    ordeal = await torture(platform, 3, 1, tmp_path / "parley.log")
    assert (ordeal.crashes, ordeal.left, ordeal.tally.problems) == ([], [], [])
    assert ordeal.kills.total() == 3
    assert ordeal.tally.accepted & ordeal.tally.answered
    assert ordeal.tally.accepted <= ordeal.tally.answered | ordeal.tally.failed


@dataclass
class Wall:
    """A stage of which nothing but the end counts: what was accepted, and what the places show."""

    places: list[Shown] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)

    def accepted(self) -> set[int]:
        return self.taken

    def refused(self) -> set[int]:
        return set()

    def shown(self) -> Iterator[Shown]:
        yield from self.places


def answer(number: int, first: int = 0) -> str:
    return " ".join(f"q{number}w{at}" for at in range(first, words(number))) + "."


def counted(tmp_path: Path, *texts: str, accepted: set[int], weather: OpenMeteo | None = None) -> Tally:
    wall = Wall([Shown(f"place {at}", text) for at, text in enumerate(texts)], accepted)
    return tally_of(wall, len(accepted), ready(tmp_path / "p.db"), weather or OpenMeteo())  # type: ignore[arg-type]


def test_each_answer_once_and_whole_is_no_problem(tmp_path: Path) -> None:
    halves = answer(12).split(" q12w300 ")
    tally = counted(tmp_path, answer(1), f"{halves[0]} q12w300\n", halves[1], accepted={1, 12})
    assert (tally.answered, tally.problems) == ({1, 12}, [])


def test_what_was_accepted_and_has_no_answer_is_lost(tmp_path: Path) -> None:
    tally = counted(tmp_path, answer(1), accepted={1, 2})
    assert (tally.lost, tally.problems) == ({2}, ["question 2 was lost"])


@pytest.mark.parametrize(
    "texts",
    [
        [answer(1), answer(1)],
        [answer(1, first=1)],
        [f"{answer(1)} q1w3"],
        [answer(1).replace("q1w3 q1w4", "q1w4 q1w3")],
    ],
    ids=["said twice", "without its beginning", "with a word once more", "out of order"],
)
def test_an_answer_that_is_not_there_just_once_and_whole_is_found(tmp_path: Path, texts: list[str]) -> None:
    tally = counted(tmp_path, *texts, accepted={1})
    assert (tally.doubled, tally.lost) == ({1}, set())


def test_what_stands_beside_answers_is_left_over(tmp_path: Path) -> None:
    assert counted(tmp_path, f"calling clock…\n{answer(1)}", accepted={1}).leftovers == [
        "place 0 shows 'calling clock…'"
    ]


def test_a_look_up_after_the_output_was_recorded_is_found(tmp_path: Path) -> None:
    weather = OpenMeteo(places=GAZETTEER)
    weather.requests += [Asked(SEARCH, {"name": place(1)}, at) for at in (10.0, 12.0)]
    path = ready(tmp_path / "p.db")
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA foreign_keys=OFF")
        transitions = json.dumps([["queued", 9.0], ["in_progress", 9.0], ["completed", 20.0]])
        fields = {
            "id": "run_1", "thread_id": "t", "assistant_id": "a", "status": "completed", "created_at": 9.0,
            "model": "m", "instructions": "", "tools": "[]", "settings": "{}", "required_calls": "[]",
            "metadata": "{}", "transitions": transitions, "platform": "", "delivery": "done",
        }  # fmt: skip
        _insert(store, "runs", fields)
        call = {"run_id": "run_1", "id": "c", "step_id": "s", "number": 0, "name": "n", "outside": 0, "failed": 0}
        recorded = {"arguments": json.dumps({"location": place(1)}), "output": "{}", "completed_at": 11.0}
        _insert(store, "tool_calls", call | recorded)
        store.commit()
    (found,) = counted(tmp_path, answer(1), accepted={1}, weather=weather).repeated
    assert found == "Halt 0001 was looked up 1.00 s after its output was recorded"


def _insert(store: sqlite3.Connection, table: str, fields: dict[str, object]) -> None:
    names, marks = ", ".join(fields), ", ".join("?" * len(fields))
    store.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(fields.values()))


def test_a_slope_is_by_the_hour_and_leaves_the_beginning_out() -> None:
    one = Sample(0.0, 100.0, 20, 5, 1.0, 0, 0, 0.5, 0.9)
    grows = [replace(one, at=60.0 * n, memory=500.0 if n < 3 else 100.0 + n) for n in range(12)]
    assert slope(grows, LINES[0]) == pytest.approx(60.0)
    assert slope(grows, LINES[1]) == 0.0
