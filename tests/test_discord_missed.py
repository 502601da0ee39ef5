"""What was said while Parley was away: it is answered once, in order, and nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.hasty_clock import HastyClock
from tests.simulators.discord import Channel, Message, Permission

DAY = 24 * 3_600.0
MESSAGES = "GET /channels/{channel_id}/messages"
MEMBER = "GET /guilds/{guild_id}/members/{user_id}"


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db", clock=HastyClock(), limits=False) as made:
        yield made


async def answered(talk: Talk, parley: DiscordParley, where: Channel | Message, *texts: str) -> None:
    """These are Parley's messages there, and no others come."""
    await talk.shows(where, *texts)
    await parley.quiet()
    await talk.shows(where, *texts)


async def talked(talk: Talk, where: Channel | None = None, **changes: object) -> Channel:
    """An earlier life of Parley, in which Alice was answered; returns the thread, or the direct conversation."""
    place = where or talk.general
    talk.model.say("Hello.")
    async with talk.parley(**changes) as parley:
        asked = await talk.asks("hello?", where=place)
        await answered(talk, parley, asked if place.guild else place, "Hello.")
    return talk.world.thread(asked) if place.guild else place


async def nothing_more(talk: Talk, parley: DiscordParley) -> None:
    """What was missed has been read by the time that this is answered, and the model was asked for nothing else."""
    before = len(talk.model.requests)
    talk.model.say("Done.")
    marker = await talk.asks("marker")
    await answered(talk, parley, marker, "Done.")
    assert len(talk.model.requests) == before + 1


# -- what is answered ----------------------------------------------------------------------------------------------


async def test_a_follow_up_in_an_open_thread(talk: Talk) -> None:
    thread = await talked(talk)
    await talk.alice.says("and now?", thread)
    talk.model.say("Now, too.")
    async with talk.parley() as parley:
        await answered(talk, parley, thread, "Hello.", "Now, too.")


async def test_a_mention_in_a_channel_that_was_used_lately(talk: Talk) -> None:
    await talked(talk)
    asked = await talk.asks("and now?")
    talk.model.say("Now, too.")
    async with talk.parley() as parley:
        await answered(talk, parley, asked, "Now, too.")


async def test_a_mention_in_a_channel_and_in_a_thread_that_were_never_used(talk: Talk) -> None:
    await talked(talk)
    elsewhere = talk.guild.channel("elsewhere")
    thread = await talk.bob.opens_thread("plans", talk.guild.channel("third"))
    asked = await talk.asks("and here?", where=elsewhere)
    await talk.asks("or here?", where=thread)
    talk.model.say("Here, too.")
    talk.model.say("Here, too.")
    async with talk.parley() as parley:
        await answered(talk, parley, asked, "Here, too.")
        await answered(talk, parley, thread, "Here, too.")


async def test_what_was_missed_though_somebody_used_a_command_before_it_was_read(talk: Talk) -> None:
    await talked(talk)
    asked = await talk.asks("and now?")
    assert talk.clock is not None
    talk.clock.advance(120)
    held = talk.world.holds(MESSAGES)
    talk.model.say("At once.")
    async with talk.parley() as parley:
        used = await talk.alice.uses("/ask", talk.general, prompt="quick?")
        await talk.world.until(lambda: used.text == "At once.")
        await held.reached()
    held.release()
    talk.model.say("Now, too.")
    async with talk.parley() as parley:
        await answered(talk, parley, asked, "Now, too.")


async def test_what_people_said_before_they_called_for_it_in_a_thread_is_no_follow_up(talk: Talk) -> None:
    await talked(talk)
    thread = await talk.bob.opens_thread("plans", talk.general)
    await talk.bob.says("between people", thread)
    talk.model.say("Here.")
    async with talk.parley() as parley:
        asked = await talk.asks("and here?", where=thread)
        await answered(talk, parley, thread, "Here.")
        for one in thread.messages:
            if one.author is talk.world.me:
                one.deleted = True  # as if it had gone before it could post
    assert asked.channel is thread
    async with talk.parley() as parley:
        await nothing_more(talk, parley)


