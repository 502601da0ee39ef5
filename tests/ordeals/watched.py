"""Parley as it is started always, which also tells how many tasks it has: each SIGUSR1 adds a number to a file."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from bot.cli import main

FILE = "TASKS_FILE"
"""The variable that names the file."""


def _tell(*_: object) -> None:
    with Path(os.environ[FILE]).open("a") as told:
        told.write(f"{len(asyncio.all_tasks())}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _tell)
    main()
