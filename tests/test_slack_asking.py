"""What a tool asks of people, on Slack: buttons, menus and letters; whose answer counts, and what ends the asking."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.asking import NOBODY_ANSWERED, PUT_AWAY
from bot.replies import ANSWERED, OVER
from bot.stopping import NOT_YOURS
from tests.asking import choice, quiz, registry
from tests.slack_asking import elements, labels, offered, picks, told
from tests.slack_parley import JUDGED, Scene, buttons, scene

FRANCE = choice("Of France?", "Lyon", "Paris")
PERU = choice("Of Peru?", "Lima", "Cusco")
CHILE = choice("Of Chile?", "Santiago", "Arica")
LONG = ["The one on the river, which people have called the city of light for a long time", "Lyon"]


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def outputs(chat: Scene) -> list[object]:
    """What the model read of the tools' outputs last."""
    return [json.loads(output) for output in chat.model.outputs()]


# -- how it looks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sessions", [True, False])
@pytest.mark.parametrize("streaming", [True, False])
async def test_a_few_choices_are_buttons_below_the_question(chat: Scene, streaming: bool, sessions: bool) -> None:
    chat.workspace.offers(streaming=streaming, sessions=sessions)
    chat.model.call(quiz(FRANCE), text="Here it comes.")
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        assert post.text == "Here it comes.\n\n**Capitals**\n\nOf France?"
        assert streaming or post.raw == "Capitals Of France?"  # what notifications show
        await picks(chat, post, "Paris")
        (answer,) = await chat.answered(asked, "Here it comes.\n\nRight!")
    assert (answer.ts, buttons(answer)) == (post.ts, JUDGED)
    assert outputs(chat) == [["Paris"]]
    assert chat.workspace.ephemerals == []


async def test_while_somebody_is_asked_the_session_is_active_and_then_processing_again(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE), text="Here it comes.")
    gate = chat.model.hold("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        session = chat.workspace.session(chat.general, asked)
        assert session
        assert session.history == ["processing", "active"]
        await picks(chat, post, "Paris")
        await chat.workspace.until(lambda: chat.waits(asked))
        gate.open()
        await chat.answered(asked, "Here it comes.\n\nRight!")
        assert session.history == ["processing", "active"] * 2


async def test_many_choices_are_a_menu(chat: Scene) -> None:
    cities = ["Lyon", "Nice", "Lille", "Brest", "Nantes", "Paris", "Metz"]
    chat.model.call(quiz(choice("Of France?", *cities)))
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, *cities)
        assert [element["type"] for element in elements(post)] == ["static_select", "button"]
        await picks(chat, post, "Nantes")
        await chat.answered(asked, "Right!")
    assert outputs(chat) == [["Nantes"]]


async def test_long_choices_stand_in_the_text_and_are_pressed_by_their_letters(chat: Scene) -> None:
    chat.model.call(quiz(choice("Of France?", *LONG)))
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "A", "B")
        assert post.text == f"**Capitals**\n\nOf France?\n\n- **A.** {LONG[0]}\n- **B.** Lyon"
        await picks(chat, post, "A")
        await chat.answered(asked, "Right!")
    assert outputs(chat) == [[LONG[0]]]


async def test_long_choices_in_a_menu_begin_with_their_letters(chat: Scene) -> None:
    choices = [f"{number} " + "very " * 30 + "long" for number in range(7)]
    chat.model.call(quiz(choice("Which?", *choices)))
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        cut = [f"{letter}. {choice}"[:74].rstrip() + "…" for letter, choice in zip("ABCDEFG", choices, strict=True)]
        post = await offered(chat, asked, *cut)
        assert all(f"- **{letter}.** {choice}" in post.text for letter, choice in zip("ABC", choices, strict=False))
        await picks(chat, post, cut[6])
        await chat.answered(asked, "Right!")
    assert outputs(chat) == [[choices[6]]]


