"""The Home tab on Slack: how admins choose the assistant there, and change it by a form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.slack import shapes
from adapters.slack.dashboard import CHANGE, OWN, about
from adapters.slack.home import ADMINS_ONLY, ANOTHER, MEANWHILE
from adapters.slack.people import STRANGER
from adapters.slack.pressing import NOT_OPENED, PERHAPS
from adapters.slack.telling import FAILED
from bot.app import Core
from bot.commands import assistants
from tests.hand_clock import HandClock
from tests.slack_home import broken, form, home, own_assistant, presses, recorded, says, seen
from tests.slack_talk import Talk, talk_at


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """Alice is an admin, Bob is none."""
    async with talk_at(tmp_path) as made:
        made.alice.admin = True
        yield made


async def test_the_assistant_is_chosen_and_changed_there(talk: Talk) -> None:
    talk.model.say("A rhyme.")
    await says(talk, "assistant create poet")
    await presses(talk, "assistant", "poet", then="poet answers in the whole workspace from the next question on.")
    modal = await form(talk)
    changed = {"model/model": "gpt-other", "temperature/temperature": "0.4", "instructions/instructions": "Rhyme.\n<&>"}
    assert await talk.alice.submits(modal, changed) == {}
    await talk.workspace.until(lambda: "*Model:* gpt-other\n*Temperature:* 0.4" in seen(talk))
    assert "Rhyme.\n<&>" in seen(talk)
    await talk.answered(await talk.asks("Oslo?"))
    request = talk.model.requests[-1]
    assert (request.model, request.temperature) == ("gpt-other", 0.4)
    assert "Rhyme.\n<&>" in request.instructions


async def test_only_what_was_changed_in_the_form_is_set(talk: Talk) -> None:
    await own_assistant(talk)
    await says(talk, "assistant set temperature 0.7")
    modal = await form(talk)
    await says(talk, "assistant set model gpt-newer")
    assert await talk.alice.submits(modal, {"temperature/temperature": "0.70"}) == {}
    assert await talk.alice.submits(await form(talk), {"temperature/temperature": ""}) == {}
    await talk.workspace.until(lambda: "*Model:* gpt-newer\n*Temperature:* the model's own" in seen(talk))
    actions = [(action, target) for _, action, target, _ in await recorded(talk)][2:]
    assert actions == [("assistant set", f"poet {field}") for field in ("temperature", "model", "temperature")]


@pytest.mark.parametrize(
    ("field", "value", "told"), [("temperature", "hot", "number from 0 to 2"), ("model", "two words", "one word")]
)
async def test_a_value_that_is_none_is_told_under_its_field(talk: Talk, field: str, value: str, told: str) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    answer = await talk.alice.submits(modal, {f"{field}/{field}": value})
    assert (answer["response_action"], modal.open, [*modal.errors]) == ("errors", True, [field])
    assert told in modal.errors[field]
    assert len(await recorded(talk)) == 2


async def test_a_form_of_which_only_a_part_was_saved_can_be_sent_again(talk: Talk) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    answer = await talk.alice.submits(modal, {"temperature/temperature": "0.7", "model/model": "gpt five"})
    assert [*answer["errors"]] == ["model"]
    await talk.workspace.until(lambda: "*Temperature:* 0.7" in seen(talk))  # what was saved is shown
    assert await talk.alice.submits(modal, {"temperature/temperature": "0.7", "model/model": "gpt-five"}) == {}
    await talk.workspace.until(lambda: "*Model:* gpt-five\n*Temperature:* 0.7" in seen(talk))
    assert [target for _, action, target, _ in await recorded(talk) if action == "assistant set"] == [
        "poet temperature",
        "poet model",
    ]


@pytest.mark.parametrize(("then", "shown"), [("0.9", "0.9"), ("", "the model's own")])
async def test_what_a_form_saved_itself_it_may_change_again(talk: Talk, then: str, shown: str) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    await talk.alice.submits(modal, {"temperature/temperature": "0.7", "model/model": "gpt five"})
    assert await talk.alice.submits(modal, {"temperature/temperature": then, "model/model": "gpt-five"}) == {}
    await talk.workspace.until(lambda: f"*Model:* gpt-five\n*Temperature:* {shown}" in seen(talk))


@pytest.mark.parametrize(
    ("field", "meanwhile", "value"),
    [("instructions", "Be kind.", "Be rude."), ("temperature", "0.7", "0.2"), ("model", "gpt-newer", "gpt-other")],
)
async def test_a_form_overwrites_nothing_that_was_changed_meanwhile(
    talk: Talk, field: str, meanwhile: str, value: str
) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    await says(talk, f"assistant set {field} {meanwhile}")
    answer = await talk.alice.submits(modal, {f"{field}/{field}": value})
    assert answer["errors"] == {field: MEANWHILE}
    await talk.workspace.until(lambda: meanwhile in seen(talk))
    assert value not in await says(talk, "assistant show")
    assert await talk.alice.submits(modal, {f"{field}/{field}": meanwhile}) == {}  # it is as wanted


async def test_a_form_that_the_store_does_not_take_stays(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    with monkeypatch.context() as failing:
        failing.setattr(Core, "command", broken)
        answer = await talk.alice.submits(modal, {"model/model": "gpt-other"})
        assert (answer["errors"], modal.open) == ({"model": FAILED}, True)
        failing.setattr(Core, "overview", broken)
        assert (await talk.alice.submits(modal, {"model/model": "gpt-other"}))["errors"] == {"model": FAILED}
    assert await talk.alice.submits(modal, {"model/model": "gpt-other"}) == {}
    await talk.workspace.until(lambda: "*Model:* gpt-other" in seen(talk))


async def test_over_http_a_form_is_answered_likewise(tmp_path: Path) -> None:
    async with talk_at(tmp_path, http=True) as talk:
        talk.alice.admin = True
        await own_assistant(talk)
        modal = await form(talk)
        answer = await talk.alice.submits(modal, {"temperature/temperature": "3"})
        assert [*answer["errors"]] == ["temperature"]
        assert await talk.alice.submits(modal, {"temperature/temperature": "2"}) == {}
        await talk.workspace.until(lambda: "*Temperature:* 2" in seen(talk))


async def test_the_operator_s_assistant_cannot_be_changed(talk: Talk) -> None:
    view = await home(talk)
    assert (OWN in seen(talk), CHANGE in [one.get("action_id") for _, one in view.elements()]) == (True, False)


async def test_a_form_for_an_assistant_that_answers_no_more_changes_nothing(talk: Talk) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    await says(talk, "assistant create cook")
    await says(talk, "assistant use cook workspace")
    answer = await talk.alice.submits(modal, {"model/model": "gpt-other"})
    assert answer["errors"] == {"model": ANOTHER}
    assert "model: gpt-test" in await says(talk, "assistant show cook")


async def test_a_form_sent_by_somebody_who_is_no_admin_is_refused_and_recorded(talk: Talk) -> None:
    await own_assistant(talk)
    modal = await form(talk)
    answer = await talk.bob.submits(modal, {"model/model": "gpt-other"})
    assert answer["errors"] == {"model": assistants.ADMINS_ONLY}
    assert (await recorded(talk))[-1] == ("Bob", "assistant set", "model", False)
    await talk.bob.presses(talk.workspace.homes[talk.alice.id], CHANGE)
    await talk.workspace.until(lambda: ADMINS_ONLY in seen(talk, talk.bob))
    assert len(talk.workspace.views) == 1


async def test_instructions_are_kept_as_they_were_typed(talk: Talk) -> None:
    await own_assistant(talk)
    said = "Be kind &amp; brief.\nSee <https://example.com|example.com> &lt;first&gt;."
    await talk.asks(f"!assistant set instructions {said}")
    await talk.settled()
    await home(talk)
    assert "Be kind & brief.\nSee https://example.com <first>." in seen(talk)


async def test_a_form_that_does_not_open_is_told_of(talk: Talk) -> None:
    await own_assistant(talk)
    talk.workspace.fails("views.open", "expired_trigger_id")
    await home(talk)
    await presses(talk, "change", then=NOT_OPENED)


async def test_a_form_of_which_nobody_knows_whether_it_opened_is_told_of(talk: Talk) -> None:
    await own_assistant(talk)
    talk.workspace.fails("views.open", after=True)
    await home(talk)
    await presses(talk, "change", then=PERHAPS)


async def test_an_admin_whom_slack_does_not_tell_of_is_told_so_and_not_called_none(tmp_path: Path) -> None:
    clock = HandClock()
    async with talk_at(tmp_path, clock=clock) as talk:
        talk.alice.admin = True
        await own_assistant(talk)
        view = await home(talk)
        clock.advance(301)  # who Alice is has to be asked again
        talk.workspace.fails("users.info", "user_not_found", times=1)
        await talk.alice.presses(view, CHANGE)
        await talk.workspace.until(lambda: STRANGER in seen(talk))
        assert ADMINS_ONLY not in seen(talk)


@pytest.mark.parametrize(
    ("block", "values"),
    [
        ({"element": {}}, {"model": {"model": {}}}),
        ({"block_id": "model"}, {"model": {"model": {}}}),
        ({"block_id": "model", "element": None}, {"model": {"model": {}}}),
        ({"block_id": "model", "element": {}}, {}),
        ({"block_id": "model", "element": {}}, {"model": {}}),
    ],
)
def test_a_form_without_all_that_it_was_opened_with_cannot_be_read(block: Any, values: Any) -> None:
    view = {"id": "V1", "callback_id": CHANGE, "private_metadata": "poet", "state": {"values": values}}
    sent = {"type": "view_submission", "user": {"id": "U1"}, "view": {**view, "blocks": [{"type": "input", **block}]}}
    assert shapes.problem(sent)
    whole = {"type": "input", "block_id": "model", "element": {}}
    filled = {"values": {"model": {"model": {"value": None}}}}
    assert not shapes.problem({**sent, "view": {**view, "blocks": [whole], "state": filled}})


@pytest.mark.parametrize("kept", ['{"assistant": "poet", "was": null}', "[" * 100_000, "poet"], ids=range(3))
def test_a_form_of_which_it_is_not_known_what_it_showed_is_of_no_such_assistant(kept: str) -> None:
    assert about({"private_metadata": kept}) == (kept, {})
