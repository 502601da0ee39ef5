"""Tools that ask people: what is shown, whose answer counts, and how often."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.asking import NOBODY_ANSWERED, PUT_AWAY
from bot.ports import Form
from bot.replies import ANSWERED, ASKER_DECIDES, DECIDED, NOTHING_WRITTEN, OVER
from bot.store.schema import audit
from tests.asking import button, choice, free, mail, quiz, registry, sent
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB, Post
from tests.scripted_model import ScriptedModel

FRANCE = choice("Of France?", "Lyon", "Paris")
PERU = choice("Of Peru?", "Lima", "Cusco")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, registry=registry()) as made:
        yield made


async def asked(parley: Parley, text: str = "Ask me!") -> Post:
    await parley.alice.say(text)
    await parley.quiet()
    return newest(parley)


def newest(parley: Parley) -> Post:
    return list(parley.room.posts.values())[-1]


async def press(parley: Parley, label: str, **fields: object) -> str | Form:
    said = await parley.alice.press(button(newest(parley).asks[0], label), **fields)  # type: ignore[arg-type]
    await parley.quiet()
    return said


# -- a quiz ------------------------------------------------------------------------------------------------------------


async def test_a_quiz_asks_one_question_after_the_other_and_its_output_is_all_answers(
    parley: Parley, model: ScriptedModel
) -> None:
    model.call(quiz(FRANCE, free("Why?"), PERU), text="Here it comes.")
    model.say("Two of three!")
    post = await asked(parley)
    assert (post.text, post.final) == ("Here it comes.", False)
    assert [ask.text for ask in post.asks] == ["**Capitals** (1 of 3)\n\nOf France?"]
    assert await press(parley, "Lyon") == ""
    assert [ask.text for ask in post.asks] == ["**Capitals** (2 of 3)\n\nWhy?"]
    form = await press(parley, "Answer")
    assert isinstance(form, Form)
    assert (form.title, form.question) == ("Capitals", "Why?")
    assert await parley.alice.press(form.button, text="  It sounds right. ") == ""
    await parley.quiet()
    assert await press(parley, "Lima") == ""
    assert parley.room.answers == ["Here it comes.\n\nTwo of three!"]
    assert [json.loads(output) for output in model.outputs()] == [["Lyon", "It sounds right.", "Lima"]]


async def test_while_a_person_is_asked_nothing_works_and_nothing_is_due(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    await asked(parley)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("run ", "advance ", "delivery "))]
    model.say("Right.")
    await press(parley, "Paris")


async def test_only_who_asked_is_asked_back(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    model.say("Right.")
    await asked(parley)
    assert await press(parley, "Lyon", by=BOB) == "Only Alice is asked here."
    assert await press(parley, "Lyon", by=BOB, admin=True) == "Only Alice is asked here."
    await press(parley, "Paris")
    assert model.outputs() == ['["Paris"]']


async def test_an_answer_counts_once(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE, PERU))
    model.say("Done.")
    post = await asked(parley)
    lyon, paris = (option.button for option in post.asks[0].options)
    assert await parley.alice.press(lyon) == ""
    assert await parley.alice.press(paris) == ANSWERED
    await parley.quiet()
    lima = button(post.asks[0], "Lima")
    told = await asyncio.gather(*(parley.alice.press(lima) for _ in range(10)))
    assert list(map(str, told)).count("") == 1
    assert set(map(str, told)) <= {"", ANSWERED, OVER}
    await parley.quiet()
    assert model.outputs() == ['["Lyon", "Lima"]']
    assert await parley.alice.press(lima) == OVER


async def test_an_empty_answer_is_asked_for_again(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(free("Why?")))
    model.say("I see.")
    await asked(parley)
    form = await press(parley, "Answer")
    assert isinstance(form, Form)
    assert await parley.alice.press(form.button, text=" \n ") == NOTHING_WRITTEN
    assert await parley.alice.press(form.button, text="So.") == ""
    await parley.quiet()
    assert model.outputs() == ['["So."]']


async def test_a_new_message_of_the_asked_person_puts_the_quiz_away(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    model.say("It is four.")
    await asked(parley)
    paris = button(newest(parley).asks[0], "Paris")
    await parley.alice.say("What is two and two?")
    await parley.quiet()
    assert parley.room.answers == [PUT_AWAY, "It is four."]
    assert await parley.alice.press(paris) == OVER


async def test_somebody_elses_message_waits_for_the_answer_and_is_told_so(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    model.say("Right.")
    model.say("Hello Bob.")
    await asked(parley)
    accepted = await parley.alice.say("Hello?", by=BOB)
    assert accepted.note == "I have asked Alice something here and wait for the answer. Then I read your message."
    await parley.quiet()
    assert parley.room.answers == []
    await press(parley, "Paris")
    assert parley.room.answers == ["Right.", "Hello Bob."]


async def test_a_question_that_is_deleted_takes_its_quiz_with_it(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    await parley.alice.say("Ask me!", key="m1")
    await parley.quiet()
    await parley.alice.delete("m1")
    await parley.quiet()
    assert parley.room.posts == {}


async def test_a_question_that_is_edited_meanwhile_is_read_as_it_is_now(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    model.say("Right.")
    await parley.alice.say("Ask me!", key="m1")
    await parley.quiet()
    await parley.alice.edit("m1", "Ask me, please!")
    await press(parley, "Paris")
    assert model.requests[-1].items[0].text == "Ask me, please!"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (choice("Of France?", "Paris"), "needs at least two choices"),
        (choice("Of France?", "Paris", "Paris"), "same choice twice"),
        ({**free("Why?"), "choices": ["a", "b"]}, "takes no choices"),
        ({"question_text": "", "question_type": "FREE_RESPONSE"}, "at least 1 character"),
    ],
)
async def test_a_quiz_that_makes_no_sense_asks_nobody_and_tells_the_model(
    parley: Parley, model: ScriptedModel, question: dict[str, object], problem: str
) -> None:
    model.call(quiz(question))
    model.say("Sorry.")
    await asked(parley)
    assert parley.room.answers == ["Sorry."]
    assert problem in model.outputs()[0]


async def test_nobody_answers_and_the_run_ends_politely(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    await asked(parley)
    paris = button(newest(parley).asks[0], "Paris")
    parley.clock.advance(3599)
    await parley.core.sweep.once()
    assert not newest(parley).final
    parley.clock.advance(1)
    await parley.core.sweep.once()
    await parley.quiet()
    assert parley.room.answers == [NOBODY_ANSWERED]
    assert await parley.alice.press(paris) == OVER


async def test_a_quiz_is_stopped_like_any_answer(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    post = await asked(parley)
    assert [one.verb for one in post.buttons] == ["stop"]
    assert await parley.alice.press(post.buttons[0], by=BOB) != "Stopped."
    assert await parley.alice.press(post.buttons[0]) == "Stopped."
    await parley.quiet()
    assert parley.room.answers == ["Stopped."]


async def test_after_a_long_thought_there_are_ten_minutes_again(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE))
    gate = model.hold()
    post = await asked(parley)
    parley.clock.advance(3000)
    await parley.alice.press(button(post.asks[0], "Paris"))
    await gate.reached.wait()
    parley.clock.advance(599)
    assert not post.final
    gate.open()
    await parley.quiet()
    assert post.final


# -- approvals ------------------------------------------------------------------------------------------------------


async def test_a_call_is_run_when_it_is_approved(parley: Parley, model: ScriptedModel) -> None:
    model.call(mail())
    model.say("It is sent.")
    post = await asked(parley)
    assert [(ask.kind, [option.label for option in ask.options]) for ask in post.asks] == [
        ("approval", ["Approve", "Deny"])
    ]
    assert "send_mail" in post.asks[0].text
    assert "to: bob@example.com\ntext: Hello" in post.asks[0].text
    assert sent == []
    assert await press(parley, "Approve") == ""
    assert sent == [("bob@example.com", "Hello")]
    assert (model.outputs(), parley.room.answers) == (["Sent to bob@example.com."], ["It is sent."])


async def test_a_denial_is_an_output_that_the_model_reads(parley: Parley, model: ScriptedModel) -> None:
    model.call(mail())
    model.say("Then not.")
    await asked(parley)
    assert await press(parley, "Deny") == ""
    assert sent == []
    assert model.outputs() == ['{"error": "Alice denied this call. Do not make it again."}']
    assert parley.room.answers == ["Then not."]


@pytest.mark.parametrize(
    ("by", "asker", "admin", "other"),
    [("asker", True, False, False), ("admins", False, True, False), ("either", True, True, False)],
)
async def test_who_may_approve_is_what_admins_set(
    parley: Parley, model: ScriptedModel, by: str, asker: bool, admin: bool, other: bool
) -> None:
    await parley.alice.command(f"tools approve send_mail on {by}", admin=True)
    ada = {"by": BOB, "admin": True}
    for who, may in (({"by": ALICE}, asker), (ada, admin), ({"by": BOB}, other)):
        model.call(mail())
        post = await asked(parley)
        if not may:
            assert "can decide this." in str(await press(parley, "Approve", **who))
            assert sent == []
            assert post.asks
            await parley.alice.command("stop")
            await parley.quiet()
        else:
            model.say("Sent.")
            assert await press(parley, "Approve", **who) == ""
            assert len(sent) == 1
        sent.clear()


async def test_a_refused_decision_is_on_record(parley: Parley, model: ScriptedModel) -> None:
    model.call(mail())
    model.say("Sent.")
    await parley.alice.command("tools approve send_mail on asker", admin=True)
    await asked(parley)
    assert await press(parley, "Deny", by=BOB, admin=True) == ASKER_DECIDES
    await press(parley, "Approve")
    found = await parley.core.database.read(record)
    assert found[-2:] == [("U2", "deny", "send_mail", False), ("U1", "approve", "send_mail", True)]


async def test_a_new_message_does_not_put_an_approval_away(parley: Parley, model: ScriptedModel) -> None:
    model.call(mail())
    model.say("Sent.")
    model.say("Patience.")
    await asked(parley)
    accepted = await parley.alice.say("Well?")
    assert accepted.note == "Something here has to be approved or denied first. Then I read your message."
    await press(parley, "Approve")
    assert parley.room.answers == ["Sent.", "Patience."]


async def test_a_quiz_is_put_away_from_beside_an_approval_that_stays(parley: Parley, model: ScriptedModel) -> None:
    model.call(quiz(FRANCE), mail())
    model.say("Sent.")
    model.say("Four.")
    post = await asked(parley)
    assert [ask.kind for ask in post.asks] == ["choice", "approval"]
    accepted = await parley.alice.say("What is two and two?")
    await parley.quiet()
    assert accepted.note.startswith("Something here has to be approved")
    assert [ask.kind for ask in post.asks] == ["approval"]
    await press(parley, "Approve")
    assert parley.room.answers == ["Sent.", "Four."]
    assert "dismissed" in model.outputs(1)[0]


async def test_two_calls_are_decided_one_by_one_and_run_when_both_are(parley: Parley, model: ScriptedModel) -> None:
    model.call(mail("a@example.com"), mail("b@example.com"))
    model.say("One of two.")
    post = await asked(parley)
    first, second = post.asks
    assert await parley.alice.press(button(second, "Deny")) == ""
    await parley.quiet()
    assert (len(post.asks), sent) == (1, [])
    assert await parley.alice.press(button(second, "Approve")) == DECIDED
    assert await parley.alice.press(button(first, "Approve")) == ""
    await parley.quiet()
    assert sent == [("a@example.com", "Hello")]
    assert model.outputs()[0] == "Sent to a@example.com."


async def test_of_many_decisions_at_once_one_counts(parley: Parley, model: ScriptedModel) -> None:
    model.call(mail())
    model.say("Decided.")
    post = await asked(parley)
    approve, deny = (option.button for option in post.asks[0].options)
    told = await asyncio.gather(*(parley.alice.press((approve, deny)[number % 2]) for number in range(10)))
    await parley.quiet()
    assert list(map(str, told)).count("") == 1
    assert set(map(str, told)) <= {"", DECIDED, OVER}
    assert len(sent) == (told.index("") % 2 == 0)
    assert len(model.outputs()) == 1


async def test_arguments_that_do_not_fit_ask_nobody(parley: Parley, model: ScriptedModel) -> None:
    model.call(("send_mail", {"to": 5}))
    model.say("Sorry.")
    await asked(parley)
    assert parley.room.answers == ["Sorry."]
    assert "do not fit" in model.outputs()[0]


async def test_admins_say_which_tools_want_an_approval_from_the_next_question_on(
    parley: Parley, model: ScriptedModel
) -> None:
    await parley.alice.command("tools approve send_mail off", admin=True)
    model.call(mail())
    model.say("Sent at once.")
    await asked(parley)
    assert parley.room.answers == ["Sent at once."]
    listed = await parley.alice.command("tools list")
    assert listed.splitlines()[1] == "send_mail: on (needs no approval)"


async def record(connection: AsyncConnection) -> list[tuple[object, ...]]:
    kept = (audit.c.actor_id, audit.c.action, audit.c.target, audit.c.allowed)
    return [tuple(row) for row in await connection.execute(select(*kept).order_by(audit.c.seq))]
