"""Questions on Discord that are answered in words, in the form that a press opens; and those for one person only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.discord import patience, presses
from adapters.discord.components import brought, menu, read, row, runs_of
from adapters.discord.forms import answer_form, filled
from adapters.discord.presses import LATE, NO_RIGHTS
from bot.access import KEPT_OUT
from bot.buttons import Button
from bot.ports import Form
from bot.replies import ADMINS_DECIDE, ANSWERED, NOTHING_WRITTEN
from bot.stopping import STOPPED
from tests.asking import choice, free, mail, quiz, sent
from tests.discord_asking import FIELD, asked, asker, asking_at
from tests.discord_parley import DiscordParley, Talk
from tests.hand_clock import HandClock
from tests.simulators.discord import CALLBACK, Interaction, Message, Permission, Person
from tests.test_discord_deadlines import locked, quiet, soon

WHY = "**Capitals**\n\nWhy?"
FRANCE = choice("Of France?", "Lyon", "Paris")


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with asking_at(tmp_path, limits=False) as made:
        yield made


# -- in words ---------------------------------------------------------------------------------------------------------


async def test_an_answer_in_words_is_written_into_a_form(talk: Talk) -> None:
    talk.model.call(quiz(free("Why?"), free("Who?")))
    talk.model.say("I see.")
    async with asker(talk) as parley:
        told = await talk.asks()
        shown = await asked(talk, told, "**Capitals** (1 of 2)\n\nWhy?")
        assert shown.buttons == ["Answer", "Stop"]
        opened = await talk.alice.presses(shown, "Answer")
        assert opened.modal is not None
        assert (opened.modal["title"], [part["label"] for part in opened.modal["components"]]) == ("Capitals", ["Why?"])
        written = await talk.alice.submits(opened, {FIELD: "Since it is.\n\nSo!"})
        assert (written.responses, written.error) == ([], "")
        shown = await asked(talk, told, "**Capitals** (2 of 2)\n\nWho?")
        await talk.alice.submits(await talk.alice.presses(shown, "Answer"), {FIELD: "x" * 2_000})
        await talk.shows(told, "I see.")
        await parley.quiet()
    assert json.loads(talk.model.outputs()[-1]) == ["Since it is.\n\nSo!", "x" * 2_000]


async def test_a_form_belongs_to_who_is_asked_and_counts_once(talk: Talk) -> None:
    talk.model.call(quiz(free("Why?")))
    talk.model.say("I see.")
    async with asker(talk):
        told = await talk.asks()
        shown = await asked(talk, told, WHY)
        other = await talk.bob.presses(shown, "Answer")
        assert (other.text, other.modal) == ("Only Alice is asked here.", None)
        forms = [await talk.alice.presses(shown, "Answer") for _ in range(3)]
        assert (await talk.alice.submits(forms[0], {FIELD: " \n "})).text == NOTHING_WRITTEN
        both = await asyncio.gather(*(talk.alice.submits(form, {FIELD: "So."}) for form in forms[1:]))
        assert min(one.text for one in both) == ""
        await talk.shows(told, "I see.")
    assert json.loads(talk.model.outputs()[-1]) == ["So."]


async def test_a_long_question_stands_in_the_form_as_a_text(talk: Talk) -> None:
    question = f"{'Why is it so? ' * 70}@everyone"
    talk.model.call(quiz(free(question), title="A title that is longer than what Discord shows"))
    talk.model.say("I see.")
    async with asker(talk):
        told = await talk.asks()
        await talk.world.until(lambda: talk.ours(told) and "Answer" in talk.ours(told)[-1].buttons)
        opened = await talk.alice.presses(talk.ours(told)[-1], "Answer")
        assert opened.modal is not None
        [text, label] = opened.modal["components"]
        assert opened.modal["title"] == "A title that is longer than what Discord sho…"
        assert (text["content"], label["label"]) == (question, "Your answer")
        await talk.alice.submits(opened, {FIELD: "So."})
        await talk.shows(told, "I see.")


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 45, "x" * 46, "y" * 9_000])
def test_a_form_fits_what_discord_takes(text: str) -> None:
    button = Button("answer", "run_" + "0" * 24, "0123456789ab.9")
    pressed = read(brought([{"custom_id": button.encode()}], "1" * 20, "2" * 19)[0]["custom_id"])
    assert pressed is not None
    form = answer_form(Form(text, text, button, longest=9_000), pressed)
    labels = [part["label"] for part in form["components"] if "label" in part]
    assert 0 < len(form["custom_id"]) <= 100
    assert all(0 < len(one) <= 45 for one in (form["title"], *labels))
    assert all(0 < len(part["content"]) <= 4_000 for part in form["components"] if "content" in part)
    assert form["components"][-1]["component"]["max_length"] == 4_000


async def test_a_form_that_comes_too_late_is_asked_for_again(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    talk.model.call(quiz(free("Why?")))
    talk.model.say("I see.")
    async with asker(talk) as parley:
        told = await talk.asks()
        shown = await asked(talk, told, WHY)
        await parley.quiet()
        monkeypatch.setattr(patience, "PATIENCE", 0.0)
        late = await talk.alice.presses(shown, "Answer")
        assert (late.text, late.ephemeral, late.modal) == (LATE, True, None)
        monkeypatch.undo()
        await talk.alice.submits(await talk.alice.presses(shown, "Answer"), {FIELD: "So."})
        await talk.shows(told, "I see.")


async def test_an_answer_that_takes_long_to_store_leaves_nothing_behind(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.model.call(quiz(FRANCE))
    talk.model.say("Right.")
    async with asker(talk) as parley:
        told = await talk.asks()
        shown = await asked(talk, told, "**Capitals**\n\nOf France?")
        await parley.quiet()
        monkeypatch.setattr(patience, "PATIENCE", 0.01)
        with locked(talk):
            pressed = await talk.alice.presses(shown, "Paris")
            assert (pressed.thinking, pressed.ephemeral) == (True, True)
        await talk.shows(told, "Right.")
        await talk.world.until(lambda: not pressed.thinking)
    assert (pressed.text, talk.world.ephemerals) == ("", [])


@pytest.mark.parametrize("how", [{"after": True}, {"drop": True}, {"status": 503}], ids=str)
async def test_an_acknowledgement_of_a_press_that_is_lost_is_repeated(talk: Talk, how: dict[str, object]) -> None:
    talk.model.call(quiz(free("Why?")))
    talk.model.say("I see.")
    async with asker(talk):
        told = await talk.asks()
        shown = await asked(talk, told, WHY)
        talk.world.fails(CALLBACK, **how)  # type: ignore[arg-type]
        opened = await talk.alice.presses(shown, "Answer", waits=False)
        await talk.world.until(lambda: opened.modal)
        talk.world.fails(CALLBACK, **how)  # type: ignore[arg-type]
        written = await talk.alice.submits(opened, {FIELD: "So."}, waits=False)
        await talk.shows(told, "I see.")
        await talk.world.until(lambda: written.acknowledged)
    assert (opened.error, written.error, written.responses) == ("", "", [])


def test_whose_a_message_is_shows_by_each_of_its_components() -> None:
    answer, stop = Button("answer", "run_1", "ab.0.1"), Button("stop", "run_2")
    rows = [row([menu([("Oslo", answer)], "Which?")]), row([{"type": 2, "custom_id": stop.encode()}])]
    assert runs_of({"components": rows}) == runs_of({"components": brought(rows, "1", "2")}) == {"run_1", "run_2"}


# -- for one person only ----------------------------------------------------------------------------------------------


async def privately(talk: Talk) -> Interaction:
    return await talk.alice.uses("/ask", talk.general, prompt="Ask me!", private=True)


async def test_a_private_question_asks_back_in_private(talk: Talk) -> None:
    talk.model.call(quiz(FRANCE, free("Why?")), text=("It snows. " * 300).strip())
    talk.model.say("I see.")
    async with asker(talk) as parley:
        used = await privately(talk)
        await talk.world.until(lambda: used.text == "**Capitals** (1 of 2)\n\nOf France?")
        [shown] = used.responses
        assert (shown.ephemeral, shown.buttons, shown.files[0].name) == (True, ["Lyon", "Paris", "Stop"], "answer.md")
        assert shown.files[0].content.decode().endswith("It snows.\n\n**Capitals** (1 of 2)\n\nOf France?")
        await talk.alice.presses(shown, "Paris")
        await talk.world.until(lambda: used.text == "**Capitals** (2 of 2)\n\nWhy?")
        await talk.alice.submits(await talk.alice.presses(shown, "Answer"), {FIELD: "So."})
        await talk.world.until(lambda: shown.buttons == ["None", "None", "Why?"])
        await parley.quiet()
        assert (len(shown.files), talk.ours(talk.general)) == (1, [])


async def test_a_file_of_a_private_question_goes_with_it(talk: Talk) -> None:
    talk.model.call(mail(to="bob" * 200, text="Hello. " * 150), text="It snows. " * 100)
    gate = talk.model.hold("Sent.")
    async with asker(talk):
        used = await privately(talk)
        await talk.world.until(lambda: "Approve" in used.responses[0].buttons and used.files)
        await talk.alice.presses(used.responses[0], "Deny")
        await talk.held(gate)
        await talk.world.until(lambda: not used.files)
        gate.open()
        await talk.world.until(lambda: used.text.endswith("Sent."))
    assert sent == []


async def test_a_private_question_goes_on_among_two_when_its_time_is_over(tmp_path: Path) -> None:
    clock = HandClock()
    async with asking_at(tmp_path, clock=clock, limits=False) as talk:
        talk.model.call(quiz(FRANCE, free("Why?"), FRANCE))
        talk.model.say("I see.")
        room = talk.world.dm(talk.alice)
        async with asker(talk, allow=[f"discord:{talk.general.id}"]) as parley:
            used = await privately(talk)
            await soon(talk, lambda: "Paris" in used.responses[0].buttons)
            await quiet(talk, parley)
            clock.advance(1_000)
            await talk.alice.presses(used.responses[0], "Paris")
            await soon(talk, lambda: [one.text for one in talk.ours(room)] == ["**Capitals** (2 of 3)\n\nWhy?"])
            await quiet(talk, parley)
            opened = await talk.alice.presses(talk.ours(room)[0], "Answer")
            assert (await talk.alice.submits(opened, {FIELD: "So."})).text == ""
            await soon(talk, lambda: "Paris" in talk.ours(room)[0].buttons)
            await quiet(talk, parley)
            assert (await talk.alice.presses(used.responses[0], "Lyon")).text == ANSWERED
            await talk.alice.presses(talk.ours(room)[0], "Lyon")
            await soon(talk, lambda: [one.text for one in talk.ours(room)] == ["I see."])
            await quiet(talk, parley)
        assert json.loads(talk.model.outputs()[-1]) == ["Paris", "So.", "Lyon"]


async def asked_among_two(talk: Talk, parley: DiscordParley, ann: Person) -> Message:
    """What the second question stands in, when the time of the command is over."""
    room, clock = talk.world.dm(ann), talk.clock
    assert clock is not None
    used = await ann.uses("/ask", talk.general, prompt="Ask me!", private=True)
    await soon(talk, lambda: "Paris" in used.responses[0].buttons)
    await quiet(talk, parley)
    clock.advance(1_000)
    await ann.presses(used.responses[0], "Paris")
    await soon(talk, lambda: talk.ours(room))
    await quiet(talk, parley)
    return talk.ours(room)[0]


MEMBER = "GET /guilds/{guild_id}/members/{user_id}"


@pytest.mark.parametrize("setting", ["allow", "deny"])
async def test_roles_in_the_server_hold_for_what_went_on_among_two(tmp_path: Path, setting: str) -> None:
    async with asking_at(tmp_path, clock=HandClock(), limits=False) as talk:
        role = talk.guild.role("staff")
        ann = talk.guild.person("Ann", roles=[role] if setting == "allow" else [])
        talk.model.call(quiz(FRANCE, FRANCE))
        if setting == "allow":
            talk.model.say("I see.")
        async with asker(talk, **{setting: [f"discord:{role.id}"]}) as parley:
            shown = await asked_among_two(talk, parley, ann)
            if setting == "deny":  # it was given meanwhile
                talk.guild.members[ann.id].roles.append(role.id)
            assert (await ann.presses(shown, "Paris")).text == (KEPT_OUT if setting == "deny" else "")
            await quiet(talk, parley)
    assert len(talk.model.requests) == (2 if setting == "allow" else 1)


@pytest.mark.parametrize("right", ["Manage Server", "Administrator", "owner", ""])
async def test_who_may_manage_the_server_approves_among_two(tmp_path: Path, right: str) -> None:
    rights = {"Manage Server": Permission.MANAGE_GUILD, "Administrator": Permission.ADMINISTRATOR}
    async with asking_at(tmp_path, clock=HandClock(), limits=False) as talk:
        talk.model.call(quiz(FRANCE))
        talk.model.call(mail())
        roles = [talk.guild.role("Staff", rights[right])] if right in rights else []
        ann = talk.world.people[talk.guild.owner] if right == "owner" else talk.guild.person("Ann", roles=roles)
        if right:
            talk.model.say("Sent.")
        async with asker(talk, approvers="admins") as parley:
            shown = await asked_among_two(talk, parley, ann)
            assert (await ann.presses(shown, "Approve")).text == ("" if right else ADMINS_DECIDE)
            await quiet(talk, parley)
    assert len(sent) == (1 if right else 0)


async def test_who_left_the_server_presses_nothing_of_it_any_more(tmp_path: Path) -> None:
    async with asking_at(tmp_path, clock=HandClock(), limits=False) as talk:
        ann = talk.guild.person("Ann")
        talk.model.call(quiz(FRANCE, FRANCE))
        async with asker(talk) as parley:
            shown = await asked_among_two(talk, parley, ann)
            del talk.guild.members[ann.id]
            refused = await ann.presses(shown, "Paris")
            assert (refused.text, shown.buttons) == (NO_RIGHTS, ["Lyon", "Paris", "Stop"])


async def test_rights_that_cannot_be_had_in_time_let_nobody_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking_at(tmp_path, clock=HandClock(), limits=False) as talk:
        ann = talk.guild.person("Ann")
        talk.model.call(quiz(FRANCE, FRANCE))
        talk.model.say("I see.")
        async with asker(talk) as parley:
            shown = await asked_among_two(talk, parley, ann)
            monkeypatch.setattr(presses, "PATIENCE", 0.01)
            gate = talk.world.holds(MEMBER)
            assert (await ann.presses(shown, "Paris")).text == NO_RIGHTS
            monkeypatch.undo()
            gate.release()
            assert (await ann.presses(shown, "Paris")).text == ""
            await quiet(talk, parley)


async def test_what_went_on_among_two_is_stopped_there(tmp_path: Path) -> None:
    clock = HandClock()
    async with asking_at(tmp_path, clock=clock, limits=False) as talk:
        talk.model.call(quiz(FRANCE, FRANCE))
        room = talk.world.dm(talk.alice)
        async with asker(talk) as parley:
            used = await privately(talk)
            await soon(talk, lambda: "Paris" in used.responses[0].buttons)
            await quiet(talk, parley)
            clock.advance(1_000)
            await talk.alice.presses(used.responses[0], "Paris")
            await soon(talk, lambda: talk.ours(room))
            await quiet(talk, parley)
            assert (await talk.alice.presses(talk.ours(room)[0], "Stop")).text == STOPPED
            await soon(talk, lambda: [one.text for one in talk.ours(room)] == ["Stopped."])
            await quiet(talk, parley)


def test_a_form_with_nothing_in_it_has_no_answer() -> None:
    assert filled([{"type": 18, "component": None}, {"type": 1, "components": []}]) == ""
