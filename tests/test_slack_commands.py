"""What people say to Parley on Slack beside questions: the slash command, commands in threads, the shortcut, Home."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from adapters.slack import ears
from adapters.slack.ears import ASK_HELP
from adapters.slack.manifest import SHORTCUT
from adapters.slack.people import GUEST, STRANGER
from adapters.slack.pressing import NOT_MEMBER
from bot.access import KEPT_OUT
from bot.commands.conversation import NOTHING_TO_RENEW
from bot.commands.tools import ADMINS_ONLY
from bot.stopping import NOT_YOURS, STOPPED
from bot.store.schema import messages, threads
from tests.simulators.slack import Channel, Post
from tests.slack_parley import answers
from tests.slack_talk import Talk, talk_at

OFF = "forecast is off for the whole workspace from the next question on."
FRESH = "A fresh conversation begins here. I no longer see what was said before."


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        yield made


def listed(text: str) -> list[str]:
    """The commands of a help."""
    return [line.split(" — ")[0] for line in text.splitlines()]


async def says(talk: Talk, text: str, where: Channel | None = None, *, who: int = 0) -> str:
    """What `/parley text` is answered with, in private; Alice says it unless Bob (1) is to."""
    person = (talk.alice, talk.bob)[who]
    return (await person.command("/parley", text, where or talk.general)).text


async def stored(talk: Talk) -> tuple[int, int]:
    """Threads and messages in the store."""
    read = talk.parley.core.database.read
    return (
        await read(lambda c: c.scalar(select(func.count()).select_from(threads))) or 0,
        await read(lambda c: c.scalar(select(func.count()).select_from(messages))) or 0,
    )


# -- /parley ask ------------------------------------------------------------------------------------------------------


async def asked_by_command(talk: Talk, text: str, where: Channel | None = None) -> Post:
    """The message that `/parley ask` posts into an empty channel."""
    where = where or talk.general
    assert await says(talk, f"ask {text}", where) == ""
    await talk.workspace.until(lambda: talk.workspace.posts(where))
    return talk.workspace.posts(where)[0]


async def test_a_question_by_command_is_posted_and_answered_in_its_thread(talk: Talk) -> None:
    talk.model.say("Cold.")
    question = await asked_by_command(talk, "Is Oslo < Rome?")
    assert await talk.answered(question) == ["*Alice* asks:\n> Is Oslo &lt; Rome?", "Cold."]
    assert talk.spoken() == ["Alice (U0000001):\nIs Oslo < Rome?"]


async def test_people_talk_on_in_that_thread_without_a_mention(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Colder.")
    question = await asked_by_command(talk, "Oslo?")
    await talk.settled()
    await talk.bob.says("And Tromsø?", talk.general, thread=question)
    assert (await talk.answered(question))[1:] == ["Cold.", "Colder."]
    assert talk.spoken() == ["Alice (U0000001):\nOslo?", "Bob (U0000002):\nAnd Tromsø?"]


async def test_each_question_by_command_is_one_of_its_own(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Warm.")
    first = await asked_by_command(talk, "Oslo?")
    await talk.settled()
    second = await asked_by_command(talk, "Rome?", talk.workspace.channel("random"))
    assert ((await talk.answered(first))[1:], (await talk.answered(second))[1:]) == (["Cold."], ["Warm."])
    assert talk.model.heard() == ["Rome?"]


async def test_nobody_is_pinged_by_a_question_that_is_posted(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.alice.name = "<!channel>\n@everyone *Eve* <@U0000002>"
    question = await asked_by_command(talk, "Oslo, <!here> and @channel and <!subteam^S1>?")
    await talk.settled()
    posted = talk.sent("chat.postMessage")[0]["text"]
    assert not any(ping in posted for ping in ("<!", "<@", "@channel", "@everyone", "@here"))
    assert len(question.text.splitlines()) == 2


@pytest.mark.parametrize("text", ["ask", "ask   "])
async def test_a_question_without_words_is_none(talk: Talk, text: str) -> None:
    assert await says(talk, text) == "Say `/parley ask` and your question."
    assert await stored(talk) == (0, 0)


async def test_where_parley_is_not_a_question_is_refused_and_forgotten(talk: Talk) -> None:
    places = [
        talk.workspace.channel("quiet", bot=False),
        talk.workspace.channel("secret", private=True, members=[talk.alice], bot=False),
    ]
    assert [await says(talk, "ask Oslo?", place) for place in places] == [NOT_MEMBER, NOT_MEMBER]
    await talk.settled()
    assert (await stored(talk), talk.model.requests, talk.workspace.posts(places[0])) == ((0, 0), [], [])


async def test_an_invitation_holds_at_once(talk: Talk) -> None:
    talk.model.say("Cold.")
    quiet = talk.workspace.channel("quiet", bot=False)
    assert await says(talk, "ask Oslo?", quiet) == NOT_MEMBER
    await talk.workspace.bot_joins(quiet)
    await talk.workspace.until(lambda: talk.workspace.posts(quiet))  # it says who it is
    assert await says(talk, "ask Oslo?", quiet) == ""
    await talk.settled()
    assert talk.workspace.posts(quiet)[-1].text == "Cold."


async def test_a_command_works_in_the_direct_conversation(talk: Talk) -> None:
    talk.model.say("Cold.")
    direct = talk.workspace.dm(talk.alice)
    assert await says(talk, "ask Oslo?", direct) == ""
    await talk.settled()
    assert talk.workspace.posts(direct)[-1].text == "Cold."


async def test_who_is_kept_out_is_refused_by_command_too(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=["slack:U0000001"]) as talk:
        assert [await says(talk, text) for text in ("ask Oslo?", "tools", "stop", "help")] == [
            KEPT_OUT, KEPT_OUT, KEPT_OUT, f"{ASK_HELP}\n{KEPT_OUT}"
        ]  # fmt: skip
        assert await stored(talk) == (0, 0)


# -- the other commands -----------------------------------------------------------------------------------------------


async def test_help_says_what_can_be_said(talk: Talk) -> None:
    for text in ("", "help", "HELP"):
        assert listed(await says(talk, text))[:2] == [ASK_HELP.split(" — ")[0], "tools list"]


async def test_a_command_that_is_none_is_quoted_harmlessly(talk: Talk) -> None:
    answer = await says(talk, "<!channel> now")
    assert answer.startswith("There is no command “@channel”.")


async def test_tools_are_listed_for_everybody_and_switched_by_admins(talk: Talk) -> None:
    talk.bob.admin = True
    assert await says(talk, "tools list") == "forecast: on\ntide: on"
    assert await says(talk, "tools disable forecast") == ADMINS_ONLY
    assert await says(talk, "tools disable forecast", who=1) == OFF
    assert await says(talk, "tools") == "forecast: off (set for this workspace)\ntide: on"


async def test_owners_and_the_operator_s_admins_hold_the_switches(tmp_path: Path) -> None:
    async with talk_at(tmp_path, admins=["slack:U0000001"]) as talk:
        talk.bob.owner = True
        assert await says(talk, "tools disable forecast") == OFF
        assert await says(talk, "tools disable tide here", who=1) == (
            "tide is off for this channel from the next question on."
        )
        assert "tools enable" in await says(talk, "help")


async def test_an_admin_of_another_organisation_is_none_here(tmp_path: Path) -> None:
    async with talk_at(tmp_path, allow=["slack:T1", "slack:U0000003"]) as talk:
        stranger = talk.workspace.person("Sam", admin=True, team="T9")
        answer = await stranger.command("/parley", "tools disable forecast", talk.general)
        assert answer.text == ADMINS_ONLY


async def test_guests_are_refused_commands_as_they_are_questions(talk: Talk) -> None:
    guest = talk.workspace.person("Gus", guest=True)
    assert (await guest.command("/parley", "tools list", talk.general)).text == GUEST


async def test_whom_slack_does_not_tell_of_is_no_admin(talk: Talk) -> None:
    talk.alice.admin = True
    talk.workspace.fails("users.info", "user_not_found")
    assert await says(talk, "tools disable forecast") == STRANGER


async def test_a_command_is_answered_in_time_though_slack_is_not(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "LOOK_UP", 0.01)
    gate = talk.workspace.holds("users.info")
    assert "tools enable" not in await says(talk, "help")
    gate.release()


async def test_slack_is_asked_once_who_somebody_is(talk: Talk) -> None:
    talk.model.say("Cold.")
    for text in ("tools", "stop", "help"):
        await says(talk, text)
    asked = await talk.asks("Oslo?")
    await talk.answered(asked)
    assert talk.workspace.count("users.info") == 1


async def test_a_channel_has_no_conversation_to_begin_anew(talk: Talk) -> None:
    assert await says(talk, "new") == NOTHING_TO_RENEW


async def test_the_asker_stops_an_answer_from_the_channel(talk: Talk) -> None:
    gate = talk.model.hold("It is ")
    asked = await talk.asks("Oslo?")
    await talk.held(gate)
    assert await says(talk, "stop", who=1) == NOT_YOURS
    assert await says(talk, "stop") == STOPPED
    assert (await talk.answered(asked))[-1].endswith("Stopped.")
    assert await says(talk, "stop") == "There is nothing to stop here."


# -- commands in threads ----------------------------------------------------------------------------------------------


async def test_commands_in_threads_are_answered_in_private(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.asks("!tools list", thread=asked)
    assert await talk.answered(asked) == ["Cold."]
    await talk.workspace.until(talk.whispers)
    assert [(one.user, one.thread_ts, one.text) for one in talk.workspace.ephemerals] == [
        (talk.alice.id, asked.ts, "forecast: on\ntide: on")
    ]


async def test_a_command_that_begins_no_thread_is_answered_where_it_is_seen(talk: Talk) -> None:
    await talk.asks("!help")
    await talk.alice.says("!help", talk.workspace.dm(talk.alice))
    await talk.workspace.until(lambda: len(talk.whispers()) == 2)
    told = talk.workspace.ephemerals
    assert [(one.thread_ts, listed(one.text)[0]) for one in told] == [(None, "tools list")] * 2
    assert talk.model.requests == []


async def test_a_thread_is_stopped_by_a_command_in_it(talk: Talk) -> None:
    gate = talk.model.hold("It is ")
    asked = await talk.asks("Oslo?")
    await talk.held(gate)
    await talk.asks("!stop", thread=asked, who=talk.bob)
    await talk.workspace.until(lambda: talk.whispers(talk.bob) == [NOT_YOURS])
    await talk.asks("!stop", thread=asked)
    assert (await talk.answered(asked))[-1].endswith("Stopped.")
    await talk.workspace.until(lambda: talk.whispers() == [STOPPED])


async def test_a_fresh_conversation_begins_in_the_same_thread(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("What?")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    await talk.asks("!new", thread=asked)
    await talk.settled()
    await talk.alice.says("And Tromsø?", talk.general, thread=asked)
    assert await talk.answered(asked) == ["Cold.", "What?"]
    await talk.workspace.until(lambda: talk.whispers() == [FRESH])
    assert talk.model.heard() == ["And Tromsø?"]


async def test_a_command_that_is_delivered_again_counts_once(talk: Talk) -> None:
    talk.model.say("Cold.")
    asked = await talk.asks("Oslo?")
    await talk.settled()
    talk.workspace.lose_acks(2)
    await talk.asks("!new", thread=asked)
    await talk.settled()
    told = len(talk.workspace.acks)
    await talk.workspace.redeliver()
    await talk.workspace.until(lambda: len(talk.workspace.acks) == told + len(talk.workspace.delivery.events))
    await talk.workspace.until(talk.whispers)
    assert (talk.whispers(), await stored(talk)) == ([FRESH], (2, 2))


async def test_a_refusal_that_is_delivered_again_is_told_once(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=["slack:U0000001"]) as talk:
        talk.workspace.lose_acks(2)
        await talk.asks("Oslo?")
        await talk.settled()
        await talk.workspace.until(talk.whispers)
        assert talk.whispers() == [KEPT_OUT]


# -- the message shortcut ---------------------------------------------------------------------------------------------


async def about(talk: Talk, post: Post, question: str) -> None:
    """Alice asks about a message by the form."""
    await talk.alice.shortcut(SHORTCUT, post)
    await talk.workspace.until(lambda: talk.workspace.views)
    await talk.alice.submits(talk.workspace.views[-1], {"question/question": question})
    await talk.settled()


async def test_a_question_about_a_message_is_answered_in_its_thread(talk: Talk) -> None:
    talk.model.say("Twelve.")
    lunch = await talk.bob.says(f"Lunch at <#{talk.general.id}>?\nBring &lt;money&gt;.", talk.general)
    await about(talk, lunch, "When? 1 < 2 & <!channel>")
    shown = ["*Alice* asks:\n> When? 1 &lt; 2 &amp; &lt;!channel&gt;", "Twelve."]
    assert answers(talk.workspace, talk.general, lunch) == shown
    said = talk.model.heard()[-1]
    assert said == (
        "When? 1 < 2 & <!channel>\n\nThis is about the message of @Bob:\n> Lunch at #general?\n> Bring <money>."
    )


async def test_a_question_about_a_message_in_a_thread_stays_there(talk: Talk) -> None:
    talk.model.say("Twelve.")
    lunch = await talk.bob.says("Lunch?", talk.general)
    reply = await talk.alice.says("When?", talk.general, thread=lunch)
    await about(talk, reply, "What do you say?")
    assert answers(talk.workspace, talk.general, lunch)[-1] == "Twelve."
    assert talk.model.heard()[:2] == ["Lunch?", "When?"]


@pytest.mark.parametrize("text", ["雪" * 5_000, "🌨" * 3_000, '"\n' * 4_000])
async def test_a_long_message_fits_the_form(talk: Talk, text: str) -> None:
    talk.model.say("Snow.")
    await about(talk, await talk.bob.says(text, talk.general), "What is this?")
    assert text[:100].strip().splitlines()[0] in talk.model.heard()[-1]


async def test_the_files_of_a_message_are_asked_about_too(talk: Talk) -> None:
    talk.model.say("Snow.")
    file = talk.workspace.file("a.txt", b"It snows.")
    await about(talk, await talk.bob.says("", talk.general, files=[file]), "What does it say?")
    assert "It snows." in talk.spoken()[-1]


async def test_a_message_of_an_app_can_be_asked_about(talk: Talk) -> None:
    talk.model.say("It is down.")
    alarm = await talk.workspace.person("Alarm", bot=True).says("", talk.general)
    alarm.attachments = [{"fallback": "Site down"}]
    await about(talk, alarm, "What is this?")
    assert talk.model.heard()[-1].endswith("> Site down")


async def test_where_parley_is_not_the_shortcut_says_so_in_private(talk: Talk) -> None:
    for name, private in (("quiet", False), ("secret", True)):
        place = talk.workspace.channel(name, private=private, members=[talk.alice, talk.bob], bot=False)
        answer = await talk.alice.shortcut(SHORTCUT, await talk.bob.says("Lunch?", place))
        await talk.workspace.until(answer.copy)
        assert (answer.text, answer[0]["response_type"]) == (NOT_MEMBER, "ephemeral")
    assert (talk.workspace.views, await stored(talk)) == ([], (0, 0))


async def test_a_form_that_does_not_open_is_told_of(talk: Talk) -> None:
    talk.workspace.fails("views.open", "expired_trigger_id")
    answer = await talk.alice.shortcut(SHORTCUT, await talk.bob.says("Lunch?", talk.general))
    await talk.workspace.until(lambda: answer)
    assert answer.text == "Slack did not open the form. Please try again."


async def test_who_is_kept_out_asks_about_nothing(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=["slack:U0000001"]) as talk:
        lunch = await talk.bob.says("Lunch?", talk.general)
        await about(talk, lunch, "When?")
        await talk.workspace.until(talk.whispers)
        assert (talk.whispers(), answers(talk.workspace, talk.general, lunch)) == ([KEPT_OUT], [])
