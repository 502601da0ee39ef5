"""Commands, shortcuts, modals and buttons of the simulated Slack, with a real Bolt app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.simulators.slack import JSON, Workspace, slack
from tests.slack_room import Heard, client_of, connected, error, heard_by

FIELD = {"type": "plain_text_input", "action_id": "words"}
MODAL: JSON = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "q",
            "label": {"type": "plain_text", "text": "What?"},
            "element": FIELD,
            "optional": True,
        },
    ],
}
CHOICES = [{"text": {"type": "plain_text", "text": text}, "value": text.lower()} for text in ("Good", "Bad")]
BUTTONS: list[JSON] = [
    {
        "type": "context_actions",
        "block_id": "rating",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": CHOICES[0],
                "negative_button": CHOICES[1],
            }
        ],
    },
    {"type": "actions", "elements": [{"type": "button", "action_id": "again", **CHOICES[0]}]},
]


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with slack() as made:
        yield made


@pytest.fixture
async def heard(workspace: Workspace) -> AsyncIterator[Heard]:
    async with connected(workspace, heard_by(workspace)) as listening:
        yield listening


async def test_a_command_is_answered_at_once_and_later(workspace: Workspace, heard: Heard) -> None:
    async def tools(ack: Any, respond: Any, command: JSON) -> None:
        await ack(f"{command['user_name']}: {command['text']}")
        await respond("weather", response_type="in_channel")
        await respond("only you")

    heard.app.command("/parley")(tools)
    alice, general = workspace.person("Alice"), workspace.channel("general")
    answer = await alice.command("/parley", "tools list", general)
    await workspace.until(lambda: len(answer) == 3)
    assert answer.text == "alice: tools list\nweather\nonly you"
    assert [post.text for post in workspace.posts(general)] == ["weather"]
    assert {seen.text for seen in workspace.ephemerals} == {"alice: tools list", "only you"}
    assert {seen.user for seen in workspace.ephemerals} == {alice.id}


async def test_a_button_in_the_answer_to_a_command_can_be_pressed(workspace: Workspace, heard: Heard) -> None:
    async def tools(ack: Any) -> None:
        await ack(text="Tools", blocks=BUTTONS)

    async def again(ack: Any, respond: Any) -> None:
        await ack()
        await respond("Done.", replace_original=True)

    heard.app.command("/parley")(tools)
    heard.app.action("again")(again)
    alice, general = workspace.person("Alice"), workspace.channel("general")
    answer = await alice.command("/parley", "tools", general)
    await alice.presses(answer.posts[0], "again")
    await workspace.until(lambda: answer.posts[0].text == "Done.")
    assert workspace.posts(general) == []


async def test_a_command_that_nobody_acknowledges_is_reported(workspace: Workspace, heard: Heard) -> None:
    workspace.patience = 0.02
    with pytest.raises(TimeoutError, match="slash_commands not acknowledged"):
        await workspace.person("Alice").command("/nothing", "", workspace.channel("general"))


async def test_an_answering_address_is_good_for_five_posts(workspace: Workspace) -> None:
    alice, general = workspace.person("Alice"), workspace.channel("general")
    url, _ = workspace.hooks.issue(alice, general)
    async with aiohttp.ClientSession() as session:
        for status in [200] * 5 + [404]:
            async with session.post(url, json={"text": "hi"}) as answer:
                assert answer.status == status
    assert len(workspace.responses) == 5


async def test_a_shortcut_opens_one_modal_whose_fields_are_submitted(workspace: Workspace, heard: Heard) -> None:
    codes: list[str] = []

    async def ask(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        codes.append(await error(client.views_open(trigger_id=body["trigger_id"], view=MODAL)))

    async def check(ack: Any, view: JSON) -> None:
        words = view["state"]["values"]["q"]["words"]["value"]
        await (ack() if words else ack(response_action="errors", errors={"q": "Say something."}))

    heard.app.shortcut("ask_parley")(ask)
    heard.app.view("ask")(check)
    alice, general = workspace.person("Alice"), workspace.channel("general")
    await alice.shortcut("ask_parley", await alice.says("rain", general))
    await workspace.until(lambda: codes == ["exchanged_trigger_id"])
    [modal] = workspace.views
    assert await alice.submits(modal) == {"response_action": "errors", "errors": {"q": "Say something."}}
    assert modal.open
    assert await alice.submits(modal, {"q/words": "rain?"}) == {}
    assert not modal.open


async def test_a_trigger_is_good_for_three_seconds() -> None:
    moments = [1_800_000_000.0]
    async with slack(now=lambda: moments[-1]) as workspace:
        alice = workspace.person("Alice")
        trigger, client = workspace.triggers.issue(alice), client_of(workspace)
        moments.append(moments[-1] + 3.1)
        assert await error(client.views_open(trigger_id=trigger, view=MODAL)) == "expired_trigger_id"
        assert await error(client.views_open(trigger_id="made.up", view=MODAL)) == "invalid_trigger_id"


async def test_presses_tell_which_button(workspace: Workspace, heard: Heard) -> None:
    pressed: list[JSON] = []

    async def keep(ack: Any, action: JSON, respond: Any) -> None:
        pressed.append(action)
        await ack()
        await respond("Again!", replace_original=True)

    heard.app.action("feedback")(keep)
    heard.app.action("again")(keep)
    alice, general = workspace.person("Alice"), workspace.channel("general")
    await client_of(workspace).chat_postMessage(channel=general.id, text="Yes.", blocks=BUTTONS)
    [post] = workspace.posts(general)
    with pytest.raises(LookupError, match="no better among"):
        await alice.presses(post, "feedback", "better")
    await alice.presses(post, "feedback", "bad")
    await workspace.until(lambda: post.text == "Again!")
    assert (pressed[0]["type"], pressed[0]["value"], pressed[0]["block_id"]) == ("feedback_buttons", "bad", "rating")
    with pytest.raises(LookupError, match="no again"):
        await alice.presses(post, "again")


def menu(*texts: str, **fields: Any) -> JSON:
    options = [{"text": {"type": "plain_text", "text": text}, "value": f"v {text}"} for text in texts]
    chosen = {"type": "static_select", "action_id": "menu", "options": options, **fields}
    return {"type": "actions", "block_id": "choices", "elements": [chosen]}


async def test_an_option_of_a_menu_is_chosen_by_its_text(workspace: Workspace, heard: Heard) -> None:
    chosen: list[JSON] = []

    async def keep(ack: Any, body: JSON) -> None:
        chosen.append(body)
        await ack()

    heard.app.action("menu")(keep)
    alice, general = workspace.person("Alice"), workspace.channel("general")
    await client_of(workspace).chat_postMessage(channel=general.id, text="Which?", blocks=[menu("Lyon", "Paris")])
    [post] = workspace.posts(general)
    await alice.picks(post, "Paris")
    option = {"text": {"type": "plain_text", "text": "Paris"}, "value": "v Paris"}
    assert chosen[0]["actions"][0]["selected_option"] == option
    state = {"choices": {"menu": {"type": "static_select", "selected_option": option}}}
    assert chosen[0]["state"]["values"] == state
    with pytest.raises(LookupError, match="no 'Nice'"):
        await alice.picks(post, "Nice")


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (menu(), "must provide options"),
        (menu(""), "more than 0 characters"),
        (menu("x" * 76), "less than 76 characters"),
        (menu(*map(str, range(101))), "no more than 100 items"),
        ({**BUTTONS[1], "elements": BUTTONS[1]["elements"] * 2}, "action_id already exists"),
    ],
)
async def test_blocks_that_slack_does_not_take_are_refused(workspace: Workspace, block: JSON, problem: str) -> None:
    general = workspace.channel("general")
    posted = client_of(workspace).chat_postMessage(channel=general.id, text="Which?", blocks=[block])
    with pytest.raises(SlackApiError, match=problem):
        await posted


async def test_a_field_takes_no_more_than_it_says_and_nothing_only_where_it_is_optional(workspace: Workspace) -> None:
    alice, client = workspace.person("Alice"), client_of(workspace)
    block = {**MODAL["blocks"][0], "optional": False, "element": {**FIELD, "max_length": 5}}
    await client.views_open(trigger_id=workspace.triggers.issue(alice), view={**MODAL, "blocks": [block]})
    for text in ("", "too long"):
        with pytest.raises(LookupError, match="q/words does not take"):
            await alice.submits(workspace.views[-1], {"q/words": text})
    long = {**MODAL, "blocks": [{**block, "element": {**FIELD, "max_length": 3_001}}]}
    assert await error(client.views_open(trigger_id=workspace.triggers.issue(alice), view=long)) == "invalid_blocks"
