"""On Slack: answers in words by a form, leave for a call, and both while Slack fails."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.people import STRANGER
from adapters.slack.pressing import NOT_OPENED, PERHAPS
from adapters.slack.telling import FAILED
from bot.app import Core
from bot.errors import StoreError
from bot.replies import ADMINS_DECIDE, ANSWERED, ASKER_DECIDES, DECIDED, NOT_YOURS, NOTHING_WRITTEN, OVER
from tests.asking import choice, free, mail, quiz, registry, sent
from tests.hasty_clock import HastyClock
from tests.scripted_model import ScriptedModel
from tests.simulators.slack import slack
from tests.simulators.slack.blocks import MARKDOWN
from tests.slack_asking import elements, labels, offered, opened, picks, told, writes
from tests.slack_parley import JUDGED, Scene, buttons, scene

FRANCE = choice("Of France?", "Lyon", "Paris")
ALLOWED = ("Approve", "Deny")


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Scene]:
    """The same, where nobody has to move the clock for Parley's short waits."""
    clock, model = HastyClock(), ScriptedModel()
    async with slack(now=clock.now) as workspace:
        yield Scene(workspace, model, clock, tmp_path / "p.db", workspace.person("Alice"), workspace.channel("general"))
    model.assert_done()


# -- in words ---------------------------------------------------------------------------------------------------------


async def test_a_question_is_answered_in_words_by_a_form(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE, free("Why?"), title="The capitals of a continent"))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        await picks(chat, await offered(chat, asked, *FRANCE["choices"]), "Paris")
        form = await opened(chat, await offered(chat, asked, "Answer"))
        (block,) = form.view["blocks"]
        assert (form.view["title"]["text"], block["label"]["text"]) == ("The capitals of a conti…", "Why?")
        assert block["element"]["max_length"] == 2_000
        await writes(chat, form, "  It sounds <right> & *good*. ")
        await chat.answered(asked, "I see.")
    assert chat.model.outputs() == ['["Paris", "It sounds <right> & *good*."]']
    assert chat.workspace.ephemerals == []


async def test_nothing_but_blanks_is_no_answer(chat: Scene) -> None:
    chat.model.call(quiz(free("Why?")))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Answer")
        await writes(chat, await opened(chat, post), " \n ")
        assert await told(chat) == NOTHING_WRITTEN
        await writes(chat, await opened(chat, post), "So.")
        await chat.answered(asked, "I see.")
    assert chat.model.outputs() == ['["So."]']


async def test_a_form_opens_for_nobody_but_the_one_who_is_asked(chat: Scene) -> None:
    bob = chat.workspace.person("Bob")
    chat.model.call(quiz(free("Why?")))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Answer")
        await picks(chat, post, "Answer", bob)
        assert await told(chat, bob) == "Only Alice is asked here."
        assert chat.workspace.views == []
        form = await opened(chat, post)
        await writes(chat, form, "Mine.", bob)  # nobody's client does so
        assert await told(chat, bob) == "Only Alice is asked here."
        form.open = True
        await writes(chat, form, "So.")
        await chat.answered(asked, "I see.")
    assert chat.model.outputs() == ['["So."]']


async def test_a_form_that_is_sent_twice_or_too_late_counts_once(chat: Scene) -> None:
    chat.model.call(quiz(free("Why?"), FRANCE))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        form = await opened(chat, await offered(chat, asked, "Answer"))
        await writes(chat, form, "So.")
        post = await offered(chat, asked, *FRANCE["choices"])
        form.open = True
        await writes(chat, form, "No, so!")
        assert await told(chat) == ANSWERED
        await picks(chat, post, "Paris")
        await chat.answered(asked, "I see.")
        form.open = True
        await writes(chat, form, "Or so?")
        assert await told(chat) == OVER
    assert chat.model.outputs() == ['["So.", "Paris"]']