async def test_choices_are_shown_as_they_are_and_notify_nobody(chat: Scene) -> None:
    choices = ["<!channel> *now*", "@here", "`x` [y](https://z.example) " + "😀" * 60]
    chat.model.call(quiz(choice("Who, <!channel>?", *choices)))
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "A", "B", "C")
        assert "<!channel" not in post.text
        assert "@here" not in post.text
        assert "\\`x\\` \\[y\\](https://z.example) 😀" in post.text
        await picks(chat, post, "A")
        await chat.answered(asked, "Right!")
    assert outputs(chat) == [[choices[0]]]
    assert not any("<!channel" in str(call.arguments.get("text")) for call in chat.workspace.calls)


async def test_the_question_stands_in_the_last_message_of_a_long_text(chat: Scene) -> None:
    text = "A line of prose.\n" * 640
    chat.model.call(quiz(FRANCE), text=text)
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        first, *_, last = chat.posts(asked)
        assert first.text.startswith("A line of prose.")
        assert (last.ts, last.text.endswith("Of France?")) == (post.ts, True)
        await picks(chat, post, "Paris")
        await chat.workspace.until(lambda: chat.posts(asked)[-1].text.endswith("Right!"))
        await chat.workspace.until(lambda: buttons(chat.posts(asked)[-1]) == JUDGED)
        assert not any("Of France?" in shown.text for shown in chat.posts(asked))


async def test_a_question_without_room_beside_the_text_has_a_message_of_its_own(chat: Scene) -> None:
    text = "A line of prose.\n" * 430
    chat.model.call(quiz(choice("x" * 1_000, *[f"{number} " + "very " * 35 for number in range(20)])), text=text)
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        await chat.workspace.until(lambda: "Stop" in [name for post in chat.posts(asked) for name in labels(post)])
        first, second = chat.posts(asked)
        assert (labels(first), len(labels(second))) == ([], 21)
        chat.clock.advance(2)
        await picks(chat, second, labels(second)[19])
        await chat.answered(asked, f"{text}\nRight!")


async def test_choices_that_grow_too_long_when_they_are_made_harmless_are_cut(chat: Scene) -> None:
    choices = [f"{number} " + "<!" * 98 for number in range(20)]
    chat.model.call(quiz(choice("<!" * 500, *choices)))
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        await chat.workspace.until(lambda: any(len(labels(post)) == 21 for post in chat.posts(asked)))
        (post,) = chat.posts(asked)
        assert (len(post.text) <= 9_010, post.text.endswith("…"), "<!" in post.text) == (True, True, False)
        await picks(chat, post, labels(post)[19])
        await chat.answered(asked, "Right!")
    assert outputs(chat) == [[choices[19]]]


# -- whose answer counts ----------------------------------------------------------------------------------------------


