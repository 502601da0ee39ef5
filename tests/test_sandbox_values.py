"""Values that are small in the sandbox and endless outside, and answers that no honest process gives."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import sys
import time
from collections.abc import Iterator, Mapping

import pytest

from tests.tool_context import open_bench
from tools import bounded, monty
from tools.bounded import Answer
from tools.monty import LONGEST_TEXT, Ran, heard
from tools.sandbox import Sandbox

SOON = 60.0
"""Seconds after which the process of the tests is ended: what hashes holds the lock that other limits need."""
RESPONSIVE = 1.0
"""Seconds that the loop may be held, on a machine that has much else to do."""

TOO_LONG = "The sandbox took too long.\nVariables are as they were before this call."
SHARED = "t = (1,)\nfor i in range(60): t = (t, t)\n"
WIDE = (
    "from collections import namedtuple\nP = namedtuple('P', ['a%d' % i for i in range(5_000)])\np = P(*range(5_000))\n"
)

ENDLESS = {
    "a set of what is shared": SHARED + "{t}",
    "a dict by what is shared": SHARED + "[{t: 1}]",
    "an argument of plot": SHARED + "plot({t: 1})",
    "an option of plot": SHARED + "plot([1], kind=[{t}])",
    "integers of one hash": "{i * (2**61 - 1) for i in range(150_000)}",
}

LARGE = {
    "a million rows": ("d = {str(i): i for i in range(1_000)}\n[d] * 1_000_000", "(999,950 more rows)"),
    "a row in a million": ("t = tuple(range(1_000))\n[t] * 1_000_000", "(999,950 more rows)"),
    "too wide a row": ("t = tuple(range(50_000))\n[t] * 100_000", "Result: [(0, 1, 2, "),
    "wide named tuples": (WIDE + "[p] * 100_000", "Result: [(0, 1, 2, "),
    "wide named tuples in a row": (WIDE + "(p, p)", "Result: ((0, 1, 2, "),
}


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    faulthandler.dump_traceback_later(SOON, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


async def longest_gap() -> float:
    """Seconds between two turns of the loop, until this is cancelled."""
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - last)
            last = time.perf_counter()
    except asyncio.CancelledError:
        return max(longest, time.perf_counter() - last)


async def ran_beside(code: str) -> tuple[str, float]:
    """What the model reads of it, and how long it held up everything else."""
    async with open_bench() as bench:
        ticking = asyncio.create_task(longest_gap())
        await asyncio.sleep(0)
        result = await bench.run("code_interpreter", code=code)
        ticking.cancel()
        return result.output, await ticking


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of work")
@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
async def test_what_is_endless_to_hash_ends_alone(code: str) -> None:
    read, gap = await ran_beside(code)
    assert read == TOO_LONG
    assert gap < RESPONSIVE


@pytest.mark.parametrize(("code", "said"), LARGE.values(), ids=LARGE)
async def test_what_is_large_to_write_is_written_as_far_as_there_is_room(code: str, said: str) -> None:
    read, gap = await ran_beside(code)
    assert said in read
    assert gap < RESPONSIVE


# -- answers ---------------------------------------------------------------------------------------------------------


CHART: dict[str, object] = {
    "kind": "line",
    "series": [{"name": "", "values": [1, 2]}],
    "x": [],
    "dates": False,
    "title": "",
    "x_label": "",
    "y_label": "",
}
HONEST: dict[str, object] = {
    "printed": "",
    "cut": False,
    "result": "Result: 1",
    "error": "",
    "ended": False,
    "large": False,
    "gone": False,
    "broken": "",
    "charts": [CHART],
}
WRONG: list[dict[str, object]] = [
    {"kind": "surface"},
    {"kind": ["line"]},
    {"kind": "pie"},
    {"dates": 1},
    {"dates": True, "x": [1, 2]},
    {"x": "ab"},
    {"x": ["a" * 61, "b"]},
    {"x": [1]},
    {"x": [[], []]},
    {"title": 1},
    {"title": "a" * 121},
    {"series": []},
    {"series": {}},
    {"series": [{"name": "", "values": [1]}] * 13},
    {"series": [{"name": "", "values": ["1"]}]},
    {"series": [{"name": "", "values": [1e301]}]},
    {"series": [{"name": 1, "values": [1]}]},
    {"series": [{"values": [1]}]},
    {"more": 1},
]


def test_an_answer_is_read_as_it_was_said() -> None:
    ran, state = heard(json.dumps(HONEST).encode() + b"\nc3RhdGU=")
    assert (ran.result, ran.charts[0].series[0].values, state) == ("Result: 1", [1, 2], b"c3RhdGU=")


@pytest.mark.parametrize(
    "changed",
    [
        {"result": 1},
        {"result": "a" * (LONGEST_TEXT + 1)},
        {"cut": 1},
        {"more": ""},
        {"charts": {}},
        {"charts": [CHART] * 5},
        {"charts": [1]},
        *({"charts": [{**CHART, **wrong}]} for wrong in WRONG),
    ],
)
def test_an_answer_of_another_shape_is_refused(changed: Mapping[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        heard(json.dumps({**HONEST, **changed}).encode())


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"1", b"[" * 100_000, b"\xff", b" " * 9_000_000])
async def test_what_is_no_answer_is_told_as_a_death(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    async def saying(*given: object, **named: object) -> Answer:
        return Answer(said)

    monkeypatch.setattr(bounded, "answer", saying)
    assert await Sandbox().run("run", "1") == Ran(error="The sandbox broke off.", ended=True)


async def test_an_answer_that_has_no_end_is_read_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monty, "LARGEST_SAID", 20)
    assert await Sandbox().run("run", "1") == Ran(error="The sandbox broke off.", ended=True)


async def test_a_run_goes_on_where_it_was_before_such_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    await sandbox.run("run", "x = 1")
    with monkeypatch.context() as patch:
        patch.setattr(monty, "LARGEST_SAID", 20)
        await sandbox.run("run", "x = 2")
    assert (await sandbox.run("run", "x")).result == "Result: 1"
