"""Work on a hostile file in a process of its own: what takes too long is ended, and what takes too much memory dies
alone. The process runs this very file, which therefore imports nothing of ours but the module that does the work. It is
told nothing of Parley's environment but where things are, and gives way to Parley.

What ends Parley (Ctrl-C, a service manager's signal to all of its processes) is not for that process: it goes when
Parley lets go of it, and what was read of a file does not depend on the moment.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import math
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SECONDS = 10.0
MEMORY = 1024 * 1024 * 1024
"""Bytes, where the system can limit them."""
MOST = 128 * 1024 * 1024
"""Bytes of an answer; a process that says more has failed."""
LARGEST_FILE = 4 * 1024 * 1024
"""Bytes that it may write into a file: compiled modules and matplotlib's list of fonts are kept so."""
MOST_FILES = 64
"""Open at once."""
NICER = 5
"""How much nicer it is than Parley."""
TOLD = frozenset(
    {"PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LC_ALL", "LC_CTYPE"}
    | {"PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "LD_LIBRARY_PATH"}
    | {
        "DYLD_LIBRARY_PATH",
        "DYLD_FALLBACK_LIBRARY_PATH",
        "FONTCONFIG_FILE",
        "FONTCONFIG_PATH",
        "MPLCONFIGDIR",
        "MONTY_BIN",
    }
    | {"XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
)
"""What it is told of the environment: where Python, libraries, fonts and caches are."""
ATTEMPTS = 3
"""To do the work, where the process is ended from outside."""
BEGUN = b" "
"""What the process says first. Before that a signal may end it, with any exit code; JSON may begin so."""
_FROM_OUTSIDE = (-signal.SIGINT, -signal.SIGTERM)

Trouble = Literal["", "slow", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the process said, or why it said nothing: `stopped` means that somebody else ended it."""

    said: bytes = b""
    trouble: Trouble = ""


async def answer(
    module: str,
    data: bytes,
    given: Mapping[str, int | str],
    *,
    seconds: float = SECONDS,
    work: float | None = None,
    places: asyncio.Semaphore | None = None,
    most: int = MOST,
) -> Answer:
    """What `module.answered(data, **given)` says, a text of ASCII characters.

    `places` limits how many work at once; the `seconds` count from when there is one, by the clock and,
    unless there are seconds of `work`, for the processor.
    """
    async with places or nullcontext():
        for _ in range(ATTEMPTS):
            try:
                found = await _asked(module, data, given, seconds, seconds if work is None else work, most)
            except OSError:
                return Answer(trouble="failed")
            if found.trouble != "stopped":
                break
        return found


async def _asked(
    module: str, data: bytes, given: Mapping[str, int | str], seconds: float, work: float, most: int
) -> Answer:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(Path(__file__)), module, json.dumps(given), str(math.ceil(work))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name in TOLD},
    )
    try:
        async with asyncio.timeout(seconds):
            said = await _exchanged(process, data, most)
            if len(said) <= most:
                await process.wait()
    except TimeoutError:
        return Answer(trouble="slow")
    finally:
        _end(process)
        await process.wait()
    if len(said) > most:
        return Answer(trouble="failed")
    if process.returncode == 0:
        return Answer(said)
    return Answer(trouble=_trouble(process.returncode, begun=bool(said)))


async def _exchanged(process: asyncio.subprocess.Process, data: bytes, most: int) -> bytes:
    """What it says, or the beginning of that, which is longer than `most`."""
    assert process.stdin is not None
    assert process.stdout is not None
    giving = asyncio.create_task(_give(process.stdin, data))
    try:
        return await process.stdout.readexactly(most + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    finally:
        giving.cancel()
        await asyncio.wait({giving})


async def _give(stdin: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it reads no more
        stdin.write(data)
        await stdin.drain()
    stdin.close()


def _end(process: asyncio.subprocess.Process) -> None:
    """With the processes that it has started itself."""
    with suppress(ProcessLookupError, PermissionError):  # they have ended
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _trouble(code: int | None, *, begun: bool) -> Trouble:
    """Why the process ended without an answer."""
    if code in _FROM_OUTSIDE or not begun:
        return "stopped"
    return "slow" if code == -getattr(signal, "SIGXCPU", 0) else "failed"


def main() -> None:
    """The process: a file comes in, the answer goes out."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    sys.stdout.buffer.write(BEGUN)
    sys.stdout.buffer.flush()
    module, given, seconds = sys.argv[1:]
    _limit(int(seconds))
    sys.path.append(str(Path(__file__).parent.parent))  # where Parley is not installed
    work = importlib.import_module(module)
    sys.stdout.buffer.write(work.answered(sys.stdin.buffer.read(), **json.loads(given)).encode("ascii"))


def _limit(seconds: int) -> None:
    """So much memory and work, should nobody be left to end this process, and little beside."""
    try:
        import resource
    except ImportError:  # Windows
        return
    os.nice(NICER)
    limits = {
        resource.RLIMIT_AS: (MEMORY, MEMORY),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (LARGEST_FILE, LARGEST_FILE),
        resource.RLIMIT_NOFILE: (MOST_FILES, MOST_FILES),
        resource.RLIMIT_CORE: (0, 0),
    }
    for limit, at in limits.items():
        with suppress(OSError, ValueError):  # a lower limit holds already
            resource.setrlimit(limit, at)


if __name__ == "__main__":
    main()
