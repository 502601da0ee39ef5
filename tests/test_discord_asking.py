"""Quizzes and approvals on Discord: how they look, whose answer counts, how often, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.asking import NOBODY_ANSWERED, PUT_AWAY
from bot.models.port import Call, Turn
from bot.replies import ADMINS_DECIDE, ANSWERED, ASKER_DECIDES, DECIDED, NOT_YOURS, OVER
from bot.stopping import STOPPED
from bot.store.schema import runs
from tests.asking import choice, mail, quiz, sent
from tests.discord_asking import asked, asker, asking_at, styles
from tests.discord_parley import Talk
from tests.hand_clock import HandClock
from tests.scripted_model import TOKENS, Gate
from tests.simulators.discord import CREATE, EDIT, TYPING, Message
from tests.test_discord_deadlines import LINE, quiet, soon

FRANCE, PERU = choice("Of France?", "Lyon", "Paris"), choice("Of Peru?", "Lima", "Cusco")
TOWNS = ["Oslo", "Bergen", "Tromsø", "Bodø", "Narvik", "Alta", "Vardø"]
MAIL = "May I call **send_mail** with this?\n\n```\nto: bob@example.com\ntext: Hello\n```"


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with asking_at(tmp_path, limits=False) as made:
        yield made


def question(text: str, number: int = 1, count: int = 1) -> str:
    return f"**Capitals**{f' ({number} of {count})' if count > 1 else ''}\n\n{text}"


# -- how it looks -----------------------------------------------------------------------------------------------------


async def test_few_choices_are_buttons_below_what_was_said_and_vanish_with_the_answer(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE), text="Here it comes.")
    talk.model.say("Well done.")
    async with asker(talk) as parley:
        told = await talk.asks()
        shown = await asked(talk, told, "Here it comes.\n\n" + question("Of France?"))
        await parley.quiet()
        assert styles(shown) == {"Lyon": 1, "Paris": 1, "Stop": 2}
        assert [len(row["components"]) for row in shown.components] == [2, 1]
        pressed = await talk.alice.presses(shown, "Paris")
        assert (pressed.responses, pressed.error) == ([], "")
        await talk.shows(told, "Here it comes.\n\nWell done.")
        await parley.quiet()
    assert shown.buttons == ["None", "None", "Why?"]
    assert json.loads(talk.model.outputs()[-1]) == ["Paris"]


async def test_many_choices_are_a_menu(talk: Talk) -> None:
    talk.model.call(quiz(choice("Which?", *TOWNS)))
    talk.model.say("Cold.")
    async with asker(talk):
        told = await talk.asks()
        shown = await asked(talk, told, question("Which?"))
        assert (shown.menus, shown.buttons) == ([TOWNS], ["Stop"])
        assert (await talk.alice.chooses(shown, "Narvik")).error == ""
        await talk.shows(told, "Cold.")
    assert json.loads(talk.model.outputs()[-1]) == ["Narvik"]


@pytest.mark.parametrize("count", [3, 8])
async def test_long_choices_stand_in_the_text_by_their_letters(talk: Talk, count: int) -> None:
    choices = [f"{number} {'is a long answer ' * 6}".strip() for number in range(count)]
    talk.model.call(quiz(choice("Which?", *choices)))
    talk.model.say("Right.")
    async with asker(talk):
        told = await talk.asks()
        lines = [f"{letter}. {text}" for letter, text in zip("ABCDEFGH", choices, strict=False)]
        shown = await asked(talk, told, "\n".join([question("Which?"), "", *lines]))
        labels = shown.menus[0] if count > 5 else shown.buttons[:-1]
        assert labels == [*"ABCDEFGH"[:count]]
        await (talk.alice.chooses(shown, "B") if count > 5 else talk.alice.presses(shown, "B"))
        await talk.shows(told, "Right.")
    assert json.loads(talk.model.outputs()[-1]) == [choices[1]]


MARKED = {
    "bold": "__It__ is ||cold||, ~~warm~~ `x` \\o/",
    "heading": "# Oslo is where it is",
    "list": "- 1. Oslo",
    "link": "[Oslo](https://example.com/a_b_c) <https://example.com> &amp; <@1> @everyone",
}


@pytest.mark.parametrize("marked", MARKED.values(), ids=MARKED)
async def test_choices_in_the_text_read_as_they_are(talk: Talk, marked: str) -> None:
    choices = [f"{marked} {'is a long answer ' * 6}{number}" for number in range(2)]
    talk.model.call(quiz(choice("Which?", *choices)))
    talk.model.say("Right.")
    async with asker(talk):
        told = await talk.asks()
        await talk.world.until(lambda: talk.ours(told) and "A" in talk.ours(told)[-1].buttons)
        [shown] = talk.ours(told)
        *_, first, _ = shown.text.splitlines()
        # A backslash shows the mark behind it, and nothing else of the line means more than it says.
        bare = re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", first)
        assert bare == f"A. {choices[0]}"
        assert not re.search(r"[*_~|`<>\[\]@:#]", re.sub(r"\\[^a-zA-Z0-9\s]", "", first))
        assert not re.match(r"A\. [-+]", first)
        await talk.alice.presses(shown, "B")
        await talk.shows(told, "Right.")
    assert json.loads(talk.model.outputs()[-1]) == [choices[1]]


async def test_three_questions_in_a_row_become_one_output(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE, choice("Which?", *TOWNS), PERU))
    talk.model.say("All right.")
    async with asker(talk):
        told = await talk.asks()
        await talk.alice.presses(await asked(talk, told, question("Of France?", 1, 3)), "Paris")
        await talk.alice.chooses(await asked(talk, told, question("Which?", 2, 3)), "Oslo")
        await talk.alice.presses(await asked(talk, told, question("Of Peru?", 3, 3)), "Lima")
        await talk.shows(told, "All right.")
    assert json.loads(talk.model.outputs()[-1]) == ["Paris", "Oslo", "Lima"]


async def test_several_calls_are_asked_at_once_as_far_as_there_are_rows(talk: Talk) -> None:
    talk.model.call(*(mail(to=f"{name}@example.com") for name in "abcdef"))
    talk.model.say("Sent.")
    async with asker(talk):
        told = await talk.asks()
        await talk.world.until(lambda: talk.ours(told) and len(talk.ours(told)[-1].components) == 5)
        shown = talk.ours(told)[-1]
        assert shown.buttons == [f"{word} {number}" for number in range(1, 5) for word in ("Approve", "Deny")] + [
            "Stop"
        ]
        assert shown.text.endswith("\n\n2 more questions follow when these are answered.")
        for name in "abcdef":
            shown = talk.ours(told)[-1]
            await talk.alice.presses(shown, "Approve" if name == "f" else "Approve 1")
            await talk.world.until(lambda: name not in re.findall("(.)@example", talk.ours(told)[-1].text))  # noqa: B023
        await talk.shows(told, "Sent.")
    assert sorted(to for to, _ in sent) == [f"{name}@example.com" for name in "abcdef"]


async def test_what_is_asked_below_a_long_text_stands_whole_in_the_last_message(talk: Talk) -> None:
    text = ("It snows in Oslo. " * 100).strip()
    talk.model.call(mail(text="Hello. " * 150), text=text)
    talk.model.say("Sent.")
    async with asker(talk) as parley:
        told = await talk.asks()
        await talk.world.until(lambda: len(talk.ours(told)) == 2 and "Approve" in talk.ours(told)[-1].buttons)
        first, last = talk.ours(told)
        assert (first.text, first.buttons) == (text, [])
        assert last.text.startswith("May I call **send_mail** with this?\n\n```\nto: bob@example.com")
        await talk.alice.presses(last, "Approve")
        await talk.world.until(lambda: [one.text.strip() for one in talk.ours(told)] == [text, "Sent."])
        await parley.quiet()


async def test_nobody_types_while_people_are_asked(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE))
    async with asker(talk) as parley:
        told = await talk.asks()
        await asked(talk, told, question("Of France?"))
        await parley.quiet()
        typed = talk.world.count(TYPING)
        await parley.quiet()
        assert (talk.world.count(TYPING), talk.world.thread(told).typing) == (typed, False)


HOSTILE: list[dict[str, Any]] = [
    {"text": "@everyone <@&1> <@1> <#2> [here](https://example.com)"},
    {"text": "```\n``` ```` ~~~\n> `"},
    {"text": "x" * 5_000},
    {"text": "\u202e\x1b[31m\r\n\r\n" * 40},
    {"to": "`" * 300, "text": "**_~~||"},
]


@pytest.mark.parametrize("given", HOSTILE, ids=lambda given: repr(given)[:30])
async def test_hostile_arguments_notify_nobody_and_break_nothing(talk: Talk, given: dict[str, Any]) -> None:
    talk.model.call(mail(**given))
    talk.model.say("Sent.")
    async with asker(talk):
        told = await talk.asks()
        await talk.world.until(lambda: talk.ours(told) and "Approve" in talk.ours(told)[-1].buttons)
        [shown] = talk.ours(told)
        assert (shown.pinged, shown.text.count("```")) == ([], 2)
        await talk.alice.presses(shown, "Approve")
        await talk.shows(told, "Sent.")
    assert sent == [(given.get("to", "bob@example.com"), given.get("text", "Hello"))]


@pytest.mark.parametrize("text", ["@everyone?", "```", "Which? " * 140], ids=["everyone", "fence", "long"])
async def test_hostile_questions_and_choices_do_so_neither(talk: Talk, text: str) -> None:
    choices = ["@here <@1>", "```py", "\u202ex", " ", "~" * 200, "A. Oslo"]
    talk.model.call(quiz(choice(text.strip(), *choices), title=f"@everyone `{'#' * 150}"))
    talk.model.say("So it is.")
    async with asker(talk):
        told = await talk.asks()
        await talk.world.until(lambda: talk.ours(told) and talk.ours(told)[-1].menus)
        assert [one.pinged for one in talk.ours(told)] == [[]] * len(talk.ours(told))
        await talk.alice.chooses(talk.ours(told)[-1], "D")
        await talk.shows(told, "So it is.")
    assert json.loads(talk.model.outputs()[-1]) == [" "]


# -- whose answer counts, and how often -------------------------------------------------------------------------------


async def test_only_who_asked_is_asked_back_and_once(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE, PERU))
    talk.model.say("All right.")
    async with asker(talk):
        told = await talk.asks()
        shown = await asked(talk, told, question("Of France?", 1, 2))
        other = await talk.bob.presses(shown, "Paris")
        assert (other.text, other.ephemeral) == ("Only Alice is asked here.", True)
        late = Message(shown.channel, shown.id, shown.author, components=[*shown.components])
        both = await asyncio.gather(talk.alice.presses(shown, "Lyon"), talk.alice.presses(shown, "Paris"))
        assert sorted(one.text for one in both) == ["", ANSWERED]
        shown = await asked(talk, told, question("Of Peru?", 2, 2))
        assert (await talk.alice.presses(late, "Lyon")).text == ANSWERED
        await talk.alice.presses(shown, "Lima")
        await talk.shows(told, "All right.")
        assert (await talk.alice.presses(late, "Lyon")).text == OVER
    assert json.loads(talk.model.outputs()[-1])[1:] == ["Lima"]


async def test_a_new_message_of_who_is_asked_puts_the_quiz_away_and_is_answered(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE))
    talk.model.say("Cold.")
    async with asker(talk) as parley:
        told = await talk.asks()
        await asked(talk, told, question("Of France?"))
        await talk.alice.says("How cold is Oslo?", talk.world.thread(told))
        await talk.shows(told, PUT_AWAY, "Cold.")
        await parley.quiet()
        assert talk.ours(told)[0].buttons == []


async def test_somebody_elses_message_waits_and_is_told_so_once(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE))
    talk.model.say("Right.")
    talk.model.say("Later.")
    note = "I have asked Alice something here and wait for the answer. Then I read your message."
    async with asker(talk) as parley:
        told = await talk.asks()
        shown = await asked(talk, told, question("Of France?"))
        waits = await talk.bob.says("And me?", talk.world.thread(told))
        await talk.shows(told, shown.text, note)
        assert talk.ours(told)[-1].reply_to is waits
        await talk.alice.presses(shown, "Paris")
        await talk.shows(told, "Right.", note, "Later.")
        await parley.quiet()


async def test_a_question_by_command_that_waits_says_so_until_its_answer_comes(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE))
    talk.model.say("Right.")
    talk.model.say("Later.")
    async with asker(talk) as parley:
        told = await talk.asks()
        shown = await asked(talk, told, question("Of France?"))
        waits = await talk.bob.uses("/ask", talk.world.thread(told), prompt="And me?")
        await talk.world.until(lambda: waits.text.startswith("I have asked Alice something here"))
        await talk.alice.presses(shown, "Paris")
        await talk.world.until(lambda: waits.text == "Later.")
        await parley.quiet()
    assert [one.text for one in talk.ours(told)] == ["Right.", "Later."]


# -- approvals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "refused"),
    [
        ("asker", {"Bob": ASKER_DECIDES, "Ada": ASKER_DECIDES}),
        ("admins", {"Bob": ADMINS_DECIDE, "Alice": ADMINS_DECIDE}),
        ("either", {"Bob": NOT_YOURS}),
    ],
)
@pytest.mark.parametrize("decision", ["Approve", "Deny"])
async def test_who_may_decides(talk: Talk, by: str, refused: dict[str, str], decision: str) -> None:
    people = {"Alice": talk.alice, "Bob": talk.bob, "Ada": talk.guild.person("Ada", admin=True)}
    talk.model.call(mail())
    talk.model.say("Done.")
    async with asker(talk, approvers=by):
        told = await talk.asks()
        shown = await asked(talk, told, MAIL)
        assert styles(shown) == {"Approve": 3, "Deny": 4, "Stop": 2}
        for name, sentence in refused.items():
            assert (await people[name].presses(shown, decision)).text == sentence
        decides = next(person for name, person in people.items() if name not in refused)
        both = [await decides.presses(shown, decision, waits=False) for _ in range(2)]
        await talk.shows(told, "Done.")
        await talk.world.until(lambda: all(one.acknowledged for one in both))
    first, second = sorted(one.text for one in both)
    assert (first, second in (DECIDED, OVER)) == ("", True)
    assert sent == ([("bob@example.com", "Hello")] if decision == "Approve" else [])
    assert talk.model.outputs() == (
        ["Sent to bob@example.com."]
        if decision == "Approve"
        else [f'{{"error": "{decides.name} denied this call. Do not make it again."}}']
    )


# -- ends -------------------------------------------------------------------------------------------------------------


async def test_a_quiz_is_stopped_like_any_answer(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE), text="Here it comes.")
    async with asker(talk):
        told = await talk.asks()
        shown = await asked(talk, told, "Here it comes.\n\n" + question("Of France?"))
        assert (await talk.alice.presses(shown, "Stop")).text == STOPPED
        await talk.shows(told, "Here it comes.\n\nStopped.")
    assert shown.components == []


async def test_when_nobody_answers_it_ends_politely(tmp_path: Path) -> None:
    clock = HandClock()
    async with asking_at(tmp_path, clock=clock, limits=False) as talk:
        talk.model.call(quiz(FRANCE))
        async with asker(talk) as parley:
            told = await talk.asks()
            await soon(talk, lambda: talk.ours(told) and "Paris" in talk.ours(told)[-1].buttons)
            await quiet(talk, parley)
            shown = talk.ours(told)[-1]
            late = Message(shown.channel, shown.id, shown.author, components=[*shown.components])
            clock.advance(3_600)
            await soon(talk, lambda: [one.text for one in talk.ours(told)] == [NOBODY_ANSWERED])
            assert (await talk.alice.presses(late, "Paris")).text == OVER


async def test_that_a_question_cannot_be_posted_is_told_once_however_it_ends(tmp_path: Path) -> None:
    clock, gate = HandClock(), Gate()
    async with asking_at(tmp_path, clock=clock, limits=False) as talk:
        name, arguments = quiz(FRANCE)
        talk.model.act(LINE, gate, Turn(LINE, calls=[Call("call_1", name, json.dumps(arguments))], usage=TOKENS))
        room = talk.world.dm(talk.alice)
        async with asker(talk) as parley:
            told = await talk.asks()
            await talk.held(gate)
            await soon(talk, lambda: talk.ours(told))
            await talk.alice.archives(talk.world.thread(told), locked=True)
            gate.open()
            await soon(talk, lambda: talk.ours(room))
            await quiet(talk, parley)
            clock.advance(3_600)
            statuses = select(runs.c.status)
            while list(await parley.core.database.read(lambda c: c.scalars(statuses))) != ["expired"]:
                await soon(talk, lambda: True)
            await quiet(talk, parley)
        [said] = talk.ours(room)
    assert said.text == "I have a question for you, but Discord does not let me post it there (50013)."


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "retry_after": 0.05}, {"after": True}], ids=str)
@pytest.mark.parametrize("route", [CREATE, EDIT])
async def test_a_question_is_shown_though_discord_fails(talk: Talk, route: str, fault: dict[str, Any]) -> None:
    gate, (name, arguments) = Gate(), quiz(FRANCE)
    talk.model.act(LINE, gate, Turn(LINE, calls=[Call("call_1", name, json.dumps(arguments))], usage=TOKENS))
    talk.model.say("Right.")
    async with asker(talk):
        if route == CREATE:
            talk.world.fails(CREATE, times=2, **fault)
        told = await talk.asks()
        await talk.held(gate)
        if route == EDIT:
            await talk.shows(told, LINE.strip())
            talk.world.fails(EDIT, times=3, **fault)
        gate.open()
        shown = await asked(talk, told, f"{LINE.strip()}\n\n{question('Of France?')}")
        assert len(talk.ours(told)) == 1
        await talk.alice.presses(shown, "Paris")
        await talk.shows(told, f"{LINE.strip()}\n\nRight.")
