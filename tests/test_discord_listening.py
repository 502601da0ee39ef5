"""Where Parley listens on Discord, and to whom: what reaches the model, and what nobody answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.simulators.discord import FROM_MESSAGE, Message, Permission, payloads

KEPT_OUT = "I am not allowed to answer you here. Ask the people who run me to change that."
VOICE, NEWS = 2, 5


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", limits=False) as made:
        yield made


async def answered(talk: Talk, parley: DiscordParley, asked: Message) -> list[str]:
    """Parley's messages in the thread of a question, once nothing more is to come."""
    await talk.world.until(lambda: talk.ours(asked))
    await parley.quiet()
    return [message.text for message in talk.ours(asked)]


async def unheard(talk: Talk, parley: DiscordParley) -> None:
    """What was said before is heard by the time that this is answered, and the model was asked for nothing else."""
    talk.model.say("Done.")
    marker = await talk.asks("marker")
    assert await answered(talk, parley, marker) == ["Done."]
    assert len(talk.model.requests) == 1


# -- who is heard ----------------------------------------------------------------------------------------------------


async def test_what_people_say_to_each_other_is_not_for_parley(talk: Talk) -> None:
    async with talk.parley() as parley:
        told = await talk.alice.says("Lunch?", talk.general)
        await talk.bob.says("Yes!", talk.general, reply_to=told)
        thread = await talk.alice.opens_thread("Lunch", told)
        await talk.bob.says("At noon?", thread)
        await unheard(talk, parley)


@pytest.mark.parametrize("kind", ["bot", "webhook"])
async def test_bots_and_webhooks_are_not_answered(talk: Talk, kind: str) -> None:
    other = talk.guild.person("Hal", bot=True) if kind == "bot" else talk.world.somebody("Hook", webhook=True)
    async with talk.parley() as parley:
        await talk.asks("Rain?", who=other)
        await unheard(talk, parley)


async def test_a_mention_of_everyone_is_no_mention_of_parley(talk: Talk) -> None:
    async with talk.parley() as parley:
        await talk.alice.says("@everyone lunch?", talk.general)
        await unheard(talk, parley)


async def test_a_mention_of_the_bot_s_own_role_is_one_of_the_bot(talk: Talk) -> None:
    talk.guild.bot_role.mentionable = True
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        asked = await talk.alice.says(f"{talk.guild.bot_role.mention} rain?", talk.general)
        assert await answered(talk, parley, asked) == ["Yes."]
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\nrain?"]


async def test_follow_ups_need_a_mention_where_that_is_set(talk: Talk) -> None:
    talk.model.say("Yes.")
    talk.model.say("No.")
    async with talk.parley(follow_threads=False) as parley:
        asked = await talk.asks("Rain?")
        assert await answered(talk, parley, asked) == ["Yes."]
        thread = talk.world.thread(asked)
        await talk.alice.says("And snow?", thread)
        await talk.asks("Hail?", where=thread)
        await talk.shows(asked, "Yes.", "No.")
        await parley.quiet()
    assert [text.rpartition("\n")[2] for text in talk.spoken()] == ["Rain?", "Hail?"]


@pytest.mark.parametrize(
    "changes",
    [
        {"deny": ["discord:SERVER"]},
        {"deny": ["discord:CHANNEL"]},
        {"deny": ["discord:PERSON"]},
        {"deny": ["discord:ROLE"]},
        {"allow": ["discord:1"]},
        {"allow": ["discord:SERVER"], "deny": ["discord:ROLE"]},
    ],
    ids=str,
)
async def test_whom_the_operator_keeps_out_is_told_once_and_not_answered(
    talk: Talk, changes: dict[str, list[str]]
) -> None:
    role = talk.guild.role("Guests")
    carol = talk.guild.person("Carol", roles=[role])
    ids = {"SERVER": talk.guild.id, "CHANNEL": talk.general.id, "PERSON": carol.id, "ROLE": role.id}
    named = {name: [_named(one, ids) for one in listed] for name, listed in changes.items()}
    async with talk.parley(**named) as parley:
        await talk.asks("Rain?", who=carol)
        await talk.world.until(lambda: talk.ours(talk.general))
        await talk.asks("Rain??", who=carol)
        await talk.world.until(lambda: talk.world.gateway.connected)
        await parley.quiet()
    assert [(one.text, one.pinged) for one in talk.ours(talk.general)] == [(KEPT_OUT, [])]
    assert talk.model.requests == []