@pytest.mark.parametrize("trouble", ["expired_trigger_id", "503", "slow", "lost"])
async def test_a_form_that_slack_does_not_open_can_be_asked_for_again(chat: Scene, trouble: str) -> None:
    chat.model.call(quiz(free("Why?")))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Answer")
        if trouble == "slow":
            chat.workspace.holds("views.open")
        elif trouble == "503":
            chat.workspace.fails("views.open", status=503)
        elif trouble == "lost":
            chat.workspace.fails("views.open", after=True)
        else:
            chat.workspace.fails("views.open", trouble)
        await picks(chat, post, "Answer")
        assert await told(chat) == (NOT_OPENED if trouble == "expired_trigger_id" else PERHAPS)
        await writes(chat, await opened(chat, post), "So.")
        await chat.answered(asked, "I see.")


async def test_the_longest_question_and_title_fit_their_form(chat: Scene) -> None:
    chat.model.call(quiz(free("😀" * 1_000), title="😀" * 200))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        form = await opened(chat, await offered(chat, asked, "Answer"))
        assert form.view["title"]["text"] == "😀" * 11 + "…"
        await writes(chat, form, "x" * 2_000)
        await chat.answered(asked, "I see.")
    assert json.loads(chat.model.outputs()[0]) == ["x" * 2_000]


async def test_a_form_without_a_title_is_given_one(chat: Scene) -> None:
    chat.model.call(quiz(free("Why?"), title=" \n"))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        form = await opened(chat, await offered(chat, asked, "Answer"))
        assert form.view["title"]["text"] == "Your answer"
        await writes(chat, form, "So.")
        await chat.answered(asked, "I see.")


# -- leave for a call -------------------------------------------------------------------------------------------------


async def test_a_call_is_shown_readably_and_made_when_it_is_approved(chat: Scene) -> None:
    chat.model.call(mail("bob@example.com", "Dear Bob,\nit *rains*."), text="I would write to him.")
    chat.model.say("It is sent.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Write to Bob!")
        post = await offered(chat, asked, *ALLOWED)
        assert post.text == (
            "I would write to him.\n\nMay I call **send_mail** with this?\n\n"
            "```\nto: bob@example.com\ntext:\nDear Bob,\nit *rains*.\n```"
        )
        assert [element.get("style") for element in elements(post)] == ["primary", "danger", None]
        assert sent == []
        await picks(chat, post, "Approve")
        await chat.answered(asked, "I would write to him.\n\nIt is sent.")
        assert sent == [("bob@example.com", "Dear Bob,\nit *rains*.")]
    assert chat.workspace.ephemerals == []


async def test_a_call_that_is_denied_is_not_made(chat: Scene) -> None:
    chat.model.call(mail())
    chat.model.say("Then not.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Write to Bob!")
        await picks(chat, await offered(chat, asked, *ALLOWED), "Deny")
        await chat.answered(asked, "Then not.")
        assert sent == []
    assert "Alice denied this call" in chat.model.outputs()[0]


@pytest.mark.parametrize("label", ALLOWED)
@pytest.mark.parametrize(
    ("by", "refused", "sentence"),
    [
        ("asker", ("Ann", "Bob"), ASKER_DECIDES),
        ("admins", ("Alice", "Bob"), ADMINS_DECIDE),
        ("either", ("Bob",), NOT_YOURS),
    ],
)
async def test_those_decide_whom_admins_chose(
    chat: Scene, by: str, refused: tuple[str, ...], sentence: str, label: str
) -> None:
    people = {"Alice": chat.alice, "Bob": chat.workspace.person("Bob"), "Ann": chat.workspace.person("Ann", admin=True)}
    chat.model.call(mail())
    chat.model.say("Done.")
    async with chat.parley(registry=registry()):
        await people["Ann"].command("/parley", f"tools approve send_mail on {by}", chat.general)
        asked = await chat.asks("Write to Bob!")
        post = await offered(chat, asked, *ALLOWED)
        chat.workspace.ephemerals.clear()
        for name in refused:
            await picks(chat, post, label, people[name])
            assert await told(chat, people[name]) == sentence
        assert labels(post) == [*ALLOWED, "Stop"]
        await picks(chat, post, label, people["Alice" if by == "asker" else "Ann"])
        await chat.answered(asked, "Done.")
        assert len(sent) == (label == "Approve")


