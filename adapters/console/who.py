"""Who talks in a terminal, and where, and with which words."""

from __future__ import annotations

import getpass
import uuid

from bot.assistants.types import JSON, Author
from bot.errors import PlatformError
from bot.ports import CommandRequest, Conversation, InboundMessage, Placed, Prepared, Reply

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


class Terminal:
    """What is the same for every adapter of a terminal: nothing is looked up, fetched or waited for."""

    platform = PLATFORM

    async def prepare(self, message: InboundMessage, *, first: bool) -> Prepared:
        """As it was typed."""
        return Prepared(message.text, message.author)

    async def download(self, attachment: JSON, limit: int) -> bytes:
        raise PlatformError("Nothing can be attached in a terminal.", permanent=True)

    async def ready(self, reply: Reply, placed: Placed) -> None:
        """At any time."""