def _named(reference: str, ids: dict[str, str]) -> str:
    name = reference.removeprefix("discord:")
    return f"discord:{ids.get(name, name)}"


@pytest.mark.parametrize("allowed", ["SERVER", "CHANNEL", "PERSON", "ROLE"])
async def test_whom_the_operator_allows_is_answered(talk: Talk, allowed: str) -> None:
    role = talk.guild.role("Staff")
    carol = talk.guild.person("Carol", roles=[role])
    ids = {"SERVER": talk.guild.id, "CHANNEL": talk.general.id, "PERSON": carol.id, "ROLE": role.id}
    talk.model.say("Yes.")
    async with talk.parley(allow=[f"discord:{ids[allowed]}"]) as parley:
        asked = await talk.asks("Rain?", who=carol)
        assert await answered(talk, parley, asked) == ["Yes."]


# -- where it answers ------------------------------------------------------------------------------------------------


async def test_a_mention_is_answered_in_a_thread_that_is_named_after_the_question(talk: Talk) -> None:
    talk.model.say("Yes, bring an umbrella.")
    async with talk.parley() as parley:
        asked = await talk.asks("Will it rain?")
        assert await answered(talk, parley, asked) == ["Yes, bring an umbrella."]
    assert talk.world.thread(asked).name == "Will it rain?"
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\nWill it rain?"]