async def test_a_decision_counts_once(chat: Scene) -> None:
    chat.model.call(mail(), mail("ann@example.com"))
    chat.model.say("Done.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Write to both!")
        post = await offered(chat, asked, *ALLOWED, *ALLOWED)
        old = [*post.blocks]
        await picks(chat, post, "Approve")  # the first of two
        await offered(chat, asked, *ALLOWED)
        new, post.blocks = [*post.blocks], old
        await picks(chat, post, "Deny")
        assert await told(chat) == DECIDED
        post.blocks = new
        await picks(chat, post, "Deny")
        await chat.answered(asked, "Done.")
        assert [to for to, _ in sent] == ["bob@example.com"]


async def test_hostile_arguments_notify_nobody_and_break_nothing(chat: Scene) -> None:
    text = "<!channel> <@U0000001> @here ```\n# no code any more\n```` <!everyone> " + "<!here> & " * 500
    chat.model.call(mail("<!channel>", text))
    chat.model.say("Done.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Write to Bob!")
        post = await offered(chat, asked, *ALLOWED)
        written = [json.dumps(call.arguments, ensure_ascii=False) for call in chat.workspace.calls]
        assert not any(
            f"<{ping}" in said for said in written for ping in ("!channel", "!here", "!everyone", "@U0000001")
        )
        assert post.text.count("`````") == 2
        assert "more characters" in post.text
        await picks(chat, post, "Approve")
        await chat.answered(asked, "Done.")
        assert sent == [("<!channel>", text)]


async def test_many_calls_at_once_are_asked_about_in_as_many_messages_as_it_takes(hasty: Scene) -> None:
    def offers() -> list[str]:
        return [name for post in hasty.posts(asked) for name in labels(post)]

    hasty.model.call(*(mail(f"p{number}@example.com", f"{number}" * 1_500) for number in range(24)))
    async with hasty.parley(registry=registry()):
        asked = await hasty.asks("Write to all!")
        await hasty.workspace.until(lambda: offers() == [*ALLOWED * 24, "Stop"])
        posts = hasty.posts(asked)
        assert 2 <= len(posts) <= 5
        assert all(sum(len(block.get("text", "")) for block in post.blocks) <= MARKDOWN for post in posts)
        await picks(hasty, posts[-1], "Approve")
        await hasty.workspace.until(lambda: offers() == [*ALLOWED * 23, "Stop"])
        await picks(hasty, hasty.posts(asked)[-1], "Stop")
        await hasty.answered(asked, "Stopped.")
        assert len(sent) == 1


# -- when Slack fails -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "503", "lost", "dropped"])
@pytest.mark.parametrize("method", ["chat.stopStream", "chat.postMessage", "agents.sessions.setStatus"])
async def test_the_question_is_there_once_in_the_end(hasty: Scene, method: str, fault: str) -> None:
    workspace = hasty.workspace
    workspace.offers(streaming=method == "chat.stopStream")
    if fault.isdigit():
        workspace.fails(method, status=int(fault), retry_after=1, times=2)
    else:
        workspace.fails(method, after=fault == "lost", drop=fault == "dropped")
    hasty.model.call(quiz(FRANCE), text="Here it comes.")
    hasty.model.say("Right!")
    async with hasty.parley(registry=registry()):
        asked = await hasty.asks("Ask me!")
        post = await offered(hasty, asked, *FRANCE["choices"])
        await picks(hasty, post, "Paris")
        (answer,) = await hasty.answered(asked, "Here it comes.\n\nRight!")
        assert (answer.ts, buttons(answer)) == (post.ts, JUDGED)