async def test_three_questions_in_a_row_end_as_one_output(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE, PERU, CHILE))
    chat.model.say("Two of three!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        for number, (question, pressed) in enumerate([(FRANCE, "Paris"), (PERU, "Cusco"), (CHILE, "Santiago")], 1):
            post = await offered(chat, asked, *question["choices"])
            assert post.text == f"**Capitals** ({number} of 3)\n\n{question['question_text']}"
            await picks(chat, post, pressed)
        await chat.answered(asked, "Two of three!")
    assert outputs(chat) == [["Paris", "Cusco", "Santiago"]]
    assert len(chat.model.requests) == 2


async def test_only_the_one_who_asked_is_asked_back(chat: Scene) -> None:
    bob, ann = chat.workspace.person("Bob"), chat.workspace.person("Ann", admin=True)
    guest = chat.workspace.person("Gil", guest=True)
    chat.model.call(quiz(FRANCE))
    chat.model.say("Right!")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        shown = post.blocks
        for person in (bob, ann):
            await picks(chat, post, "Lyon", person)
            assert await told(chat, person) == "Only Alice is asked here."
        await picks(chat, post, "Lyon", guest)
        assert "members of this workspace" in await told(chat, guest)
        assert post.blocks == shown
        await picks(chat, post, "Paris")
        await chat.answered(asked, "Right!")
    assert outputs(chat) == [["Paris"]]


async def test_a_doubled_press_and_a_late_one_are_told_so(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE, PERU))
    chat.model.say("Done.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        old = [*post.blocks]
        await picks(chat, post, "Paris")
        await offered(chat, asked, "Lima", "Cusco")
        new, post.blocks = [*post.blocks], old  # a client that has not heard of it
        await picks(chat, post, "Lyon")
        assert await told(chat) == ANSWERED
        post.blocks = new
        await picks(chat, post, "Lima")
        await chat.answered(asked, "Done.")
        post.blocks = old
        await picks(chat, post, "Lyon")
        assert await told(chat) == OVER
    assert outputs(chat) == [["Paris", "Lima"]]


# -- what ends the asking ---------------------------------------------------------------------------------------------


async def test_a_new_message_of_the_asked_person_puts_the_quiz_away(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE), text="Here it comes.")
    chat.model.say("Four.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        await offered(chat, asked, "Lyon", "Paris")
        await chat.alice.says("What is two and two?", chat.general, thread=asked)
        first, _ = await chat.answered(asked, f"Here it comes.\n\n{PUT_AWAY}", "Four.")
    assert buttons(first) == []


async def test_another_s_message_waits_and_its_author_is_told_so(chat: Scene) -> None:
    bob = chat.workspace.person("Bob")
    chat.model.call(quiz(FRANCE))
    chat.model.say("Right!")
    chat.model.say("Hello Bob.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        await bob.says(f"{chat.workspace.mention} Hello?", chat.general, thread=asked)
        note = "I have asked Alice something here and wait for the answer. Then I read your message."
        assert await told(chat, bob) == note
        await picks(chat, post, "Paris")
        await chat.workspace.until(lambda: chat.posts(asked)[0].text == "Right!")
        chat.clock.advance(2)
        await chat.answered(asked, "Right!", "Hello Bob.")
    assert chat.workspace.ephemerals == []


@pytest.mark.parametrize("how", ["button", "command"])
async def test_a_question_is_stopped_like_any_answer(chat: Scene, how: str) -> None:
    bob = chat.workspace.person("Bob")
    chat.model.call(quiz(FRANCE), text="Here it comes.")
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        for person in (bob, chat.alice):
            if how == "button":
                await picks(chat, post, "Stop", person)
            else:
                await chat.asks("!stop", thread=asked, person=person)
            assert await told(chat, person) == (NOT_YOURS if person is bob else "Stopped.")
        (answer,) = await chat.answered(asked, "Here it comes.\n\nStopped.")
    assert buttons(answer) == []


async def test_where_nobody_answers_in_time_it_ends_politely(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE))
    async with chat.parley(registry=registry(), ask_timeout=60.0) as parley:
        asked = await chat.asks("Ask me!")
        post = await offered(chat, asked, "Lyon", "Paris")
        old = post.blocks
        chat.clock.advance(60)
        await parley.core.sweep.once()
        (answer,) = await chat.answered(asked, NOBODY_ANSWERED)
        assert buttons(answer) == []
        post.blocks = old
        await picks(chat, post, "Paris")
        assert await told(chat) == OVER


async def test_a_question_that_is_taken_back_takes_its_quiz_with_it(chat: Scene) -> None:
    chat.model.call(quiz(FRANCE))
    async with chat.parley(registry=registry()):
        asked = await chat.asks("Ask me!")
        await offered(chat, asked, "Lyon", "Paris")
        await chat.alice.deletes(asked)
        await chat.answered(asked)


async def test_why_tells_how_it_came_to_the_answer(chat: Scene) -> None:
    chat.model.say("Cold.")
    async with chat.parley():
        asked = await chat.asks()
        (answer,) = await chat.answered(asked, "Cold.")
        assert labels(answer) == ["Why?"]
        await picks(chat, answer, "Why?")
        assert "gpt-test" in await told(chat)
