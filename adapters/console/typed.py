"""What was typed in the chat, so that it can be had again: in a file beside the database, until it is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import FileHistory, History


class Typed(History):
    def __init__(self, path: Path | None) -> None:
        """Without a path, for as long as the program runs."""
        super().__init__()
        self._path = path
        self._file = FileHistory(str(path)) if path else None

    def load_history_strings(self) -> Iterable[str]:
        return self._file.load_history_strings() if self._file else ()

    def store_string(self, string: str) -> None:
        if self._file:
            self._file.store_string(string)

    def forget(self) -> None:
        """Nothing was typed."""
        self._loaded_strings.clear()
        if self._path and self._path.exists():
            self._path.write_bytes(b"")