async def test_where_a_question_cannot_be_posted_the_person_is_told(hasty: Scene) -> None:
    hasty.workspace.offers(streaming=False)
    hasty.workspace.fails("chat.postMessage", "restricted_action", times=9)
    hasty.model.call(quiz(FRANCE))
    async with hasty.parley(registry=registry()) as parley:
        asked = await hasty.asks("Ask me!")
        sentence = "I have a question for you, but Slack does not let me post it here (restricted_action)."
        assert await told(hasty) == sentence
        await hasty.answered(asked)
        await parley.quiet()
        bob, tried = hasty.workspace.person("Bob"), hasty.workspace.count("chat.postMessage")
        await hasty.asks("Hello?", thread=asked, person=bob)  # the question is tried anew
        assert "I have asked Alice something here" in await told(hasty, bob)
        await hasty.workspace.until(lambda: hasty.workspace.count("chat.postMessage") > tried)
        await parley.quiet()
        assert hasty.workspace.ephemerals == []


async def test_of_a_question_that_is_posted_in_the_end_nobody_is_told_that_it_cannot_be(hasty: Scene) -> None:
    hasty.workspace.offers(streaming=False)
    hasty.workspace.fails("chat.postMessage", "restricted_action")
    hasty.model.call(quiz(FRANCE))
    hasty.model.say("Right!")
    async with hasty.parley(registry=registry()) as parley:
        asked = await hasty.asks("Ask me!")
        await picks(hasty, await offered(hasty, asked, *FRANCE["choices"]), "Paris")
        await hasty.answered(asked, "Right!")
        await parley.quiet()
        assert hasty.workspace.ephemerals == []


# -- when the store fails, or Slack does not say who it is ------------------------------------------------------------


async def broken(*_: object) -> None:
    raise StoreError("The disk is full.")


async def test_a_press_or_form_that_the_store_does_not_take_is_told_of_and_can_be_repeated(
    chat: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.model.call(quiz(FRANCE, free("Why?")))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, *FRANCE["choices"])
        with monkeypatch.context() as failing:
            failing.setattr(Core, "press", broken)
            await picks(chat, post, "Paris")
            assert await told(chat) == FAILED
        await picks(chat, post, "Paris")
        form = await opened(chat, await offered(chat, asked, "Answer"))
        with monkeypatch.context() as failing:
            failing.setattr(Core, "press", broken)
            await writes(chat, form, "So.")
            assert (form.open, form.errors) == (True, {"answer": FAILED})
        await writes(chat, form, "So.")
        await chat.answered(asked, "I see.")
    assert chat.model.outputs() == ['["Paris", "So."]']


@pytest.mark.parametrize("label", ALLOWED)
async def test_whom_slack_does_not_tell_of_decides_nothing_and_may_stop(chat: Scene, label: str) -> None:
    chat.model.call(mail())
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Write to Bob!")
        post = await offered(chat, asked, *ALLOWED)
        chat.clock.advance(301)  # who Alice is has to be asked again
        chat.workspace.fails("users.info", "user_not_found", times=50)
        await picks(chat, post, label)
        assert await told(chat) == STRANGER
        await picks(chat, post, "Stop")
        assert await told(chat) == "Stopped."
        await chat.answered(asked, "Stopped.")
        assert sent == []


async def test_whom_slack_does_not_tell_of_answers_what_they_are_asked(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE, free("Why?")))
    chat.model.say("I see.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, *FRANCE["choices"])
        chat.clock.advance(301)
        chat.workspace.fails("users.info", "user_not_found", times=50)
        await picks(chat, post, "Paris")
        await writes(chat, await opened(chat, await offered(chat, asked, "Answer")), "So.")
        await chat.answered(asked, "I see.")
    assert chat.model.outputs() == ['["Paris", "So."]']


async def test_whom_slack_does_not_tell_of_is_told_no_reasons(chat: Scene) -> None:
    guest = chat.workspace.person("Gus", guest=True)
    chat.model.say("Cold.")
    async with chat.parley():
        asked = await chat.asks()
        (answer,) = await chat.answered(asked, "Cold.")
        chat.workspace.fails("users.info", "user_not_found", times=50)
        await picks(chat, answer, "Why?", guest)
        assert await told(chat, guest) == STRANGER
