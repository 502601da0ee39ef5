"""Folder: where the files that tools make for the one at a terminal are kept, beside the database, until forgotten.

A file is there whole or not at all, nobody else's is overwritten, and what is there already is not written twice.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from adapters.shown import MOST, TOO_MANY, safe_name
from bot.assistants.types import ShownFile

NAMES = 1_000
"""How many files of one name there may be."""
UNFINISHED = ".unfinished-"


class Folder:
    def __init__(self, path: Path | None) -> None:
        """It is made when there is something for it. Without a path nothing is kept."""
        self._path = path.absolute() if path else None

    def keep(self, files: Sequence[ShownFile]) -> list[str]:
        """Write the files, the first ten of them; returns a line for each that says where it is, or why it is not."""
        return [self._kept(file) for file in files[:MOST]] + [_lacking(file, TOO_MANY) for file in files[MOST:]]

    def forget(self) -> str:
        """Remove every file; returns the sentence that tells of it, or of what cannot be removed."""
        if self._path is None or not self._path.is_dir():
            return ""
        try:
            paths = list(self._path.iterdir())
            for path in paths:
                path.unlink()
            self._path.rmdir()
        except OSError as error:
            return f"The files in {self._path} could not be removed ({error.strerror}): remove them yourself."
        count = f"{len(paths)} files" if len(paths) > 1 else "1 file"
        return f"Removed with it: {count} in {self._path}." if paths else ""

    def _kept(self, file: ShownFile) -> str:
        if self._path is None:
            return _lacking(file, "There is no folder for it.")
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            return f"A file for you: {self._written(self._path, file)}"
        except OSError as error:
            return _lacking(file, f"It could not be written to {self._path} ({error.strerror}).")

    def _written(self, folder: Path, file: ShownFile) -> Path:
        """Where the file is; it has the first name that is free, or that it has already."""
        for path in (folder / name for name in _names(safe_name(file.name))):
            if _holds(path, file.content):
                return path
            if self._placed(folder, path, file.content):
                return path
        raise OSError(0, "there are too many of that name")

    def _placed(self, folder: Path, path: Path, content: bytes) -> bool:
        """False where something has that name. The content appears under it at once, and whole."""
        handle, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
            os.link(unfinished, path)  # it fails where there is something; a rename would take its place
        except FileExistsError:
            return False
        finally:
            os.unlink(unfinished)
        return True


def _names(name: str) -> Iterator[str]:
    """`chart.png`, `chart-2.png`, …"""
    yield name
    pure = PurePosixPath(name)
    yield from (f"{pure.stem}-{number}{pure.suffix}" for number in range(2, NAMES + 1))


def _holds(path: Path, content: bytes) -> bool:
    try:
        about = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size == len(content) and path.read_bytes() == content


def _lacking(file: ShownFile, why: str) -> str:
    return f"I could not show {safe_name(file.name)} here: {why}"
