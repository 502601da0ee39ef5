"""Who we are among the processes on one database, and which of the others are gone.

Each process holds a lock on a file beside the database for as long as it lives; the system lets go of it when
the process dies, however it dies. A run whose owner's lock is free is therefore taken up at once. The lease in
the run's row is for owners on other machines, whose locks cannot be seen.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bot.errors import StoreError

LEASE = 30.0
"""Seconds after which an owner that has not renewed its lease counts as gone."""

RENEWAL = 10.0
"""Seconds between renewals."""

SLOTS = 64
"""Processes on one machine and one database, at most."""


@dataclass(frozen=True, slots=True)
class Others:
    """Owners whose process is gone, and owners whose process lives. Of any other owner its lease has to tell."""

    gone: frozenset[str] = frozenset()
    alive: frozenset[str] = frozenset()


class Ownership:
    """`name` is ours until `release`."""

    def __init__(self, database: Path) -> None:
        """Take the first free slot. Raises `StoreError` where there is none."""
        self._database = database
        self._host = platform.node() or "localhost"
        for number in range(SLOTS):
            lock = self._try(number)
            if lock is not None:
                self._number, self._lock = number, lock
                return
        raise StoreError(f"{SLOTS} processes use the database {database} already. Stop one of them.")

    @property
    def name(self) -> str:
        return self._name(self._number)

    def lease(self, now: float) -> float:
        """Until when a lease that is given at `now` holds."""
        return now + LEASE

    @contextmanager
    def others(self) -> Iterator[Others]:
        """The other owners on this machine. Those that are gone cannot come back while the block lasts."""
        gone: dict[str, FileLock] = {}
        alive = set()
        try:
            for number in range(SLOTS):
                if number == self._number or not self._file(number).exists():
                    continue
                lock = self._try(number)
                if lock is None:
                    alive.add(self._name(number))
                else:
                    gone[self._name(number)] = lock
            yield Others(frozenset(gone), frozenset(alive))
        finally:
            for lock in gone.values():
                lock.release()

    def release(self) -> None:
        self._lock.release()

    def _name(self, number: int) -> str:
        return f"{self._host}:{number}"

    def _file(self, number: int) -> Path:
        return self._database.with_name(f"{self._database.name}.owner-{number}")

    def _try(self, number: int) -> FileLock | None:
        lock = FileLock(self._file(number), thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return None
        return lock
