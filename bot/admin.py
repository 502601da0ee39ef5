"""The operator's shell: the commands of the chat, on a database beside the Parley that may be running on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import access
from bot.assistants.journal import Change
from bot.assistants.lifecycle import move
from bot.assistants.types import JSON, Author
from bot.clock import Clock, SystemClock
from bot.commands.build import build
from bot.commands.files import Shelver
from bot.commands.rights import Rights
from bot.errors import IllegalTransition, ParleyError
from bot.library import Library
from bot.ownership import RENEWAL
from bot.ports import Answer, CommandRequest, Conversation
from bot.settings import Settings
from bot.stopping import Stopping
from bot.store import workspaces
from bot.store.database import Database
from bot.store.journal import StoreJournal
from tools import registry as tool_registry
from tools.registry import Registry

STOPPING = f"The Parley that makes the answer finds that within {RENEWAL:g} seconds."


@dataclass(frozen=True, slots=True)
class Given:
    """Where a command is to hold, as far as the operator said; empty for what was left out."""

    platform: str = ""
    workspace: str = ""
    channel: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    answer: Answer
    known: bool
    """There is such a command."""
    where: Conversation


async def carry_out(
    settings: Settings,
    given: Given,
    text: str,
    *,
    operator: Author,
    terminal: Conversation,
    registry: Registry | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Carry out a command as an admin. `operator` is who sits at the console, and `terminal` the console's own place.

    There it is that person's own command (`export me`); elsewhere nobody's of the workspace, under the person's name.

    Raises `StoreError`, and `ParleyError` where it is not said which workspace is meant.
    """
    clock = clock or SystemClock()
    database = await Database.look(settings.database)
    try:
        request = ordered(await place(database, given, terminal), text, operator)
        return await obeyed(settings, Library(database, "", clock), request, registry=registry)
    finally:
        await database.close()


def ordered(where: Conversation, text: str, operator: Author, attachments: Sequence[JSON] = ()) -> CommandRequest:
    """A command as the operator gives it."""
    word = "server" if where.platform == "discord" else "workspace"
    author = operator if where.platform == access.OPERATOR else Author("operator", operator.name)
    return CommandRequest(where, author, text, platform_admin=True, workspace=word, attachments=attachments)


async def obeyed(
    settings: Settings,
    library: Library,
    request: CommandRequest,
    *,
    registry: Registry | None = None,
    shelver: Shelver | None = None,
) -> Outcome:
    """Carry out a command on the library's database. Raises `StoreError`."""
    database, clock = library.database, library.clock
    rights, remote = Rights(database, settings.admins, clock), _Remote(StoreJournal(database, ""), clock)
    tools = registry or tool_registry.load()
    commands = build(settings, database, rights, Stopping(remote, rights), tools, clock, library, shelver)
    answer = await commands.run(request)
    if remote.stopped:
        answer = Answer(f"{answer.text} {STOPPING}", answer.file)
    return Outcome(answer, commands.knows(request), request.conversation)


class _Remote:
    """Stops runs that another process drives: it finds them `cancelling`."""

    def __init__(self, journal: StoreJournal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.stopped = False

    async def stop(self, run_id: str) -> bool:
        try:
            await self._journal.decide(run_id, lambda run: Change(move(run, "cancelling", self._clock.now())))
        except IllegalTransition:
            return False
        self.stopped = True
        return True


async def place(database: Database, given: Given, terminal: Conversation) -> Conversation:
    """The only workspace that what was said leaves; the terminal's own counts where it is named, or there is no other.

    A workspace that nobody has talked in yet is taken where both are said. Raises `ParleyError`.
    """
    if given.platform == access.OPERATOR:
        return _within(terminal, given)
    if given.platform and given.workspace:
        return Conversation(given.platform, given.workspace, given.channel, given.thread)
    known = await database.read(workspaces.known)
    fitting = [
        (platform, workspace)
        for platform, workspace in known
        if platform != access.OPERATOR and given.platform in ("", platform) and given.workspace in ("", workspace)
    ]
    if len(fitting) == 1:
        return Conversation(*fitting[0], given.channel, given.thread)
    if not (fitting or given.platform or given.workspace) and known:
        return _within(terminal, given)
    raise ParleyError(_which(fitting or known))


def _within(terminal: Conversation, given: Given) -> Conversation:
    if given.channel in ("", terminal.channel):
        return terminal
    raise ParleyError(
        "The console has no channels: leave --channel out, or say which workspace is meant, with --platform and "
        "--workspace."
    )


def _which(known: Sequence[tuple[str, str]]) -> str:
    said = "; ".join(f"--platform {platform} --workspace {workspace}" for platform, workspace in known)
    listed = f" Parley knows: {said}." if said else " Nobody has talked to Parley yet."
    return f"Say which workspace is meant, with --platform and --workspace.{listed}"


def write(outcome: Outcome, file: Path) -> None:
    """The answer's file to a new one. Raises `ParleyError`."""
    if outcome.answer.file is None:
        raise ParleyError(f"There is no file in this answer: {file} was not written.")
    try:
        with file.open("xb") as made:
            made.write(outcome.answer.file.content)
    except FileExistsError:
        raise ParleyError(f"{file} exists already. Name a new file.") from None
    except OSError as error:
        raise ParleyError(f"{file} cannot be written ({error.strerror}). Name another file.") from None
