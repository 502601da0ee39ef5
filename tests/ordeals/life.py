"""One life of the real process: its start, what it was killed by, and what it left in its log."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

GONE = 8.0
"""Seconds that a process may take to stop when it is told to."""
HUNG = 30.0


@dataclass(frozen=True, slots=True)
class Life:
    process: asyncio.subprocess.Process
    log: Path
    begun: int
    """Where in the log its own lines begin."""

    @property
    def said(self) -> str:
        """What it has written."""
        return self.log.read_bytes()[self.begun :].decode(errors="replace")

    @property
    def over(self) -> bool:
        return self.process.returncode is not None

    async def kill(self) -> None:
        if not self.over:
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> float:
        """Tell it to stop; the seconds that it took. Raises `TimeoutError` where it does not."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if not self.over:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(HUNG):
            await self.process.wait()
        return loop.time() - begun


@asynccontextmanager
async def life(variables: Mapping[str, str], folder: Path, log: Path, module: str = "bot") -> AsyncIterator[Life]:
    """`python -m bot`, whose output goes to the end of `log`. Killed at the end of the block."""
    with log.open("ab") as out:
        begun = out.tell()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            cwd=folder,
            env=dict(variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    lived = Life(process, log, begun)
    try:
        yield lived
    finally:
        await lived.kill()
