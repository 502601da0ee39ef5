"""What is measured of a process that runs for long, and whether it grows."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import linear_regression

from tests.benchmarks.measured import percentile

MB = 1024 * 1024
WARM = 0.25
"""The share of the time that does not count for slopes: caches fill, connections are made."""


@dataclass(frozen=True, slots=True)
class Sample:
    at: float  # seconds since the start
    memory: float  # MB, resident
    descriptors: int
    tasks: int
    database: float  # MB, with its log
    answered: int  # questions so far
    open: int  # questions that wait for their answers
    middle: float  # seconds to a whole answer, p50 of those since the sample before
    slowest: float  # p99 of them


@dataclass(frozen=True, slots=True)
class Line:
    """A column of the samples."""

    name: str
    unit: str
    of: Callable[[Sample], float]


LINES = (
    Line("memory", "MB", lambda one: one.memory),
    Line("descriptors", "", lambda one: one.descriptors),
    Line("tasks", "", lambda one: one.tasks),
    Line("database", "MB", lambda one: one.database),
    Line("whole answer, p50", "s", lambda one: one.middle),
    Line("whole answer, p99", "s", lambda one: one.slowest),
)


def take(
    pid: int, database: Path, told: Path, since: float, waits: Sequence[float], answered: int, left: int
) -> Sample:
    """A sample of now; `told`: the file in which the process tells of its tasks (asked for the next sample)."""
    process = Path(f"/proc/{pid}")
    status = process.joinpath("status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in status if line.startswith("VmRSS"))
    tasks = told.read_text().split() if told.exists() else []
    os.kill(pid, signal.SIGUSR1)
    files = [database.with_name(f"{database.name}{end}") for end in ("", "-wal")]
    return Sample(
        at=since,
        memory=int(kilobytes) / 1024,
        descriptors=len(list(process.joinpath("fd").iterdir())),
        tasks=int(tasks[-1]) if tasks else 0,
        database=sum(file.stat().st_size for file in files if file.exists()) / MB,
        answered=answered,
        open=left,
        middle=percentile(waits, 50) if waits else nan,
        slowest=percentile(waits, 99) if waits else nan,
    )


def slope(samples: Sequence[Sample], line: Line) -> float:
    """By how much it grows an hour, in its unit, after the first quarter; not a number where too little is known."""
    start = samples[-1].at * WARM if samples else 0.0
    points = [(one.at / 3600, line.of(one)) for one in samples if one.at >= start]
    points = [(at, value) for at, value in points if value == value]
    return linear_regression(*zip(*points, strict=True)).slope if len(points) > 2 else nan
