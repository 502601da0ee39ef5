"""The first conversation, through a pipe, on each kind of model; and again after the process was killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.files import ready
from tests.process import converse, environment, run, started
from tests.simulators.open_meteo import FORECAST, open_meteo
from tests.simulators.openai import OpenAISimulator, weather_brain
from tests.simulators.serve import serve

QUESTION = "What's the weather in San Francisco, CA, and will it rain?\n"
STATUSES = ["calling get_current_temperature…", "calling get_rain_probability…"]


@asynccontextmanager
async def model(kind: str) -> AsyncIterator[dict[str, str]]:
    """The settings that choose a model of this kind."""
    if kind == "demo":
        yield {}
        return
    simulator = OpenAISimulator(key="sk-test", brain=weather_brain)
    async with serve(simulator.app) as url:
        yield {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "sk-test", "OPENAI_API": kind}
    assert simulator.problems == []
    assert len(simulator.requests) >= 2


@pytest.mark.parametrize("kind", ["demo", "responses", "chat"])
async def test_the_weather_conversation_holds_both_results(tmp_path: Path, kind: str) -> None:
    async with open_meteo() as weather, model(kind) as settings:
        weather.weather("San Francisco", temperature=18.34, rain=40)
        said = await converse(tmp_path, QUESTION, weather.url, **settings)
    assert (said.code, said.err.splitlines()) == (0, STATUSES)
    assert "18.3" in said.out
    assert "40" in said.out
    assert "San Francisco, California" in said.out


async def test_an_answer_that_a_kill_cut_off_comes_at_the_next_start(tmp_path: Path) -> None:
    async with open_meteo() as weather, model("responses") as settings:
        weather.weather("San Francisco", temperature=18.34, rain=40)
        gate = weather.hold(FORECAST)
        env = environment(ready(tmp_path / "parley.db"), weather.url, **settings)
        async with started(env=env, cwd=tmp_path) as process:
            assert process.stdin is not None
            process.stdin.write(QUESTION.encode())
            await process.stdin.drain()
            await gate.reached(2)
            process.kill()
        gate.open()
        said = await run(env=env, cwd=tmp_path)
    assert said.code == 0
    assert "18.3" in said.out
    assert "40" in said.out
