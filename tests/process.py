"""Parley as a process of its own, with piped input, in an environment that holds nothing but what the test says."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.files import ready

ROOT = Path(__file__).parent.parent
LONGEST = 60.0
"""Seconds after which a process is taken for hung, and the test fails."""


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


def environment(database: Path, weather: str = "", **settings: str) -> dict[str, str]:
    """`weather` is the base URL of an Open-Meteo simulator."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{database}",
        "OPEN_METEO_URL": weather,
        "OPEN_METEO_GEOCODING_URL": weather,
        **settings,
    }


@asynccontextmanager
async def started(*arguments: str, env: dict[str, str], cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m bot …`; killed at the end of the block where it still lives."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=cwd
    )
    try:
        yield process
    except TimeoutError as error:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"Parley hung; it said {out.decode()!r} and {err.decode()!r}") from error
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(*arguments: str, lines: str = "", env: dict[str, str], cwd: Path) -> Said:
    """The whole life of a process that is given some lines."""
    async with started(*arguments, env=env, cwd=cwd) as process:
        out, err = await asyncio.wait_for(process.communicate(lines.encode()), LONGEST)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())


async def converse(folder: Path, lines: str, weather: str, **settings: str) -> Said:
    """A conversation through the pipe, on the database in `folder`."""
    database = ready(folder / "parley.db")
    return await run(lines=lines, env=environment(database, weather, **settings), cwd=folder)
