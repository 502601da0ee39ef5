"""Whisper: what one person is told in answer to a command or a press: what fits a message, and the rest in files.

https://docs.discord.com/developers/resources/message#create-message
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.discord.pen import NOBODY, File
from adapters.markdown import QUIET
from bot.ports import Answer

LONGEST = 2_000
"""Characters of a message."""

LARGEST = 10 * 1024 * 1024
"""Bytes of a file: https://docs.discord.com/developers/reference#uploading-files"""

FILE = "answer.txt"
REST = "\n…\nAll of it is in the file."
TOO_LARGE = "The file has {size} MB, and Discord takes 10 MB: ask the people who run me for it."


@dataclass(frozen=True, slots=True)
class Whisper:
    text: str
    files: Sequence[File] = ()

    @property
    def told(self) -> dict[str, Any]:
        """As Discord takes it; it notifies nobody."""
        told: dict[str, Any] = {"content": self.text, "allowed_mentions": NOBODY}
        if self.files:
            told["attachments"] = [{"id": str(number), "filename": one.name} for number, one in enumerate(self.files)]
        return told


def whisper(answer: Answer) -> Whisper:
    """A text that is too long comes whole as a file, and its beginning above that. No words in it are a link."""
    text, files = answer.text.replace("](", f"]{QUIET}("), []
    if answer.file is not None and len(answer.file.content) > LARGEST:
        text = f"{TOO_LARGE.format(size=-(-len(answer.file.content) // 1_000_000))}\n\n{text}"
    elif answer.file is not None:
        files.append(File(answer.file.name, answer.file.content))
    if len(text) > LONGEST:
        files.append(File(FILE, text.encode()))
        beginning = text[: LONGEST - len(REST)]
        text = (beginning.rpartition("\n")[0].rstrip() or beginning) + REST
    return Whisper(text or "Done.", files)
