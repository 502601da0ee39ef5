"""A small file system of its own, which can be full: a tmpfs, where this program may mount one."""

from __future__ import annotations

import errno
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEGABYTES = 96


@dataclass(frozen=True, slots=True)
class Disk:
    """`folder` is on it. It can be filled only where it is `small`."""

    folder: Path
    small: bool

    def fill(self) -> None:
        """Leave not a byte free."""
        with self._ballast.open("wb", buffering=0) as ballast:
            size = MEGABYTES << 20
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@contextmanager
def disk() -> Iterator[Disk]:
    folder = Path(tempfile.mkdtemp(prefix="parley-ordeal-"))
    mounted = _mount(folder)
    try:
        yield Disk(folder, small=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def _mount(folder: Path) -> bool:
    order = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "none", str(folder)]
    try:
        return subprocess.run(order, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