async def test_people_talk_on_in_the_thread_without_a_mention(talk: Talk) -> None:
    talk.model.say("Yes.")
    talk.model.say("No.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.shows(asked, "Yes.")
        await talk.bob.says("And snow?", talk.world.thread(asked))
        await talk.shows(asked, "Yes.", "No.")
        await parley.quiet()
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\nRain?", f"Bob ({talk.bob.id}):\nAnd snow?"]


async def test_a_direct_message_is_answered_where_it_stands(talk: Talk) -> None:
    talk.model.say("Hello.")
    talk.model.say("Again.")
    async with talk.parley() as parley:
        room = talk.world.dm(talk.alice)
        await talk.alice.says("Hi", room)
        await talk.shows(room, "Hello.")
        await talk.alice.says("Hi again", room)
        await talk.shows(room, "Hello.", "Again.")
        await parley.quiet()
    assert [text.rpartition("\n")[2] for text in talk.spoken()] == ["Hi", "Hi again"]


async def test_in_a_thread_of_people_it_answers_there_and_has_read_what_was_said(talk: Talk) -> None:
    talk.model.say("At noon.")
    async with talk.parley() as parley:
        told = await talk.alice.says("Lunch?", talk.general)
        thread = await talk.bob.opens_thread("Lunch", told)
        await talk.bob.says("When?", thread)
        await talk.asks("You say it.", where=thread)
        await talk.shows(thread, "At noon.")
        await parley.quiet()
    assert talk.spoken() == [
        f"Alice ({talk.alice.id}):\nLunch?",
        f"Bob ({talk.bob.id}):\nWhen?",
        f"Alice ({talk.alice.id}):\nYou say it.",
    ]


async def test_a_mention_that_replies_to_somebody_is_about_what_that_one_said(talk: Talk) -> None:
    talk.model.say("He means rain.")
    async with talk.parley() as parley:
        told = await talk.bob.says("Cats and dogs!", talk.general)
        asked = await talk.asks("What?", reply_to=told)
        assert await answered(talk, parley, asked) == ["He means rain."]
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\nWhat?\n\nThis is about the message of Bob:\n> Cats and dogs!"]


@pytest.mark.parametrize("ping", [True, False])
async def test_a_reply_to_its_message_goes_on_with_that_conversation(talk: Talk, ping: bool) -> None:
    talk.guild.withholds(Permission.CREATE_PUBLIC_THREADS)
    talk.model.say("Yes.")
    talk.model.say("No.")
    talk.model.say("Perhaps.")
    async with talk.parley() as parley:
        await talk.asks("Rain?")
        (first,) = await talk.shows(talk.general, "Yes.")
        await parley.quiet()
        asked = await talk.bob.says("Snow?", talk.general, reply_to=first, ping=ping)
        second = (await talk.shows(talk.general, "Yes.", "No."))[1]
        await parley.quiet()
        assert second.reply_to is asked
        await talk.alice.says("Hail?", talk.general, reply_to=second, ping=ping)
        await talk.shows(talk.general, "Yes.", "No.", "Perhaps.")
        await parley.quiet()
    assert [text.rpartition("\n")[2] for text in talk.spoken()] == ["Rain?", "Snow?", "Hail?"]


async def test_in_an_announcement_channel_it_opens_a_thread_as_well(talk: Talk) -> None:
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?", where=talk.guild.channel("news", kind=NEWS))
        assert await answered(talk, parley, asked) == ["Yes."]


async def test_where_no_threads_can_be_opened_it_answers_by_a_reply(talk: Talk) -> None:
    place = talk.guild.channel("Lounge", kind=VOICE)
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?", where=place)
        (answer,) = await talk.shows(place, "Yes.")
        await parley.quiet()
    assert (answer.reply_to, answer.pinged) == (asked, [])
    assert talk.world.count(FROM_MESSAGE) == 0


async def test_two_questions_in_a_channel_are_two_conversations(talk: Talk) -> None:
    talk.model.say("Yes.")
    talk.model.say("No.")
    async with talk.parley() as parley:
        assert await answered(talk, parley, await talk.asks("Rain?")) == ["Yes."]
        assert await answered(talk, parley, await talk.asks("Snow?", who=talk.bob)) == ["No."]
    assert talk.spoken() == [f"Bob ({talk.bob.id}):\nSnow?"]


async def test_what_comes_during_an_answer_is_answered_next_all_together(talk: Talk) -> None:
    gate = talk.model.hold("Yes.")
    talk.model.say("No, and no.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(gate)
        await talk.shows(asked, "Yes.")
        thread = talk.world.thread(asked)
        await talk.alice.says("Snow?", thread)
        await talk.bob.says("Hail?", thread)
        gate.open()
        await talk.shows(asked, "Yes.", "No, and no.")
        await parley.quiet()
    assert [text.rpartition("\n")[2] for text in talk.spoken()] == ["Rain?", "Snow?", "Hail?"]


# -- what reaches the model ------------------------------------------------------------------------------------------


async def test_names_channels_roles_emoji_and_moments_are_readable(talk: Talk) -> None:
    role, other = talk.guild.role("Cooks", mentionable=True), talk.guild.channel("kitchen")
    ann = talk.guild.person("Ann", nick="Annie  \n the cook")
    talk.model.say("Yes.")
    text = f"ask {talk.bob.mention} and {role.mention} in {other.mention} <:pan:1> <t:0:d> `<@1>`"
    async with talk.parley() as parley:
        asked = await talk.asks(text, who=ann)
        assert await answered(talk, parley, asked) == ["Yes."]
    (spoken,) = talk.spoken()
    assert spoken.startswith(f"Annie the cook ({ann.id}):\nask @Bob and @Cooks in #kitchen :pan: 1970-01-01")
    assert spoken.endswith("`<@1>`")


async def test_files_are_read_within_their_limits(talk: Talk) -> None:
    talk.model.say("Three.")
    notes = talk.world.file("notes.txt", b"eggs, milk, flour")
    movie = talk.world.file("movie.bin", b"\0" * 100, "application/octet-stream")
    async with talk.parley() as parley:
        asked = await talk.asks("How many?", files=[notes, movie])
        (answer,) = await answered(talk, parley, asked)
    assert answer.startswith("Three.\n\n")
    assert "movie.bin" in answer
    assert "eggs, milk, flour" in str(talk.model.requests[0].items)


async def test_a_file_whose_address_has_expired_is_asked_for_again(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    talk.model.say("Three.")
    notes = talk.world.file("notes.txt", b"eggs, milk, flour")
    async with talk.parley() as parley:
        with monkeypatch.context() as patch:
            patch.setattr(payloads, "FILE_SECONDS", -1)
            asked = await talk.asks("How many?", files=[notes])
        assert await answered(talk, parley, asked) == ["Three."]
    assert "eggs, milk, flour" in str(talk.model.requests[0].items)


async def test_a_message_without_a_word_is_still_one(talk: Talk) -> None:
    talk.model.say("Yes?")
    async with talk.parley() as parley:
        assert await answered(talk, parley, await talk.asks("")) == ["Yes?"]
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\n(They mentioned you without a word.)"]


# -- edits and deletions ---------------------------------------------------------------------------------------------


async def test_an_edit_before_the_answer_counts(talk: Talk) -> None:
    gate = talk.model.hold("Old.")
    talk.model.say("New.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(gate)
        await talk.alice.edits(asked, f"{talk.world.mention} Snow?")
        await talk.shows(asked, "New.")
        await parley.quiet()
    assert talk.spoken() == [f"Alice ({talk.alice.id}):\nSnow?"]


async def test_the_preview_of_a_link_is_no_edit(talk: Talk) -> None:
    gate = talk.model.hold("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("See https://example.com")
        await talk.held(gate)
        talk.world.unfurls(asked, {"title": "Example"})
        gate.open()
        await talk.shows(asked, "Yes.")
        await parley.quiet()
    assert len(talk.model.requests) == 1


async def test_a_deletion_before_the_answer_leaves_nothing(talk: Talk) -> None:
    gate = talk.model.hold("Yes.")
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        await talk.held(gate)
        await talk.shows(asked, "Yes.")
        await talk.alice.deletes(asked)
        await talk.world.until(lambda: asked.thread is not None and asked.thread.archived)
        await parley.quiet()
        assert talk.ours(asked) == []


# -- without the message content intent ------------------------------------------------------------------------------


async def test_without_the_intent_a_reply_without_a_mention_is_told_so(talk: Talk) -> None:
    talk.world.grants(message_content=False)
    talk.guild.withholds(Permission.CREATE_PUBLIC_THREADS)
    talk.model.say("Yes.")
    async with talk.parley() as parley:
        await talk.asks("Rain?")
        (answer,) = await talk.shows(talk.general, "Yes.")
        await talk.bob.says("Snow?", talk.general, reply_to=answer, ping=False)
        await talk.shows(talk.general, "Yes.", "Discord does not let me read that: mention me by name, or use /ask.")
        await parley.quiet()
    assert len(talk.model.requests) == 1


async def test_what_a_message_replies_to_is_looked_up_where_discord_has_not(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.guild.withholds(Permission.CREATE_PUBLIC_THREADS)
    talk.model.say("Yes.")
    talk.model.say("No.")
    async with talk.parley() as parley:
        await talk.asks("Rain?")
        (answer,) = await talk.shows(talk.general, "Yes.")
        await parley.quiet()
        with monkeypatch.context() as patch:
            patch.setattr(payloads, "RESOLVED", False)
            await talk.bob.says("Snow?", talk.general, reply_to=answer, ping=False)
        await talk.shows(talk.general, "Yes.", "No.")
        await parley.quiet()
    assert [text.rpartition("\n")[2] for text in talk.spoken()] == ["Rain?", "Snow?"]


async def test_without_the_intent_mentions_direct_messages_and_commands_work(talk: Talk) -> None:
    talk.world.grants(message_content=False)
    for word in ("One.", "Two.", "Three."):
        talk.model.say(word)
    async with talk.parley() as parley:
        asked = await talk.asks("Rain?")
        assert await answered(talk, parley, asked) == ["One."]
        await talk.alice.says("unheard", talk.world.thread(asked))
        await talk.alice.says("Snow?", talk.world.dm(talk.alice))
        await talk.shows(talk.world.dm(talk.alice), "Two.")
        used = await talk.alice.uses("/ask", talk.general, prompt="Hail?")
        await talk.world.until(lambda: used.text == "Three.")
        await parley.quiet()
    assert not any("unheard" in str(request.items) for request in talk.model.requests)
