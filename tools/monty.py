"""The process in which one call of the sandbox runs: what the code makes becomes Python objects here, and nowhere else.

Such objects are hostile: Monty hands over what shares its parts as it is, which is small, and endless for whoever
hashes it or writes it out. So that is done here, in little time, and a text goes out. The interpreter runs in a process
of its own (https://pypi.org/project/pydantic-monty/), a child of this one.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from tools.charts import Chart
from tools.plot import MOST_CHARTS, Plots, checked
from tools.values import shortened, shown

if TYPE_CHECKING:
    from pydantic_monty import MontySession

MEMORY = 64 * 1024 * 1024
"""Bytes of the interpreter's heap."""
DEPTH = 500
"""Calls within calls."""
SUSPENSIONS = 100
"""Times a call may ask for something: a chart, or a name that it does not know."""
RENDERING = 2
"""Seconds of work of this process, whatever the code takes."""
LONGEST_PRINT = 20_000
"""Characters that are kept of what a call prints."""
MOST_PRINTED = 200_000
"""Characters after which a call is stopped."""
LARGEST_STATE = 8 * 1024 * 1024
"""Bytes of a run's variables."""
LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes of what is said of a call, without the variables: more than four charts of the longest names."""
LARGEST_SAID = LARGEST_ANSWER + LARGEST_STATE * 3 // 2
"""Bytes of it all: variables come in base64."""
LONGEST_TEXT = 100_000
"""Characters of each text in it: more than a table may have."""
NO_NEW_FILES = 3
"""Descriptors that the interpreter may open are below this; those that it has stay open. It needs none."""
ADDRESS_SPACE = 512 * 1024 * 1024
NICENESS = 10


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one call. `result` tells the value of its last expression; `error` is a traceback or a sentence.

    `ended` by a limit or a death: then, and where the variables were too `large`, those of the run are what they were
    before the call. `gone`: they were lost, and nothing was run. `broken` says why nothing can be run here.
    """

    printed: str = ""
    cut: bool = False
    result: str = ""
    error: str = ""
    ended: bool = False
    large: bool = False
    gone: bool = False
    broken: str = ""
    charts: Sequence[Chart] = ()


def asked(code: str, seconds: float, state: bytes) -> bytes:
    """What the process is to do; `state` is what came with the answer to the last call of the run."""
    return json.dumps({"code": code, "seconds": seconds}).encode() + b"\n" + state


def heard(said: bytes) -> tuple[Ran, bytes]:
    """What the process says, which is as hostile as what it has run, and the variables, which nobody else reads; empty
    where they were not kept. Raises `ValueError`."""
    line, _, state = said.partition(b"\n")
    if len(line) > LARGEST_ANSWER:
        raise ValueError("It says too much.")
    try:
        told = json.loads(line)
    except RecursionError:
        raise ValueError("It is no answer.") from None
    if not isinstance(told, dict) or not _fits(told):
        raise ValueError("It is no answer.")
    return Ran(**{**told, "charts": tuple(map(checked, told["charts"]))}), state


def _fits(told: Mapping[str, object]) -> bool:
    if told.keys() != {field.name for field in fields(Ran)}:
        return False
    for field in fields(Ran):
        value = told[field.name]
        kind = list if field.name == "charts" else type(field.default)
        longest = MOST_CHARTS if field.name == "charts" else LONGEST_TEXT
        if type(value) is not kind or (isinstance(value, str | list) and len(value) > longest):
            return False
    return True


# -- in the process -------------------------------------------------------------------------------------------------


def answered(data: bytes) -> str:
    """What became of the call as a line of JSON, and the variables in base64."""
    line, _, state = data.partition(b"\n")
    call = json.loads(line)
    with ExitStack() as stack:
        try:
            session = _opened(stack, call["seconds"])
        except Exception as error:  # whatever it is: there is no interpreter, or no memory for one
            ran, kept = Ran(broken=f"{type(error).__name__}: {error}"[:500]), b""
        else:
            ran, kept = _fed(session, call["code"], base64.b64decode(state))
        return f"{json.dumps(asdict(ran))}\n{base64.b64encode(kept).decode()}"


