"""Who talks in a terminal, and where, and with which words."""

from __future__ import annotations

import getpass
import uuid

from bot.assistants.types import Author
from bot.ports import CommandRequest, Conversation, InboundMessage

PLATFORM = "console"
HERE = Conversation(PLATFORM, "local", "console", "main")
LEAVING = ("/quit", "/exit")
HELP = """\
/new — begin a fresh conversation; the old one is kept
/threads — the conversations so far
/tools list — what I can use
/tools enable NAME, /tools disable NAME — switch it; it holds from the next question on
/stop or Ctrl-C — stop the answer that is being made
/quit or Ctrl-D — leave; an answer in the making goes on at the next start
/help — this list"""


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
