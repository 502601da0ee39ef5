"""HTML is read in a process, whatever it takes, and no page keeps others from being read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tools import bounded, html_reading
from tools.html_markdown import Readable
from tools.html_reading import BUSY, SLOW, Unread

WORDS = "Enough words to be what the page is about. " * 6
BASE = "https://site.example/news/today.html"
TANGLED = "<i>" * 100_000 + "</b>" * 500_000


class Held:
    """Stands in for the process: it tells what it was given, and answers when it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._go = asyncio.Event()

    async def answer(self, module: str, data: bytes, given: object, **limits: object) -> bounded.Answer:
        self.begun.append(json.loads(data)["html"])
        await self._go.wait()
        return bounded.Answer(b'{"title": "", "text": "x"}')

    @asynccontextmanager
    async def reading(self, *runs: str) -> AsyncIterator[None]:
        """Pages of these runs, which are read to the end afterwards."""
        pages = [asyncio.create_task(html_reading.read(run, room=9, run=run)) for run in runs]
        await asyncio.sleep(0)
        yield
        self._go.set()
        assert {page.text for page in await asyncio.gather(*pages)} == {"x"}


async def test_a_process_reads_as_much_as_there_is_room_for() -> None:
    page = await html_reading.read(f"<title>T</title><p>{WORDS}<a href=x>y</a>", base=BASE, room=100, seconds=20)
    assert (page.title, page.text, page.cut) == ("T", WORDS[:100], True)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
async def test_a_page_that_takes_too_long_is_given_up(seconds: float) -> None:
    with pytest.raises(Unread, match=SLOW):
        await html_reading.read(TANGLED, room=100, seconds=seconds)


async def test_tangled_pages_leave_a_place_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_reading, "WORK", 1.0)
    monkeypatch.setattr(html_reading, "PATIENCE", 20.0)
    tangled = [html_reading.read(TANGLED, room=9, seconds=20, run=f"run_{n}") for n in range(html_reading.AT_ONCE)]
    *given_up, page = await asyncio.gather(
        *tangled, html_reading.read("<p>x", room=9, seconds=20, run="run"), return_exceptions=True
    )
    assert [str(one) for one in given_up] == [SLOW] * html_reading.AT_ONCE
    assert page == Readable("", "x")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    made = Held()
    monkeypatch.setattr(bounded, "answer", made.answer)
    return made


async def test_a_page_that_waits_too_long_for_its_place_says_so(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_reading, "PATIENCE", 0.01)
    async with held.reading("run_1", "run_2", "run_3"):
        with pytest.raises(Unread, match=BUSY):
            await html_reading.read("run_4", room=9, run="run_4")
        assert held.begun == ["run_1", "run_2", "run_3"]


async def test_a_run_reads_one_page_at_a_time_and_takes_no_place_from_others(held: Held) -> None:
    async with held.reading("run_1", "run_1", "run_1", "run_2"):
        assert held.begun == ["run_1", "run_2"]
    assert held.begun == ["run_1", "run_2", "run_1", "run_1"]


async def test_a_reading_that_is_cancelled_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def kept(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*args, **options)
        started.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", kept)
    reading = asyncio.create_task(html_reading.read(TANGLED, room=100, seconds=20))
    process = await started.get()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert process.returncode is not None