def _opened(stack: ExitStack, seconds: float) -> MontySession:
    from pydantic_monty import Monty

    pool = stack.enter_context(Monty(min_processes=0, max_processes=1))
    session = stack.enter_context(pool.checkout(limits=_limits(seconds), os_policy=_policy()))
    _confine(session.worker_pid, seconds)
    return session


def _fed(session: MontySession, code: str, state: bytes) -> tuple[Ran, bytes]:
    from pydantic_monty import MontyError

    if state:
        try:
            session.load_session(state)
        except MontyError:
            return Ran(gone=True), b""
    printed, plots = _Printed(session.worker_pid), Plots()
    result, error, ended = "", "", False
    try:
        result = shown(session.feed_run(code, external_lookup={"plot": plots.plot}, print_callback=printed))
    except Exception as failure:  # whatever it is, the model is told
        error, ended = _failure(failure)
    if printed.stopped:
        error, ended = f"Stopped: it printed more than {MOST_PRINTED:,} characters.", True
    kept = b"" if ended else _kept(session)
    ended = ended or bool(error and not kept)
    ran = Ran(printed.text, printed.over, result, error, ended, not ended and not kept, charts=plots.charts)
    return ran, kept


def _kept(session: MontySession) -> bytes:
    from pydantic_monty import MontyError

    try:
        state = session.dump()
    except (MontyError, RuntimeError):  # the interpreter is gone
        return b""
    return state if len(state) <= LARGEST_STATE else b""


def _failure(error: Exception) -> tuple[str, bool]:
    """What the model reads of it, and whether the call was ended in its midst, so that its variables mean nothing.

    Monty gives no guarantees about the heap after a limit of time; what has hit the limit of memory would hit it again.
    """
    from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

    if isinstance(error, MontyRuntimeError | MontySyntaxError):
        return shortened(error.display()), isinstance(error.exception(), MemoryError | TimeoutError)
    if isinstance(error, MontyCrashedError) and error.timed_out:
        return "The sandbox took too long.", True
    return "The sandbox broke off.", True


class _Printed:
    """What a call prints. The code could catch what is raised here: of too much, the interpreter dies."""

    def __init__(self, worker: int | None) -> None:
        self._worker = worker
        self._texts: list[str] = []
        self._count = 0

    def __call__(self, stream: str, text: str) -> None:
        if self._count < LONGEST_PRINT:
            self._texts.append(text[: LONGEST_PRINT - self._count])
        self._count += len(text)
        if self.stopped and self._worker is not None:
            with suppress(OSError):  # it has ended
                os.kill(self._worker, getattr(signal, "SIGKILL", signal.SIGTERM))

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def over(self) -> bool:
        return self._count > LONGEST_PRINT

    @property
    def stopped(self) -> bool:
        return self._count > MOST_PRINTED


def _limits(seconds: float) -> Any:
    return {
        "max_feed_duration_secs": seconds,
        "max_memory": MEMORY,
        "max_recursion_depth": DEPTH,
        "max_suspensions": SUSPENSIONS,
        "max_total_sleep_secs": 0.0,
    }


def _policy() -> Any:
    """A real clock in UTC. Sleeping takes no time, so that nobody can hold a place by it."""
    return {"datetime": "system", "timezone": "utc", "sleep": "zero", "random_start": "system"}


def _confine(worker: int | None, seconds: float) -> None:
    """Where the system can: the interpreter opens no file and no socket, whatever came over it, ends after so much work
    though nobody is left to end it, and yields to Parley; and this process has little work to do.

    https://docs.python.org/3/library/resource.html#resource.prlimit
    """
    if worker is None or sys.platform != "linux":
        return
    import resource

    limits = {
        resource.RLIMIT_NOFILE: NO_NEW_FILES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: ADDRESS_SPACE,
        resource.RLIMIT_CPU: int(seconds) + 4,
    }
    for limit, at in limits.items():
        with suppress(OSError, ValueError):  # it has ended, or a lower limit holds already
            resource.prlimit(worker, limit, (at, at))
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, worker, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (RENDERING, RENDERING + 1))