async def test_what_people_say_to_each_other_where_nobody_asked_costs_no_look_up(talk: Talk) -> None:
    await talked(talk)
    thread = await talk.bob.opens_thread("plans", talk.general)
    for number in range(5):
        await talk.guild.person(f"Person {number}").says("between people", thread)
    before = talk.world.counts[MEMBER]
    async with talk.parley() as parley:
        await nothing_more(talk, parley)
    assert talk.world.counts[MEMBER] - before <= 1  # Alice's question of before is read once more


async def test_a_direct_message(talk: Talk) -> None:
    room = await talked(talk, talk.world.dm(talk.alice))
    await talk.alice.says("and now?", room)
    talk.model.say("Now, too.")
    async with talk.parley() as parley:
        await answered(talk, parley, room, "Hello.", "Now, too.")


async def test_a_reply_to_an_answer(talk: Talk) -> None:
    talk.model.say("Hello.")
    async with talk.parley() as parley:
        asked = await talk.alice.uses("/ask", talk.general, prompt="hello?")
        await answered(talk, parley, talk.general, "Hello.")
    await talk.bob.says("and now?", talk.general, reply_to=asked.responses[0])
    talk.model.say("Now, too.")
    async with talk.parley() as parley:
        await answered(talk, parley, talk.general, "Hello.", "Now, too.")
    assert len(talk.spoken()) == 2


async def test_all_of_it_in_the_order_in_which_it_was_said(talk: Talk) -> None:
    thread = await talked(talk)
    first = await talk.asks("one?")
    await talk.alice.says("two?", thread)
    last = await talk.asks("three?")
    gates = [talk.model.hold(text) for text in ("One.", "Two.", "Three.")]
    async with talk.parley(max_concurrent_runs=1) as parley:
        for gate in gates:
            await talk.held(gate)
            gate.open()
        await answered(talk, parley, first, "One.")
        await answered(talk, parley, thread, "Hello.", "Two.")
        await answered(talk, parley, last, "Three.")


async def test_what_comes_while_the_past_is_read_is_answered_after_it(talk: Talk) -> None:
    thread = await talked(talk)
    await talk.alice.says("missed?", thread)
    reading = talk.world.holds(MESSAGES, times=2)
    async with talk.parley() as parley:
        await reading.reached()
        await talk.alice.says("and now?", thread)
        talk.model.say("First.")
        talk.model.say("Second.")
        reading.release()
        await answered(talk, parley, thread, "Hello.", "First.", "Second.")
    assert [said.partition("\n")[2] for said in talk.spoken()] == ["hello?", "missed?", "and now?"]


async def test_what_was_answered_before_is_not_answered_again(talk: Talk) -> None:
    thread = await talked(talk)
    for _ in range(2):
        async with talk.parley() as parley:
            await nothing_more(talk, parley)
            await talk.shows(thread, "Hello.")


async def test_what_was_changed_or_deleted_meanwhile_is_as_it_is_now(talk: Talk) -> None:
    thread = await talked(talk)
    taken_back = await talk.alice.says("taken back?", thread)
    changed = await talk.alice.says("rain?", thread)
    await talk.alice.deletes(taken_back)
    await talk.alice.edits(changed, "snow?")
    talk.model.say("No.")
    async with talk.parley() as parley:
        await answered(talk, parley, thread, "Hello.", "No.")
    assert [said.partition("\n")[2] for said in talk.spoken()] == ["hello?", "snow?"]


# -- what is not ---------------------------------------------------------------------------------------------------


async def test_what_is_older_than_a_day(talk: Talk) -> None:
    assert talk.clock is not None
    room = await talked(talk, talk.world.dm(talk.alice))
    await talk.alice.says("old?", room)
    talk.clock.advance(DAY + 1)
    await talk.alice.says("new?", room)
    talk.model.say("New.")
    async with talk.parley() as parley:
        await answered(talk, parley, room, "Hello.", "New.")
    assert [said.partition("\n")[2] for said in talk.spoken()] == ["hello?", "new?"]


