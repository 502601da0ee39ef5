"""Who talks in a terminal, and where, and with which words."""

from __future__ import annotations

import getpass
import uuid

from bot.assistants.types import JSON, Author
from bot.errors import PlatformError
from bot.ports import Answer, CommandRequest, Conversation, InboundMessage, Intake, Placed, Prepared, Reply

PLATFORM = "console"
HERE = Conversation(PLATFORM, "local", "console", "main")
LEAVING = ("/quit", "/exit")
HELP = """\
/threads — the conversations so far
Ctrl-C — the same as /stop
/quit or Ctrl-D — leave; an answer in the making goes on at the next start"""
"""What a terminal has beside the commands of every platform."""


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


async def helped(intake: Intake) -> str:
    """All that can be said here. Raises `StoreError`."""
    listed = (await intake.command(command("help"))).text
    return "\n".join([*(f"/{line}" for line in listed.splitlines()), HELP])


def command(text: str) -> CommandRequest:
    return CommandRequest(HERE, operator(), text)


def told(answer: Answer) -> str:
    """What a command comes to, in text: a terminal takes no files, so what is in one is told, too."""
    return "\n".join(filter(None, [answer.text, content(answer)]))


def content(answer: Answer) -> str:
    """What is in the file of a command's answer."""
    return answer.file.content.decode(errors="replace").rstrip() if answer.file else ""


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
