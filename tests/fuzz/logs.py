"""What Parley, its libraries and the event loop log while examples are tried: nothing of it may be a traceback."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from tests.fuzz.findings import finding


@dataclass(slots=True)
class Logged:
    """The lines since they were taken last, and those of them that are tracebacks."""

    lines: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)

    def line(self, text: str, traceback: str = "") -> None:
        self.lines.append(text)
        if traceback or "Traceback (most" in text:
            self.tracebacks.append(f"{text} {traceback}")

    def taken(self) -> list[str]:
        """The lines since the last time. Raises `Finding` where one of them is a traceback."""
        lines, wrong = self.lines, self.tracebacks
        self.lines, self.tracebacks = [], []
        if wrong:
            raise finding(f"a traceback is logged ({_short(wrong[0])})", wrong[0])
        return lines

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """The last processor of structlog's."""
        error = event.get("exc_info")
        shown = repr({name: value for name, value in event.items() if name not in ("exc_info", "stack")})
        stack = str(event.get("stack") or "")
        self.line(shown, f"{_told(error)} {stack}".strip() if error or stack else "")
        raise structlog.DropEvent


class _Handler(logging.Handler):
    def __init__(self, logged: Logged) -> None:
        super().__init__(logging.WARNING)
        self._logged = logged

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "aiohttp.server":  # a simulator was sent what HTTP does not take
            return
        told = _told(record.exc_info) if record.exc_info else record.exc_text or ""
        self._logged.line(f"{record.name}: {record.getMessage()}", told)


@contextmanager
def listened() -> Iterator[Logged]:
    """Hears what is logged inside the block, in the place of whoever heard it before."""
    logged, root = Logged(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configured, configuration = structlog.is_configured(), structlog.get_config()
    root.handlers[:] = [_Handler(logged)]
    root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, logged],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    try:
        yield logged
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        if configured:
            structlog.configure(**configuration)


def _told(error: Any) -> str:
    """An error with the last place that it came by."""
    found = sys.exc_info()[1] if error is True else error[1] if isinstance(error, tuple) else error
    trace = getattr(found, "__traceback__", None)
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(found).__name__}: {str(found)[:200]} at {' < '.join(reversed(places[-4:]))}"


def _short(told: str) -> str:
    """Names a traceback by its error and place, so that another one is another finding."""
    found = re.search(r"(\w+): .* at (\S+:\S+:\d+)", told.rsplit("} ", 1)[-1].split(" <", 1)[0], re.DOTALL)
    return f"{found[1]} at {found[2]}" if found else told[-120:]
