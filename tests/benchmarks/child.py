"""How a measured process is asked: a line of questions comes in, it does its work and tells what it has used so far."""

from __future__ import annotations

import asyncio
import cProfile
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")


async def obey(work: Callable[[list[str]], Awaitable[object]]) -> None:
    """Until the input ends: `work` on each line of questions, then write what the process has used (a `Used`).

    A line may name a file for a profile of this thread, from then until the end.
    """
    profile, file = cProfile.Profile(), ""
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        if order["profile"]:
            file = order["profile"]
            profile.enable()
        await work(order["questions"])
        sys.stdout.write(f"{json.dumps(used())}\n")
        sys.stdout.flush()
    if file:
        profile.disable()
        profile.dump_stats(file)


def used() -> dict[str, float]:
    """A `tests.benchmarks.measured.Used` of this process, asked on its main thread."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    return {"cpu": cpu, "beside": cpu - time.thread_time(), "memory": memory("VmHWM", usage.ru_maxrss)}


def memory(field: str, otherwise: float) -> float:
    """MB of this process: the most (`VmHWM`) or what it has now (`VmRSS`); `otherwise` (in bytes) where nobody tells.

    Linux counts in `ru_maxrss` what the process was before this program, so it is asked elsewhere there.
    """
    if not _STATUS.exists():
        return otherwise / (1024 * 1024)
    kilobytes = next(line.split()[1] for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(kilobytes) / 1024