async def test_what_bots_and_webhooks_say(talk: Talk) -> None:
    thread = await talked(talk)
    for other in (talk.guild.person("Hal", bot=True), talk.world.somebody("Hook", webhook=True)):
        await talk.asks("Do you hear me?", who=other)
        await other.says("Hello?", thread)
    async with talk.parley() as parley:
        await nothing_more(talk, parley)


async def test_what_people_say_to_each_other(talk: Talk) -> None:
    await talked(talk)
    said = await talk.alice.says("Lunch?", talk.general)
    await talk.bob.says("Yes.", talk.general, reply_to=said)
    async with talk.parley() as parley:
        await nothing_more(talk, parley)


@pytest.mark.parametrize("kept_out", ["person", "role", "channel", "others"])
async def test_what_was_refused_before_and_it_is_not_refused_again(talk: Talk, kept_out: str) -> None:
    guests = talk.guild.role("Guests")
    gus, secret = talk.guild.person("Gus", roles=[guests]), talk.guild.channel("secret")
    settings = {
        "person": {"deny": [f"discord:{gus.id}"]},
        "role": {"deny": [f"discord:{guests.id}"]},
        "channel": {"deny": [f"discord:{secret.id}"]},
        "others": {"allow": [f"discord:{talk.alice.id}"]},
    }[kept_out]
    await talked(talk)
    await talked(talk, secret)
    where, who = (secret, talk.bob) if kept_out == "channel" else (talk.general, gus)
    talk.model.say("Marked.")
    async with talk.parley(**settings) as parley:
        heard = await talk.asks("Do you hear me?", who=who, where=where)
        await talk.world.until(lambda: talk.ours(where))
        await answered(talk, parley, await talk.asks("marker"), "Marked.")
    missed = await talk.asks("And now?", who=who, where=where)
    async with talk.parley(**settings) as parley:
        await nothing_more(talk, parley)
    assert [one.reply_to for one in talk.ours(where)] == [heard]
    assert (heard.thread, missed.thread) == (None, None)


# -- bounds --------------------------------------------------------------------------------------------------------


async def test_no_more_is_read_than_a_start_can_afford(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert talk.clock is not None
    monkeypatch.setattr("adapters.discord.missed.PLACES", 2)
    monkeypatch.setattr("adapters.discord.missed.PAGES", 1)
    monkeypatch.setattr("adapters.discord.reading.PAGE", 4)  # its own answer is one of them
    threads = [await talked(talk, talk.guild.channel(f"room-{number}")) for number in range(4)]
    talk.clock.advance(1_000)
    for thread in threads:
        for number in range(5):
            await talk.alice.says(f"{number}?", thread)
    read = talk.world.count(MESSAGES)
    talk.model.say("Zero.")
    talk.model.say("One and two.")
    async with talk.parley() as parley:
        await answered(talk, parley, threads[-1], "Hello.", "Zero.", "One and two.")
        assert [len(talk.ours(thread)) for thread in threads] == [1, 1, 1, 3]
    assert talk.world.count(MESSAGES) - read <= 2


async def test_where_it_may_not_read_nothing_is_known_and_nothing_breaks(talk: Talk) -> None:
    thread = await talked(talk)
    talk.guild.withholds(Permission.READ_MESSAGE_HISTORY)
    await talk.alice.says("missed?", thread)
    talk.model.say("Now.")
    async with talk.parley() as parley:
        await talk.alice.says("and now?", thread)
        await answered(talk, parley, thread, "Hello.", "Now.")


async def test_a_discord_that_shows_nothing_at_first_is_asked_again(talk: Talk) -> None:
    thread = await talked(talk)
    await talk.alice.says("missed?", thread)
    talk.world.fails(MESSAGES, times=6)
    talk.model.say("Then.")
    talk.model.say("Now.")
    async with talk.parley() as parley:
        await talk.alice.says("and now?", thread)
        await answered(talk, parley, thread, "Hello.", "Then.", "Now.")
