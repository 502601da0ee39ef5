"""The commands, what each answers to whom, and what the audit record keeps of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from bot import access
from bot.assistants.types import Author
from bot.commands import Commands
from bot.commands.conversation import NOTHING_TO_RENEW, ConversationCommands
from bot.commands.rights import Rights
from bot.commands.threads import ThreadCommands
from bot.commands.tools import ADMINS_ONLY, ToolCommands
from bot.handler import Handler
from bot.ports import CommandRequest, Conversation
from bot.stopping import NOT_YOURS, Stopping
from bot.store import threads
from bot.store.database import Database
from bot.store.schema import audit
from tests.files import ready
from tests.hand_clock import HandClock
from tests.parley import Parley, forecast, parley_at, tide
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel
from tools.registry import Registry

NOW = 1_800_000_000.0
HERE = Conversation("slack", "T1", "C1", "1.0")
TOOLS = Registry([forecast, tide])


class Chat:
    """Commands on a real database, as one person after another gives them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        clock, admins = HandClock(NOW), ["slack:U9"]
        self.rights = Rights(database, admins, clock)
        stopping = Stopping(cast(Handler, None), self.rights)  # there are no runs
        switches = ToolCommands(database, self.rights, TOOLS, "either")
        conversation = ConversationCommands(database, stopping, clock)
        self.commands = Commands(self.rights, [switches, conversation, ThreadCommands(database, self.rights)])

    async def say(self, text: str, *, by: Author = ALICE, admin: bool = True, where: Conversation = HERE) -> str:
        return (await self.commands.run(CommandRequest(where, by, text, platform_admin=admin))).text

    async def record(self) -> list[tuple[Any, ...]]:
        """Actor, action, target, before, after and whether it was allowed."""
        kept = (audit.c.actor_id, audit.c.action, audit.c.target, audit.c.before, audit.c.after, audit.c.allowed)
        found = await self.database.read(lambda c: c.execute(select(*kept).order_by(audit.c.seq)))
        return [tuple(row) for row in found]


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    database = await Database.open(ready(tmp_path / "parley.db"))
    yield Chat(database)
    await database.close()


# -- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "author", "platform_admin", "may"),
    [
        (HERE, "U1", False, False),
        (HERE, "U1", True, True),
        (HERE, "U9", False, True),
        (Conversation("discord", "T1", "C1", ""), "U9", False, False),
        (Conversation("console", "local", "console", "main"), "root", False, True),
    ],
)
def test_an_admin_is_whom_the_platform_or_the_operator_calls_one(
    where: Conversation, author: str, platform_admin: bool, may: bool
) -> None:
    request = CommandRequest(where, Author(author, "Someone"), "help", platform_admin)
    assert access.is_admin(request, ["slack:U9"]) is may


@pytest.mark.parametrize("word", ["enable", "disable"])
async def test_a_switch_by_others_is_refused_and_recorded(chat: Chat, word: str) -> None:
    assert await chat.say(f"tools {word} forecast here", admin=False) == ADMINS_ONLY
    assert await chat.say("tools list", admin=False) == "forecast: on\ntide: on"
    assert await chat.record() == [("U1", f"tools {word}", "forecast", None, None, False)]


async def test_help_shows_the_switches_to_admins_only(chat: Chat) -> None:
    words = ["tools list", "new", "stop", "help"]
    assert [line.split(" — ")[0] for line in (await chat.say("HELP", admin=False)).splitlines()] == words
    assert await chat.say("  ", admin=False) == await chat.say("help", admin=False)
    more = (await chat.say("help")).removeprefix(await chat.say("help", admin=False)).strip()
    assert [line.split(" — ")[0] for line in more.splitlines()] == [
        "tools enable NAME [here|workspace]",
        "tools disable NAME [here|workspace]",
        "tools approve NAME on|off [asker|admins|either] [here|workspace]",
        "threads [list|show ID|continue ID]",
    ]


# -- the switches --------------------------------------------------------------------------------------------------


