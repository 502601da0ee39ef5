"""Tries the examples of a target on one stage, and keeps the smallest for each claim that does not hold.

Hypothesis makes the examples, from a seed; they run on an event loop which stands still between them. After a finding
that may have left the stage broken, the next example gets a new one.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from tests.fuzz.findings import Finding, Report, finding
from tests.fuzz.logs import Logged, listened
from tests.fuzz.targets import Stage, Target, Verdict

PATIENCE = 30.0
"""Seconds for an example."""
MOST_ROUNDS = 6
"""How often it is gone on after findings, for others than those."""
IN_MEMORY = Path("/dev/shm")
"""Where files cost no time, on systems that have it: what a disk does is no question here."""
SHRINKING = 40.0
"""Seconds after a finding in which smaller examples for it are tried."""


@dataclass(slots=True)
class _Run:
    """A stage in a task of its own, which begins and ends it."""

    target: Target
    folder: Path
    logged: Logged
    runner: asyncio.Runner
    stage: Stage | None = None
    _number: int = 0
    _before: Any = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _host: asyncio.Task[None] | None = None

    def tries(self, example: Any) -> Verdict:
        """Raises `Finding`."""
        if self.stage is None:
            self.runner.run(self._begin())
        return self.runner.run(self._tries(example))

    def end(self) -> None:
        if self._host is not None:
            self.runner.run(self._end())

    async def _tries(self, example: Any) -> Verdict:
        assert self.stage is not None
        try:
            async with asyncio.timeout(PATIENCE):
                verdict = await self.stage.tries(example)
        except TimeoutError as error:
            self.stage = None
            told = f"{self.logged.lines[-5:]} after {self._before!r}: {str(error)[:200]}"
            raise finding("an example is done with in time", told) from error
        except Finding as error:
            if not error.claim.startswith(("a traceback", "internal text")):
                self.stage = None
            raise
        finally:
            self._before = example
            if self.stage is None:
                await self._end()
        return verdict

    async def _begin(self) -> None:
        self._over.clear()
        self._number += 1
        ready: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
        self._host = asyncio.create_task(self._serve(ready), name="fuzz stage")
        begun: list[asyncio.Future[Any]] = [self._host, ready]
        await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await self._host
        self.stage = ready.result()

    async def _serve(self, ready: asyncio.Future[Stage]) -> None:
        folder = self.folder / str(self._number)
        folder.mkdir()
        async with self.target.stage(folder, self.logged) as stage:
            self.logged.taken()
            ready.set_result(stage)
            await self._over.wait()

    async def _end(self) -> None:
        self.stage = None
        self._over.set()
        if self._host is not None:
            await asyncio.gather(self._host, return_exceptions=True)
            self._host = None


def tried(target: Target, examples: int, seed: int) -> Report:
    """The report of so many examples, the same for the same seed."""
    report = Report(target.name, seed)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder,
        listened() as logged,
        asyncio.Runner() as runner,
    ):
        run = _Run(target, Path(folder), logged, runner)
        try:
            for number in range(MOST_ROUNDS):
                known = len(report.findings)
                _round(run, report, examples - report.examples, seed + number)
                if len(report.findings) == known or report.examples >= examples:
                    break
        finally:
            run.end()
    report.seconds = time.monotonic() - began
    return report


def _round(run: _Run, report: Report, examples: int, seed: int) -> None:
    """Try examples until they are done, or something new is found and made small."""
    known, until = {*report.findings}, [float("inf")]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @hypothesis.given(run.target.examples)
    def each(example: Any) -> None:
        if time.monotonic() > until[0]:
            return
        report.examples += 1
        try:
            verdict = run.tries(example)
        except Finding as wrong:
            report.note(wrong, example)
            if wrong.claim not in known:
                until[0] = min(until[0], time.monotonic() + SHRINKING)
                raise
            return
        report.accepted += verdict == "accepted"
        report.refused += verdict == "refused"

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hypothesis.errors.HypothesisWarning)  # of large examples
            each()
    except (Finding, ExceptionGroup, hypothesis.errors.HypothesisException):
        return  # what was found stands in the report
