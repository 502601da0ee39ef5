"""What seldom comes together on Discord: each time nothing is lost, nobody else's is touched, and it goes on."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import discord
import pytest
import structlog

from adapters.discord.ears import Ears
from bot.models.port import ModelError, Turn
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hasty_clock import HastyClock
from tests.scripted_model import Gate
from tests.simulators.discord import EDIT, FROM_MESSAGE, Permission

SORRY = "The model is broken. Please try again."
MEMBER = "GET /guilds/{guild_id}/members/{user_id}"


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    monkeypatch.setattr("adapters.door.GRACE", 0.0)
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False) as made:
        yield made


async def leaves(talk: Talk, parley: DiscordParley) -> None:
    """The process goes in the middle of what it does."""
    await parley.core.handler.close(grace=0)
    assert talk.clock is not None
    talk.clock.advance(400)  # longer than Discord knows a nonce


def half(talk: Talk) -> Gate:
    gate = Gate()
    talk.model.act("It snows ", gate, Turn(""))
    return gate


# -- replies ---------------------------------------------------------------------------------------------------------


async def test_a_reply_to_half_an_answer_belongs_to_its_conversation(talk: Talk) -> None:
    gate = Gate()
    talk.model.act("It snows ", gate, "today.", Turn("It snows today."))
    talk.model.say("Tomorrow, too.")
    async with talk.parley() as parley:
        asked = await talk.alice.uses("/ask", talk.general, prompt="Snow?")
        await talk.held(gate)
        await talk.world.until(lambda: asked.text.strip() == "It snows")
        await talk.alice.says("And tomorrow?", talk.general, reply_to=asked.responses[0])
        gate.open()
        await talk.shows(talk.general, "It snows today.", "Tomorrow, too.")
        await parley.quiet()
    assert [text.rpartition("\n")[2] for text in talk.spoken()] == ["Snow?", "And tomorrow?"]


async def test_somebody_else_s_answer_that_says_the_same_is_left_alone(talk: Talk) -> None:
    talk.guild.withholds(Permission.CREATE_PUBLIC_THREADS)
    gate = Gate()
    talk.model.act(gate, ModelError(SORRY))
    talk.model.act(ModelError(SORRY))
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(gate)
        (thinking,) = await talk.shows(talk.general, "-# thinking…")
        other = await talk.asks("Snow?", who=talk.bob)
        await talk.shows(talk.general, "-# thinking…", SORRY)
        talk.world.fails(EDIT, times=5)
        gate.open()
        await talk.shows(talk.general, SORRY, SORRY)
        await parley.quiet()
    assert [one.reply_to for one in talk.ours(talk.general)] == [asked, other]
    assert talk.ours(talk.general)[0] is thinking


async def test_an_answer_in_the_channel_stays_there_when_a_thread_could_be_had_later(talk: Talk) -> None:
    talk.world.fails(FROM_MESSAGE, status=403)
    gate = half(talk)
    async with talk.parley() as parley:
        asked = await talk.asks("Snow?")
        await talk.held(gate)
        await talk.world.until(lambda: [one.text.strip() for one in talk.ours(talk.general)] == ["It snows"])
        await leaves(talk, parley)
    talk.model.say("It snows today.")
    async with talk.parley() as parley:
        await talk.shows(talk.general, "It snows today.")
        await parley.quiet()
    assert asked.thread is None


async def test_whatever_is_not_allowed_an_answer_comes_whole_or_fails_aloud(talk: Talk) -> None:
    talk.guild.withholds(Permission.SEND_MESSAGES_IN_THREADS, Permission.READ_MESSAGE_HISTORY, Permission.ATTACH_FILES)
    text = "A line of prose, and some more.\n" * 500
    talk.model.say(text)
    async with talk.parley() as parley:
        await talk.asks("All?")
        await talk.world.until(lambda: talk.ours(talk.general) and len(talk.ours(talk.general)[-1].buttons) == 3)
        await parley.quiet()
    shown = "".join(one.text for one in talk.ours(talk.general))
    assert "".join(shown.split()) == "".join(text.split())


# -- who may ask -----------------------------------------------------------------------------------------------------


async def test_a_role_that_the_client_does_not_know_yet_counts(talk: Talk) -> None:
    role = talk.guild.role("Guests")
    carol = talk.guild.person("Carol", roles=[role])
    async with talk.parley(deny=[f"discord:{role.id}"]) as parley:
        client: Any = parley.adapter._parts.gateway.client  # type: ignore[union-attr]
        client.get_guild(int(talk.guild.id))._roles.pop(int(role.id))
        used = await carol.uses("/ask", talk.general, prompt="Rain?")
        assert used.text.startswith("I am not allowed to answer you here.")
        await parley.quiet()
    assert talk.model.requests == []


async def test_who_asked_meanwhile_is_not_answered_where_their_roles_cannot_be_known(talk: Talk) -> None:
    talk.model.say("Hello.")
    async with talk.parley() as parley:
        await talk.shows(await talk.asks("hello?"), "Hello.")
        await parley.quiet()
    role = talk.guild.role("Guests")
    carol = talk.guild.person("Carol", roles=[role])
    asked = await talk.asks("Rain?", who=carol)
    talk.world.fails(MEMBER, times=50)
    async with talk.parley(deny=[f"discord:{role.id}"]) as parley:
        await talk.world.until(lambda: talk.world.count(MEMBER) >= 4)
        await parley.quiet()
    assert talk.ours(asked) == []


# -- what was said before --------------------------------------------------------------------------------------------


async def test_what_people_said_before_they_called_for_it_is_never_answered(talk: Talk) -> None:
    assert talk.clock is not None
    thread = await talk.bob.opens_thread("Build", talk.general)
    await talk.bob.says("The build is broken.", thread)
    talk.clock.advance(20)
    talk.model.say("I see.")
    async with talk.parley() as parley:
        await talk.asks("Do you see that?", where=thread)
        await talk.shows(thread, "I see.")
        await parley.quiet()
    talk.model.say("Done.")
    async with talk.parley() as parley:
        await talk.shows(await talk.asks("marker"), "Done.")
        await parley.quiet()
    assert [one.text for one in talk.ours(thread)] == ["I see."]


async def test_words_of_a_deleted_message_leave_the_database(talk: Talk, tmp_path: Path) -> None:
    gate = talk.model.hold("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("My password is hunter2")
        await talk.held(gate)
        await talk.shows(asked, "Yes.")
        await talk.alice.deletes(asked)
        await talk.world.until(lambda: not talk.ours(asked))
        await parley.quiet()
    with closing(sqlite3.connect(tmp_path / "p.db")) as connection:
        rows = connection.execute("SELECT text, raw_text, route FROM messages").fetchall()
    assert rows
    assert "hunter2" not in str(rows)


# -- faults of other kinds -------------------------------------------------------------------------------------------


async def test_an_event_that_cannot_be_read_ends_no_session(talk: Talk) -> None:
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        (session,) = talk.world.gateway.sessions.values()
        session.put("MESSAGE_CREATE", {"id": "1", "channel_id": talk.general.id, "guild_id": talk.guild.id})
        await talk.shows(await talk.asks("Rain?"), "Yes.")
        await parley.quiet()
    assert talk.world.gateway.identifies == 1


async def test_what_fails_while_it_is_taken_in_is_told_in_the_log(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    told = structlog.testing.LogCapture()
    monkeypatch.setattr("adapters.discord.gateway.log", structlog.wrap_logger(None, processors=[told]))

    async def broken(ears: Ears, message: discord.Message, *, missed: bool = False) -> None:
        raise RuntimeError("broken")

    async with talk.parley():
        monkeypatch.setattr(Ears, "message", broken)
        await talk.asks("Rain?")
        await talk.world.until(lambda: any(entry["event"] == "not taken in" for entry in told.entries))


async def test_a_stop_in_a_pause_of_everything_stops_nothing_else(talk: Talk) -> None:
    gate = talk.model.hold("It snows")
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("Snow?")
        await talk.held(gate)
        (answer,) = await talk.shows(asked, "It snows")
        talk.world.limits._on = True
        talk.world.limits.allow("global", 1, 1.0)
        pressed = await talk.alice.presses(answer, "Stop")
        assert pressed.text == "Stopped."
        talk.world.limits._on = False
        await talk.shows(asked, "It snows\n\nStopped.")
        await talk.shows(await talk.asks("Rain?"), "Yes.")
        await parley.quiet()


def test_discord_s_client_keeps_its_log_to_itself() -> None:
    """Its lines hold addresses with the tokens of interactions in them."""
    assert logging.getLogger("discord").level >= logging.CRITICAL


async def test_what_discord_never_sends_is_passed_over_without_a_traceback(
    talk: Talk, capsys: pytest.CaptureFixture[str]
) -> None:
    talk.model.say("Well.")
    async with talk.parley():
        author = {"id": talk.alice.id, "username": "alice", "discriminator": "0", "avatar": None}
        said = {"id": talk.world.next_id(), "channel_id": talk.general.id, "guild_id": talk.guild.id, "author": author}
        lists: dict[str, list[object]] = {"mentions": [], "mention_roles": [], "attachments": []}
        talk.world.gateway.inject("MESSAGE_CREATE", said | lists | {"content": [talk.world.mention]})
        talk.world.gateway.inject("MESSAGE_CREATE", said | {"content": "without its mentions"})
        bare = {name: value for name, value in author.items() if name != "avatar"}
        talk.world.gateway.inject("MESSAGE_CREATE", said | lists | {"content": "no picture", "author": bare})
        talk.world.gateway.inject("INTERACTION_CREATE", {"id": "1", "token": "t", "type": 2, "data": []})
        talk.world.gateway.inject(
            "INTERACTION_CREATE", {"id": "1", "token": "t", "type": 3, "data": {"custom_id": "x"}}
        )
        await talk.shows(await talk.asks(), "Well.")
        assert talk.world.gateway.identifies == 1
    assert "Traceback" not in capsys.readouterr().out