async def test_a_switch_is_for_the_workspace_unless_it_says_here(chat: Chat) -> None:
    elsewhere = Conversation("slack", "T1", "C2", "")
    assert await chat.say("tools disable forecast") == (
        "forecast is off for the whole workspace from the next question on."
    )
    assert await chat.say("tools disable tide here") == "tide is off for this channel from the next question on."
    assert await chat.say("tools") == "forecast: off (set for this workspace)\ntide: off (set for this channel)"
    assert await chat.say("tools list", where=elsewhere) == "forecast: off (set for this workspace)\ntide: on"


async def test_the_nearest_switch_wins_and_a_thread_counts_as_its_channel(chat: Chat) -> None:
    await chat.say("tools enable forecast here")
    said = await chat.say("tools disable forecast", where=Conversation("slack", "T1", "C1", "2.0"))
    assert said.endswith(" This channel's own switch still says on.")
    assert (await chat.say("tools list")).startswith("forecast: on (set for this channel)")


@pytest.mark.parametrize(
    "elsewhere", [Conversation("slack", "T2", "C1", "1.0"), Conversation("discord", "T1", "C1", "1.0")]
)
async def test_a_switch_does_not_reach_other_workspaces(chat: Chat, elsewhere: Conversation) -> None:
    await chat.say("tools disable forecast workspace")
    await chat.say("tools disable tide here")
    assert await chat.say("tools list", where=elsewhere) == "forecast: on\ntide: on"


async def test_the_record_tells_what_a_switch_was_before_and_after(chat: Chat) -> None:
    await chat.say("tools disable forecast")
    await chat.say("tools enable forecast server", by=BOB)
    assert await chat.say("tools enable forecast") == "forecast was on for the whole workspace already."
    await chat.say("tools disable forecast channel", by=Author("U9", "Ada"), admin=False)
    assert await chat.record() == [
        ("U1", "tools disable", "forecast (workspace)", "not set", "off", True),
        ("U2", "tools enable", "forecast (workspace)", "off", "on", True),
        ("U1", "tools enable", "forecast (workspace)", "on", "on", True),
        ("U9", "tools disable", "forecast (channel)", "not set", "off", True),
    ]


async def test_the_record_tells_when_where_and_by_whom(chat: Chat) -> None:
    await chat.say("tools disable forecast", by=BOB)
    kept = select(audit.c.at, audit.c.actor_name, audit.c.platform, audit.c.workspace, audit.c.channel)
    assert (await chat.database.read(lambda c: c.execute(kept))).one() == (NOW, "Bob", "slack", "T1", "C1")


async def test_of_twenty_toggles_at_once_none_is_lost(chat: Chat) -> None:
    words = [("enable", "disable")[number % 2] for number in range(20)]
    await asyncio.gather(*(chat.say(f"tools {word} tide") for word in words))
    record = await chat.record()
    assert len(record) == 20
    afters = [after for *_, after, _ in record]
    assert [before for *_, before, _, _ in record] == ["not set", *afters[:-1]]
    assert await chat.say("tools list") == f"forecast: on\ntide: {afters[-1]} (set for this workspace)"


# -- wrong words ---------------------------------------------------------------------------------------------------


async def test_an_unknown_tool_is_named_beside_the_known_ones(chat: Chat) -> None:
    assert await chat.say("tools disable tides") == "There is no tool “tides”. There are: forecast, tide."


async def test_an_unknown_scope_is_named_beside_the_known_ones(chat: Chat) -> None:
    assert await chat.say("tools disable tide everywhere") == (
        "“everywhere” is no scope. Say “here” for this channel or “workspace” for all of it."
    )


@pytest.mark.parametrize("text", ["tools off tide", "tools enable", "tools disable tide here now", "tools list all"])
async def test_a_tools_command_that_makes_no_sense_is_answered_with_its_forms(chat: Chat, text: str) -> None:
    assert (await chat.say(text)).startswith("Say “tools list”, “tools enable NAME [here|workspace]”, ")


async def test_an_unknown_command_is_answered_with_the_known_ones(chat: Chat) -> None:
    assert await chat.say("dance now") == "There is no command “dance”. There are: tools, new, stop, threads, help."


