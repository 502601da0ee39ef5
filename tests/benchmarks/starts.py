"""How long the real process takes from its start until it is ready, on each platform, and where that time goes."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.core_side import one_turn
from tests.benchmarks.instant import InstantModel
from tests.benchmarks.stuffed import fill, thread_of
from tests.benchmarks.task import Task
from tests.files import ready
from tests.process import ROOT, environment
from tests.simulators.discord import World, discord
from tests.simulators.open_meteo import open_meteo
from tests.simulators.slack import Workspace, slack

AIM = 1.5
"""Seconds from start to ready."""
PATIENCE = 60.0
QUESTION, ANSWERED = b"What can you do?\n", "the first answer"

CODE = {
    "python -c pass": "pass",
    "import bot.app": "import bot.app",
    "… and bot.cli, Slack": "import bot.cli, bot.serving, adapters.slack",
    "… and bot.cli, Discord": "import bot.cli, bot.serving, adapters.discord",
    "… and bot.cli, console": "import bot.cli, bot.serving, adapters.console",
}
"""What is run by itself, by its name in the table."""

Ready = Callable[[asyncio.subprocess.Process, int], Awaitable[object]]
"""Waits until a process is ready, the so manieth on its platform."""


@dataclass(frozen=True, slots=True)
class Start:
    """A platform to be ready on."""

    name: str
    variables: Mapping[str, str]
    ready: Ready


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds, the median of some starts. `megabytes` of database are read in each; 0 where there is none."""

    what: str
    seconds: float
    megabytes: float = 0.0


async def starts(repeats: int, messages: int) -> AsyncIterator[Took]:
    """Imports; then each platform with an empty database and, unless `messages` is 0, with one that holds so many."""
    for name, code in CODE.items():
        times = [await _ran(code) for _ in range(repeats)]
        yield Took(name, median(times))
    with tempfile.TemporaryDirectory() as folder:
        bases = [ready(Path(folder) / "empty.db")]
        if messages:
            bases.append(await _filled(Path(folder) / "full.db", messages))
        async with _platforms() as platforms:
            for platform in platforms:
                for number, base in enumerate(bases):
                    first = 1 + number * repeats
                    times = [await _started(platform, base, first + at) for at in range(repeats)]
                    yield Took(platform.name, median(times), base.stat().st_size / 2**20 if number else 0.0)


async def _filled(path: Path, messages: int) -> Path:
    """A database with so many messages in one thread."""
    await one_turn(Task("none"), path, "full", InstantModel())
    fill(path, thread_of(path, "full"), messages)
    return path


async def _ran(code: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT)
    assert await process.wait() == 0
    return time.perf_counter() - began


async def _started(start: Start, base: Path, number: int) -> float:
    """On a copy of the database. The process is killed when it is ready: its end is not what is measured."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(base, Path(folder) / "parley.db"))
        env = environment(path, **start.variables)
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot"), cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=null
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await start.ready(process, number)
            return time.perf_counter() - began
        finally:
            process.kill()
            await process.communicate()


@asynccontextmanager
async def _platforms() -> AsyncIterator[list[Start]]:
    async with AsyncExitStack() as stack:
        weather = (await stack.enter_async_context(open_meteo())).url
        workspace = await stack.enter_async_context(slack())
        world = await stack.enter_async_context(discord())
        world.guild("Acme")
        yield list(_starts(workspace, world, weather))


def _starts(workspace: Workspace, world: World, weather: str) -> Iterator[Start]:
    where = {"OPEN_METEO_URL": weather, "OPEN_METEO_GEOCODING_URL": weather}
    on_slack = {
        "SLACK_API_URL": workspace.api_url,
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
    }
    on_discord = {
        "DISCORD_API_URL": world.api_url,
        "DISCORD_GATEWAY_URL": world.gateway_url,
        "DISCORD_TOKEN": world.token,
    }

    async def answers(process: asyncio.subprocess.Process, number: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(QUESTION)
        line = await process.stdout.readline()
        assert line.strip(), "the console gave no answer"

    yield Start("Slack: the socket is up", where | on_slack, lambda _, number: workspace.connected(number))
    yield Start("Discord: the session is ready", where | on_discord, lambda _, number: world.connected(number))
    yield Start("console: the first answer", where, answers)
