"""What tools have made for people, as every platform hands it over: how many files, under which names, and what is said
of those that cannot be shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.assistants.types import ShownFile

MOST = 10
"""Files of one answer. Discord takes no more in a message:
https://docs.discord.com/developers/resources/message#create-message"""

LONGEST = 60
"""Characters of a file's name."""
ENDING = 10
"""Characters of them that the ending may take."""
UNNAMED = "file"

TOO_MANY = f"An answer has room for {MOST} files."


def safe_name(given: str) -> str:
    """A name that is a name on every platform and disk, and nothing else: no folder, no control or hidden character, no
    markup. It has at most 60 characters, in 240 bytes, and begins with no dot."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(character if _is_harmless(character) else "_" for character in last).strip(" ._-")
    if len(kept) > LONGEST:
        ending = PurePosixPath(kept).suffix[:ENDING]
        kept = kept[: LONGEST - len(ending)].rstrip(" ._-") + ending
    return kept or UNNAMED


def could_not_show(files: Sequence[ShownFile], why: str) -> str:
    """The sentence that stands below an answer, as Markdown."""
    names = ", ".join(f"`{safe_name(file.name)}`" for file in files[:MOST])
    more = f" and {len(files) - MOST} more" if len(files) > MOST else ""
    return f"I could not show {names}{more} here: {why}"


def _is_harmless(character: str) -> bool:
    return character in " .-_()" or unicodedata.category(character)[0] in "LNM"
