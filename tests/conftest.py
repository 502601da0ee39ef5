from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.bench import Bench, bench_at

# How long an example takes says something of the machine (the first one in a fresh checkout reads Unicode's tables).
settings.register_profile("parley", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("parley")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """The process's logging, which the command line sets up, is for each test as if it were the first."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configured, configuration = structlog.is_configured(), structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    if configured:
        structlog.configure(**configuration)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_at(tmp_path / "parley.db") as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shutdown waits for no running answer."""
    monkeypatch.setattr("bot.handler.GRACE", 0.0)
