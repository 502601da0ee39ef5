"""Where Parley listens on Slack: whom it answers, and in which thread; what an edit, a deletion, a refusal does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.arrivals import TWIN_WAIT
from adapters.slack.people import GUEST
from adapters.slack.preparing import WORDLESS
from bot.access import KEPT_OUT
from tests.hand_clock import HandClock
from tests.simulators.slack import Post, announce, events
from tests.slack_parley import answers
from tests.slack_talk import Talk, talk_at

ALICE, BOB, GENERAL, TEAM = "slack:U0000001", "slack:U0000002", "slack:C0000001", "slack:T1"


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        yield made


# -- mentions and threads ---------------------------------------------------------------------------------------------


async def test_a_mention_is_answered_in_its_thread(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    assert await talk.answered(asked) == ["Cold."]
    assert talk.spoken() == ["Alice (U0000001):\nOslo?"]
    assert [post.root for post in talk.workspace.posts(talk.general)] == [asked.ts, asked.ts]


async def test_a_mention_in_a_thread_is_answered_there(talk: Talk) -> None:
    talk.model.say("Cold.")
    lunch = await talk.bob.says("Lunch?", talk.general)
    asked = await talk.asks("is it cold?", thread=lunch)
    assert await talk.answered(lunch) == ["Cold."]
    assert asked.root == lunch.ts


async def test_a_follow_up_needs_no_mention(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.bob.says("And Tromsø?", talk.general, thread=asked)
    assert await talk.answered(asked) == ["Cold.", "Colder."]
    assert talk.spoken() == ["Alice (U0000001):\nOslo?", "Bob (U0000002):\nAnd Tromsø?"]


async def test_a_reply_that_is_also_sent_to_the_channel_is_a_follow_up(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.bob.says("And Tromsø?", talk.general, thread=asked, broadcast=True)
    assert await talk.answered(asked) == ["Cold.", "Colder."]


async def test_people_talk_among_themselves_in_other_threads(talk: Talk) -> None:
    lunch = await talk.bob.says("Lunch?", talk.general)
    await talk.alice.says("Yes!", talk.general, thread=lunch)
    await talk.alice.says("Anybody else?", talk.general)
    await talk.settled()
    assert (talk.model.requests, talk.workspace.count("agents.sessions.setStatus")) == ([], 0)


async def test_follow_ups_can_be_switched_off(tmp_path: Path) -> None:
    async with talk_at(tmp_path, follow_threads=False) as talk:
        talk.model.say("Cold.")
        talk.model.say("Colder.")
        asked = await talk.asks("Oslo?")
        await talk.settled()
        await talk.bob.says("Brr.", talk.general, thread=asked)
        assert await talk.answered(asked) == ["Cold."]
        await talk.asks("And Tromsø?", thread=asked)
        assert await talk.answered(asked) == ["Cold.", "Colder."]


async def test_a_mention_without_a_word_is_said_to_be_one(talk: Talk) -> None:
    talk.model.say("Yes?")
    talk.model.say("Yes, yes?")
    first = await talk.asks("")
    assert await talk.answered(first) == ["Yes?"]
    await talk.asks("", thread=first)  # by somebody who is known by now
    assert await talk.answered(first) == ["Yes?", "Yes, yes?"]
    assert talk.spoken() == [f"Alice (U0000001):\n{WORDLESS}"] * 2


# -- one message, two events ------------------------------------------------------------------------------------------


async def redelivered(talk: Talk, asked: Post, only: str) -> None:
    """The event of this kind for a message, once more or at last."""
    talk.workspace.events = {only}
    announce.said(talk.workspace, asked)
    await talk.settled()


@pytest.mark.parametrize("order", [("message.channels", "app_mention"), ("app_mention", "message.channels")])
async def test_both_events_of_a_mention_are_one_message(tmp_path: Path, order: tuple[str, str]) -> None:
    async with talk_at(tmp_path, events=[order[0]]) as talk:
        talk.model.say("Cold.")
        asked = await talk.asks("Oslo?")
        await redelivered(talk, asked, order[1])
        assert await talk.answered(asked) == ["Cold."]


async def test_files_that_only_the_other_event_tells_of_are_read(tmp_path: Path) -> None:
    async with talk_at(tmp_path, events=["app_mention"]) as talk:
        talk.model.say("Noted.")
        asked = await talk.asks("read this", files=[talk.workspace.file("a.txt", b"Snow")])
        await redelivered(talk, asked, "message.channels")
        assert await talk.answered(asked) == ["Noted."]
        assert "Snow" in talk.spoken()[0]


async def patient(clock: HandClock) -> None:
    """Wait until a mention waits for its other event."""
    async with asyncio.timeout(20):
        while TWIN_WAIT not in clock.sleeps:  # noqa: ASYNC110 - of sleeps the clock tells by a list
            await asyncio.sleep(0)


async def test_a_mention_whose_other_event_never_comes_is_answered_after_a_moment(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path, events=["app_mention"], clock=clock) as talk:
        talk.model.say("Cold.")
        asked = await talk.asks("Oslo?")
        await patient(clock)
        assert talk.model.requests == []
        clock.advance(TWIN_WAIT)
        assert await talk.answered(asked) == ["Cold."]


async def test_a_mention_where_parley_is_not_costs_nothing(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path, clock=clock) as talk:
        quiet = talk.workspace.channel("quiet", bot=False)
        asked = await talk.asks("Oslo?", where=quiet)
        await patient(clock)
        clock.advance(TWIN_WAIT)
        assert (await talk.answered(asked), talk.model.requests) == ([], [])
        assert [call.error for call in talk.workspace.calls if call.error] == []


async def test_an_edit_that_brings_the_mention_in_calls_for_parley(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path, clock=clock) as talk:
        talk.model.say("Cold.")
        lunch = await talk.bob.says("Lunch?", talk.general)
        reply = await talk.alice.says("What does Parley say?", talk.general, thread=lunch)
        await talk.settled()
        await talk.alice.edits(reply, f"What does {talk.workspace.mention} say?")
        await patient(clock)
        clock.advance(TWIN_WAIT)
        assert await talk.answered(lunch) == ["Cold."]


# -- direct messages --------------------------------------------------------------------------------------------------


async def test_each_direct_message_begins_a_thread_of_its_own(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    direct = talk.workspace.dm(talk.alice)
    first = await talk.alice.says("Oslo?", direct)
    assert await talk.answered(first) == ["Cold."]
    second = await talk.alice.says("Tromsø?", direct)
    assert (await talk.answered(second), await talk.answered(first)) == (["Colder."], ["Cold."])
    assert talk.model.heard() == ["Tromsø?"]


async def test_a_reply_in_a_direct_message_stays_in_its_thread(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    direct = talk.workspace.dm(talk.alice)
    first = await talk.alice.says("Oslo?", direct)
    await talk.settled()
    await talk.alice.says("And Tromsø?", direct, thread=first)
    assert await talk.answered(first) == ["Cold.", "Colder."]
    assert talk.model.heard() == ["Oslo?", "And Tromsø?"]


async def test_replies_in_direct_messages_count_though_threads_are_not_followed(tmp_path: Path) -> None:
    async with talk_at(tmp_path, follow_threads=False) as talk:
        talk.model.say("Cold.")
        talk.model.say("Colder.")
        direct = talk.workspace.dm(talk.alice)
        first = await talk.alice.says("Oslo?", direct)
        await talk.settled()
        await talk.alice.says("And Tromsø?", direct, thread=first)
        assert await talk.answered(first) == ["Cold.", "Colder."]


async def test_a_group_calls_parley_by_a_mention(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    group = talk.workspace.group_dm(talk.alice, talk.bob)
    await talk.bob.says("Where to?", group)
    asked = await talk.asks("Oslo?", where=group)
    assert await talk.answered(asked) == ["Cold."]
    await talk.bob.says("And Tromsø?", group, thread=asked)
    assert await talk.answered(asked) == ["Cold.", "Colder."]
    assert len(talk.workspace.posts(group)) == 5


# -- to whom it does not listen ---------------------------------------------------------------------------------------


async def test_it_does_not_answer_other_bots(talk: Talk) -> None:
    talk.model.say("Cold.")
    robot = talk.workspace.person("Robot", bot=True)
    shouted = await talk.asks("Oslo?", who=robot)
    asked = await talk.asks("Oslo?")
    assert await talk.answered(asked) == ["Cold."]
    await talk.asks("Why?", who=robot, thread=asked)
    assert (await talk.answered(asked), await talk.answered(shouted)) == (["Cold."], [])


async def test_it_does_not_answer_itself(talk: Talk) -> None:
    talk.model.say(f"Ask {talk.workspace.mention} or <@UBOT> again.")
    asked = await talk.asks("Oslo?")
    assert len(await talk.answered(asked)) == 1
    assert len(talk.model.requests) == 1


async def test_an_unfurled_link_is_no_new_question(talk: Talk) -> None:
    talk.model.say("A page.")
    asked = await talk.asks("<https://example.org>?")
    await talk.settled()
    before = events.message(talk.workspace, asked)
    asked.attachments = [{"from_url": "https://example.org", "title": "A page"}]
    announce.changed(talk.workspace, asked, before)
    assert await talk.answered(asked) == ["A page."]


# -- edits and deletions ----------------------------------------------------------------------------------------------


async def test_an_edit_before_the_answer_is_what_is_answered(talk: Talk) -> None:
    gate = talk.model.hold("It is ")
    talk.model.say("Dark.")
    asked = await talk.asks("Oslo?")
    await talk.held(gate)
    await talk.alice.edits(asked, f"{talk.workspace.mention} Tromsø, says {talk.bob.mention}?")
    assert await talk.answered(asked) == ["Dark."]
    assert talk.model.heard() == ["Tromsø, says @Bob?"]


async def test_an_edit_of_somebody_known_is_readable_too(talk: Talk) -> None:
    talk.model.say("Cold.")
    gate = talk.model.hold()
    talk.model.say("Dark.")
    await talk.asks("Oslo?")
    await talk.settled()
    asked = await talk.asks("Bergen?")
    await talk.held(gate)
    await talk.alice.edits(asked, f"{talk.workspace.mention} Tromsø &amp; Bodø, says {talk.bob.mention}?")
    assert await talk.answered(asked) == ["Dark."]
    assert talk.model.heard() == ["Tromsø & Bodø, says @Bob?"]


async def test_an_edit_after_the_answer_is_no_new_question(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.alice.edits(asked, f"{talk.workspace.mention} Oslo, please?")
    assert await talk.answered(asked) == ["Cold."]
    assert len(talk.model.requests) == 1


@pytest.mark.parametrize("begun", ["", "It is "])
async def test_a_deletion_before_the_answer_leaves_nothing_behind(talk: Talk, begun: str) -> None:
    gate = talk.model.hold(begun)
    asked = await talk.asks("Oslo?")
    await talk.held(gate)
    await talk.workspace.until(lambda: talk.workspace.session(talk.general, asked))
    await talk.alice.deletes(asked)
    await talk.settled()
    session = talk.workspace.session(talk.general, asked)
    assert (session and session.status, talk.workspace.status(talk.general, asked)) == ("active", "")
    assert talk.workspace.posts(talk.general) == []


async def test_a_deletion_that_leaves_a_tombstone_is_one(talk: Talk) -> None:
    gate = talk.model.hold("It is ")
    asked = await talk.asks("Oslo?")
    await talk.held(gate)
    await talk.workspace.until(lambda: answers(talk.workspace, talk.general, asked))  # a thread by now
    await talk.alice.deletes(asked)
    assert talk.workspace.delivery.events[-1].payload["event"]["message"]["subtype"] == "tombstone"
    assert await talk.answered(asked) == []


async def test_a_deletion_after_the_answer_changes_nothing(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.alice.deletes(asked)
    assert await talk.answered(asked) == ["Cold."]


@pytest.mark.parametrize("deleted", [False, True])
async def test_what_changed_while_parley_was_away_is_known_before_it_answers(tmp_path: Path, deleted: bool) -> None:
    async with talk_at(tmp_path, http=True) as talk:
        talk.model.say("Dark.")
        talk.workspace.delivery.pusher = None
        asked = await talk.asks("Oslo?")
        await talk.alice.edits(asked, f"{talk.workspace.mention} Tromsø?")
        if deleted:
            await talk.alice.deletes(asked)
            asked = await talk.asks("Bodø?")
        await talk.parley.core.quiet()
        talk.workspace.delivery.pusher = talk.workspace.pusher
        await talk.workspace.redeliver()
        await talk.workspace.until(lambda: answers(talk.workspace, talk.general, asked) == ["Dark."])
        await talk.parley.core.quiet()
        assert talk.model.heard() == ["Bodø?" if deleted else "Tromsø?"]


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "access", [{"deny": [ALICE]}, {"deny": [GENERAL]}, {"allow": [BOB]}, {"allow": [TEAM], "deny": [ALICE]}]
)
async def test_who_is_kept_out_is_told_so_in_private(tmp_path: Path, access: dict[str, list[str]]) -> None:
    async with talk_at(tmp_path, **access) as talk:
        asked = await talk.asks("Oslo?")
        await talk.workspace.until(talk.whispers)
        assert (await talk.answered(asked), talk.whispers(), talk.whispers(talk.bob)) == ([], [KEPT_OUT], [])
        # Slack shows no ephemeral message in a thread that has no answers yet.
        assert talk.workspace.ephemerals[0].thread_ts is None


async def test_a_follow_up_of_somebody_who_is_kept_out_is_passed_over(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=[BOB]) as talk:
        talk.model.say("Cold.")
        asked = await talk.asks("Oslo?")
        await talk.settled()
        await talk.bob.says("And Tromsø?", talk.general, thread=asked)
        assert (await talk.answered(asked), talk.workspace.ephemerals) == (["Cold."], [])


async def test_who_is_allowed_by_channel_or_name_is_answered(tmp_path: Path) -> None:
    async with talk_at(tmp_path, allow=[GENERAL, BOB]) as talk:
        talk.model.say("Cold.")
        talk.model.say("Warm.")
        asked = await talk.asks("Oslo?")
        assert await talk.answered(asked) == ["Cold."]
        direct = await talk.bob.says("Rome?", talk.workspace.dm(talk.bob))
        assert await talk.answered(direct) == ["Warm."]
        refused = await talk.alice.says("Rome?", talk.workspace.dm(talk.alice))
        await talk.workspace.until(talk.whispers)
        assert (await talk.answered(refused), talk.whispers()) == ([], [KEPT_OUT])


@pytest.mark.parametrize("about", [{"guest": True}, {"team": "T9"}])
async def test_guests_and_other_organisations_get_a_sentence(talk: Talk, about: dict[str, bool]) -> None:
    guest = talk.workspace.person("Gus", **about)  # type: ignore[arg-type]
    for channel in (talk.general, talk.workspace.channel("random")):  # not known, and known
        asked = await talk.asks("Oslo?", who=guest, where=channel)
        assert await talk.answered(asked) == [GUEST]
    assert talk.model.requests == []


async def test_a_guest_s_follow_up_is_passed_over(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.workspace.person("Gus", guest=True).says("And Tromsø?", talk.general, thread=asked)
    assert (await talk.answered(asked), talk.workspace.ephemerals) == (["Cold."], [])


async def test_a_guest_may_ask_where_the_operator_names_them(tmp_path: Path) -> None:
    async with talk_at(tmp_path, allow=[TEAM, "slack:U0000003"]) as talk:
        talk.model.say("Cold.")
        asked = await talk.asks("Oslo?", who=talk.workspace.person("Gus", guest=True))
        assert await talk.answered(asked) == ["Cold."]
