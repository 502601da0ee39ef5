"""`make soak MINUTES=…`: a steady load with faults on the real process, and whether anything grows that should not.

Prints a sample a line, the slopes of the last three quarters and the count of answers, and draws `soak-PLATFORM.png`.
Ends with 1 where an answer was lost, doubled or left in pieces.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.ordeals.life import life
from tests.ordeals.samples import LINES, Sample, slope, take
from tests.ordeals.setting import STAGES, Setting, setting
from tests.ordeals.tally import Tally
from tests.ordeals.watched import FILE

PAUSE, TROUBLE = 1.0, 4.0
"""Seconds between two questions, and between two faults, on average."""
SAMPLES = 60
"""How many are taken."""
READY, LAST = 30.0, 120.0
"""Seconds within which it is ready, and within which all that is left is answered in the end."""


@dataclass(slots=True)
class Soak:
    platform: str
    seed: int
    samples: list[Sample] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    left: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [*self.left, *self.tally.problems]


class Watch:
    """Sees when each question is answered."""

    def __init__(self, here: Setting) -> None:
        self._here = here
        self._since: dict[int, float] = {}
        self._waits: list[float] = []
        self.answered = 0

    async def look(self) -> None:
        """Until this is cancelled."""
        known = 0
        while True:
            now, left = time.monotonic(), set(self._here.stage.open())
            self._since |= dict.fromkeys(range(known + 1, self._here.asked + 1), now)
            known = self._here.asked
            for number in [number for number in self._since if number not in left]:
                self._waits.append(now - self._since.pop(number))
                self.answered += 1
            await asyncio.sleep(0.1)

    def waits(self) -> list[float]:
        """Seconds to the answers since this was asked last."""
        waits, self._waits = self._waits, []
        return waits

    @property
    def left(self) -> int:
        return len(self._since)


async def soak(platform: str, minutes: float, seed: int, log: Path) -> Soak:
    found = Soak(platform, seed)
    async with setting(platform, seed, log, trouble=TROUBLE) as here:
        told = log.with_suffix(".tasks")
        variables = {**here.variables, FILE: str(told)}
        async with life(variables, here.folder, log, "tests.ordeals.watched") as lived:
            if not await here.stage.ready(READY):
                raise TimeoutError("Parley did not start.")
            await here.introduce()
            watch, begun, every = Watch(here), time.monotonic(), 60 * minutes / SAMPLES
            async with asyncio.TaskGroup() as group:
                around = [group.create_task(work) for work in (here.talk(PAUSE), here.trouble.go_on(), watch.look())]
                for number in range(1, SAMPLES + 1):
                    await asyncio.sleep(begun + number * every - time.monotonic())
                    since = time.monotonic() - begun
                    waits, left = watch.waits(), watch.left
                    pid = lived.process.pid
                    found.samples.append(take(pid, here.database, told, since, waits, watch.answered, left))
                    _say(found.samples[-1])
                for task in around:
                    task.cancel()
            here.trouble.end()
            here.stage.end()
            found.left = [] if await here.rest(LAST) else [f"question {one} is still open" for one in here.left()]
            if lived.over:
                found.left.append(f"ended by itself: {lived.said[-500:]}")
            await lived.stop()
        found.tally = here.count()
    return found


def _say(one: Sample) -> None:
    sys.stdout.write(
        f"{one.at:7.0f} s  {one.memory:6.1f} MB  {one.descriptors:3} descriptors  {one.tasks:4} tasks  "
        f"{one.database:6.2f} MB stored  {one.answered:6} answered  {one.open:3} open  "
        f"{one.middle:5.2f} s p50  {one.slowest:5.2f} s p99\n"
    )
    sys.stdout.flush()


def show(found: Soak) -> None:
    tally, samples = found.tally, found.samples
    table = Table("", "first", "last", "an hour", title=f"{found.platform}, seed {found.seed}", title_justify="left")
    for line in LINES:
        first, last = line.of(samples[0]), line.of(samples[-1])
        table.add_row(line.name, f"{first:.2f}", f"{last:.2f}", f"{slope(samples, line):+.2f} {line.unit}")
    table.add_row("answers", "", str(samples[-1].answered), f"{3600 * samples[-1].answered / samples[-1].at:.0f}")
    Console(width=100).print(table)
    sys.stdout.write(
        f"{len(tally.accepted)} accepted, {len(tally.answered & tally.accepted)} answered once, "
        f"{len(tally.failed)} failed, {len(tally.lost)} lost, "
        f"{len(tally.doubled)} doubled, {len(tally.leftovers)} left over\n"
    )
    for problem in found.problems:
        sys.stdout.write(f"{problem}\n")


def draw(samples: Sequence[Sample], path: Path) -> None:
    """A picture of all columns over the time."""
    import matplotlib as plots

    plots.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(LINES), 1, sharex=True, figsize=(9, 12))
    for axis, line in zip(axes, LINES, strict=True):
        axis.plot([one.at / 60 for one in samples], [line.of(one) for one in samples])
        axis.set_ylim(bottom=0, top=axis.get_ylim()[1] * 1.1)
        axis.set_ylabel(f"{line.name}\n{line.unit}")
        axis.grid(visible=True, alpha=0.3)
        axis.set_title(f"{slope(samples, line):+.2f} {line.unit} an hour", loc="right", fontsize=9)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ordeals.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, on each platform")
    parser.add_argument("--platform", choices=[*STAGES], action="append", help="where; everywhere if not said")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000, help="of chance")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="parley-soak-"))
    problems = False
    for platform in options.platform or STAGES:
        found = asyncio.run(soak(platform, options.minutes, options.seed, folder / f"{platform}.log"))
        show(found)
        draw(found.samples, Path(f"soak-{platform}.png"))
        sys.stdout.write(f"Drawn: soak-{platform}.png\n")
        problems |= bool(found.problems)
    if problems:
        sys.stdout.write(f"Logs: {folder}\n")
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