async def test_wrong_words_change_nothing(chat: Chat) -> None:
    for text in ("tools disable tides", "tools disable tide everywhere", "tools disable", "dance"):
        await chat.say(text)
    assert await chat.say("tools list") == "forecast: on\ntide: on"
    assert await chat.record() == []


# -- conversations -------------------------------------------------------------------------------------------------


async def test_new_gives_the_conversation_a_fresh_thread_and_keeps_the_old_one(chat: Chat) -> None:
    old = await chat.database.write(lambda tx: threads.bind(tx, HERE, NOW))
    assert await chat.say("new", admin=False) == (
        "A fresh conversation begins here. I no longer see what was said before."
    )
    fresh = await chat.database.read(lambda c: threads.bound(c, HERE))
    assert fresh != old
    assert await chat.database.read(lambda c: threads.exists(c, old))


async def test_the_operators_terminal_alone_lists_the_threads(chat: Chat) -> None:
    terminal = Conversation("console", "local", "console", "main")
    assert await chat.say("threads", where=terminal) == "No threads yet."
    assert (await chat.say("threads")).startswith("There are no threads of programs in this ")


async def test_stop_without_a_run_says_so(chat: Chat) -> None:
    assert await chat.say("stop") == "There is nothing to stop here."
    await chat.say("new")
    assert await chat.say("stop") == "There is nothing to stop here."


async def test_new_beside_all_threads_of_a_channel_makes_no_conversation(chat: Chat) -> None:
    beside = Conversation("slack", "T1", "C1", "")
    assert await chat.say("new", where=beside) == NOTHING_TO_RENEW
    assert await chat.database.read(lambda c: threads.bound(c, beside)) is None


@pytest.fixture
async def answering(tmp_path: Path) -> AsyncIterator[Parley]:
    """Alice has asked, and the model is in the middle of its answer."""
    model = ScriptedModel()
    gate = model.hold("Well")
    async with parley_at(tmp_path / "parley.db", model, admins=["room:U3"]) as parley:
        await parley.alice.say("Why?")
        await gate.reached.wait()
        yield parley


@pytest.mark.parametrize(("by", "admin"), [(ALICE, False), (BOB, True), (Author("U3", "Cleo"), False)])
async def test_who_asked_and_admins_may_stop_an_answer(answering: Parley, by: Author, admin: bool) -> None:
    assert await answering.alice.command("stop", by=by, admin=admin) == "Stopped."
    await answering.quiet()
    assert answering.room.answers == ["Well\n\nStopped."]


async def test_stop_beside_all_threads_of_a_channel_stops_what_one_may(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with parley_at(tmp_path / "parley.db", model) as parley:
        for number, (by, channel) in enumerate([(ALICE, "C1"), (ALICE, "C1"), (BOB, "C1"), (ALICE, "C2")]):
            held = model.hold("Well")
            await parley.alice.say("Why?", by=by, channel=channel, thread=str(number))
            await held.reached.wait()
        cleo = Author("U3", "Cleo")
        assert await parley.alice.command("stop", by=cleo, thread="") == NOT_YOURS
        assert await parley.alice.command("stop", by=ALICE, thread="") == "Stopped 2 answers."
        await parley.room.until(lambda room: len(room.answers) == 2)
        assert await parley.alice.command("stop", by=cleo, admin=True, thread="") == "Stopped."
        await parley.room.until(lambda room: len(room.answers) == 3)
        assert await parley.alice.command("stop", thread="") == "There is nothing to stop here."
        assert await parley.alice.command("stop", thread="", channel="C2") == "Stopped."
        await parley.quiet()
        assert parley.room.answers == ["Well\n\nStopped."] * 4


async def test_others_may_not_stop_an_answer_and_the_refusal_is_recorded(answering: Parley) -> None:
    assert await answering.alice.command("stop", by=BOB) == (
        "Only the one who asked, or an admin, can stop this answer."
    )
    kept = select(audit.c.actor_id, audit.c.action, audit.c.allowed)
    assert (await answering.core.database.read(lambda c: c.execute(kept))).one() == ("U2", "stop", False)
    await answering.alice.command("stop")
    await answering.quiet()
