"""Who talks in a terminal, and where."""

from __future__ import annotations

import getpass
import uuid

from bot.assistants.types import Author
from bot.ports import CommandRequest, Conversation, InboundMessage

PLATFORM = "console"
HERE = Conversation(PLATFORM, "local", "console", "main")


def operator() -> Author:
    """The one who is logged in to the machine."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "operator"
    return Author(name, name)


def message(text: str) -> InboundMessage:
    """A line as a message. Each line is a new one: nothing redelivers a terminal's input."""
    return InboundMessage(HERE, operator(), text, key=f"{PLATFORM}:{uuid.uuid4().hex}")


def command(text: str) -> CommandRequest:
    return CommandRequest(HERE, operator(), text)
