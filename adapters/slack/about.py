"""About: the message that somebody asks about by the shortcut, as the form of the question remembers it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from adapters.slack import blocks, files
from adapters.slack.hearing import speaker, words

METADATA, ATTACHED, LONGEST_QUOTE = 3_000, 5, 1_500
"""What a form remembers of a message: characters in all, as https://docs.slack.dev/reference/views/modal-views says of
`private_metadata`, its files, and characters of its text."""


def about(channel: str, message: Mapping[str, Any]) -> str:
    """JSON of at most `METADATA` characters: `channel`, `thread`, `by`, `text` and `files`."""
    attached = [one | {"url": ""} for one in files.described(message.get("files") or ())][:ATTACHED]
    by = f"<@{message['user']}>" if message.get("user") else blocks.escaped(speaker(message) or "someone")
    thread, text = message.get("thread_ts") or message["ts"], words(message)[:LONGEST_QUOTE]
    while True:
        found = {"channel": channel, "thread": thread, "by": by, "text": text, "files": attached}
        written = json.dumps(found, ensure_ascii=False)
        if len(written.encode("utf-16-le", "surrogatepass")) <= 2 * METADATA or not (text or attached):
            return written
        text, attached = (text[: len(text) * 3 // 4], attached) if text else (text, attached[:-1])
