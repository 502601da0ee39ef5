"""The Home tab on Slack: what it shows a person, and what admins switch there."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.slack.blocks import fitting
from adapters.slack.dashboard import LONGEST, OWN, TOO_LONG, mrkdwn, tab
from adapters.slack.people import GUEST, STRANGER
from adapters.slack.telling import FAILED
from bot.access import KEPT_OUT
from bot.app import Core
from bot.commands import assistants, tools
from bot.ports import Overview
from tests.simulators.slack import blocks as block_kit
from tests.slack_home import broken, form, home, own_assistant, presses, recorded, says, seen
from tests.slack_talk import Talk, talk_at
from tools.registry import Registry, tool

OFF = "forecast is off for the whole workspace from the next question on."


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    """Alice is an admin, Bob is none."""
    async with talk_at(tmp_path) as made:
        made.alice.admin = True
        yield made


# -- what it shows ----------------------------------------------------------------------------------------------------


async def test_people_see_what_there_is_and_nothing_to_press(talk: Talk) -> None:
    view = await home(talk, talk.bob)
    shown = seen(talk, talk.bob)
    for part in (talk.workspace.mention, "`/parley ask`", "• forecast", "• tide", "tools list", "assistant list"):
        assert part in shown
    assert ("tools enable" in shown, "For admins" in shown, view.elements()) == (False, False, [])


async def test_tools_that_are_off_are_not_what_it_can_use(talk: Talk) -> None:
    await says(talk, "tools disable forecast")
    await home(talk, talk.bob)
    assert ("• forecast" in seen(talk, talk.bob), "• tide" in seen(talk, talk.bob)) == (False, True)
    await says(talk, "tools disable tide")
    await home(talk, talk.bob)
    assert "all tools are off" in seen(talk, talk.bob)


async def test_admins_see_what_is_set_too(talk: Talk) -> None:
    await says(talk, "tools disable tide")
    view = await home(talk)
    for part in ("For admins", "*forecast* (on)\nThe weather.", "*tide* (off)\nThe tide.", "*Model:* gpt-test"):
        assert part in seen(talk)
    assert ("tools enable" in seen(talk), OWN in seen(talk)) == (True, True)
    assert [element["action_id"] for _, element in view.elements() if "action_id" in element] == [
        "home:assistant",
        "home:tool:forecast",
        "home:approval:forecast",
        "home:tool:tide",
        "home:approval:tide",
    ]


async def test_who_is_kept_out_sees_that_and_no_more(tmp_path: Path) -> None:
    async with talk_at(tmp_path, deny=["slack:U0000001"]) as talk:
        talk.alice.admin = True
        view = await home(talk)
        assert KEPT_OUT in seen(talk)
        assert ("forecast" in seen(talk), view.elements()) == (False, [])


async def test_guests_see_that_they_are_not_answered(talk: Talk) -> None:
    guest = talk.workspace.person("Gus", guest=True)
    await home(talk, guest)
    assert (GUEST in seen(talk, guest), "forecast" in seen(talk, guest)) == (True, False)


async def test_the_messages_tab_shows_nothing_new(talk: Talk) -> None:
    await talk.alice.opens_home("messages")
    await talk.settled()
    assert (talk.workspace.home(talk.alice), talk.workspace.count("views.publish")) == (None, 0)


def many(number: int) -> Registry:
    async def made() -> str:
        return ""

    registry = []
    for at in range(number):
        made.__name__, made.__doc__ = f"tool_number_{at:02}_{'x' * 40}", f"Tells of {at} <!channel> & {'more ' * 150}."
        registry.append(tool(made))
    return Registry(registry)


async def test_sixty_tools_and_long_instructions_fit(tmp_path: Path) -> None:
    instructions = "Greet <!channel> and @here. " + "Be very brief & kind. " * 230
    async with talk_at(tmp_path, registry=many(60), instructions=instructions) as talk:
        talk.alice.admin = True
        await own_assistant(talk)
        view = await home(talk)
        assert (len(instructions) > 5_000, len(view.view["blocks"]) <= 100) == (True, True)
        assert "more. See them with `/parley tools list`." in seen(talk)
        assert "<!channel>" not in json.dumps(view.view)
        assert "…" in seen(talk)
        modal = await form(talk)
        assert TOO_LONG in modal.text
        assert [element["action_id"] for _, element in modal.elements()] == ["model", "temperature"]
        assert await talk.alice.submits(modal, {"model/model": "gpt-other"}) == {}
        await talk.workspace.until(lambda: "*Model:* gpt-other" in seen(talk))
        settings = await says(talk, "assistant show")
        await talk.workspace.until(lambda: len(talk.workspace.ephemerals) >= 2)
        assert settings == ""  # it comes in several messages


def test_what_is_cut_is_no_longer_than_it_may_be() -> None:
    for text in ("a" * 3_000, "🌨" * 1_500, "🌨" * 3_000, "a" + "🌨" * 3_000):
        cut = fitting(text, 2_999)
        assert len(cut.encode("utf-16-le")) // 2 <= 2_999
        assert cut.endswith("…")
    assert fitting("a" * 3_000, 3_000) == "a" * 3_000


def test_no_escaped_character_is_cut_in_two() -> None:
    for text in ("<" * 2_900, "&" * 5_000, "a" + "<🌨&" * 1_000, "Short & sweet."):
        shown = mrkdwn(text, LONGEST)
        assert len(shown.encode("utf-16-le")) // 2 <= LONGEST
        said = html.unescape(shown.removesuffix("…"))
        assert (text.startswith(said), len(said) > 570 or said == text) == (True, True)
        assert shown.removesuffix("…") == html.escape(said, quote=False)


def test_a_long_notice_and_long_lines_of_help_fit_their_blocks() -> None:
    long = "<&" * 2_000
    view = tab(Overview(f"tools {long}", [long], long), mention="<@U1>", follow_threads=True, notice=long)
    block_kit.check_view(view["blocks"])
    texts = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]
    texts += [block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context"]
    assert all(not re.search("&(?!amp;|lt;|gt;)", text) and len(text) <= 3_000 for text in texts)
    assert len([text for text in texts if text.endswith("…")]) == 4


# -- switches ---------------------------------------------------------------------------------------------------------


async def test_a_tool_switched_off_there_is_off_for_the_next_question_and_shown_so_at_once(talk: Talk) -> None:
    talk.model.say("Cold.")
    talk.model.say("Warm.")
    await presses(talk, "tool:forecast", then=OFF)
    assert "*forecast* (off)" in seen(talk)
    await talk.answered(await talk.asks("Oslo?"))
    await presses(talk, "tool:forecast", then="*forecast* (on)")
    await talk.answered(await talk.asks("Rome?"))
    assert [[tool.name for tool in request.tools] for request in talk.model.requests] == [
        ["tide"],
        ["forecast", "tide"],
    ]


async def test_an_approval_asked_for_there_holds_and_is_shown(talk: Talk) -> None:
    await presses(talk, "approval:tide", then="*tide* (on, asks before each call)")
    assert "tide: on (each call needs the approval of" in await says(talk, "tools list")
    await presses(talk, "approval:tide", then="*tide* (on)")
    assert await recorded(talk) == [("Alice", "tools approve", "tide (workspace)", True)] * 2


async def test_two_presses_at_once_both_hold_and_are_shown(talk: Talk) -> None:
    view = await home(talk)
    await asyncio.gather(*(talk.alice.presses(view, f"home:tool:{name}") for name in ("forecast", "tide")))
    await talk.workspace.until(lambda: "*forecast* (off)" in seen(talk) and "*tide* (off)" in seen(talk))


async def test_what_was_switched_already_is_told_so(talk: Talk) -> None:
    await home(talk)
    await says(talk, "tools disable forecast")
    await presses(talk, "tool:forecast", then="forecast was off for the whole workspace already.")


async def test_a_tool_that_is_gone_is_told_so(talk: Talk) -> None:
    view = await home(talk)
    view.view = json.loads(json.dumps(view.view).replace("home:tool:tide", "home:tool:gone"))
    await presses(talk, "tool:gone", then="There is no tool “gone”.")


async def test_half_a_character_in_a_menu_is_no_assistants_name(talk: Talk) -> None:
    view = await home(talk)
    _, menu = view.element("home:assistant")
    menu["options"].append({"text": {"type": "plain_text", "text": "Odd"}, "value": "\ud800"})
    await talk.alice.presses(view, "home:assistant", "\ud800")
    await talk.workspace.until(lambda: "There is no assistant “\ufffd”" in seen(talk))


async def test_a_button_of_an_earlier_version_shows_the_tab_as_it_is_now(talk: Talk) -> None:
    view = await home(talk)
    await says(talk, "tools disable tide")
    view.view = json.loads(json.dumps(view.view).replace("home:tool:tide", "home:gone:tide"))
    await presses(talk, "gone:tide", then="*tide* (off)")
    assert await recorded(talk) == [("Alice", "tools disable", "tide (workspace)", True)]


async def test_the_press_of_somebody_who_is_no_admin_is_refused_and_recorded(talk: Talk) -> None:
    view = await home(talk)
    for name, value in (("tool:forecast", None), ("approval:tide", None), ("assistant", "default")):
        await talk.bob.presses(view, f"home:{name}", value)
    await talk.workspace.until(lambda: assistants.ADMINS_ONLY in seen(talk, talk.bob))
    assert await recorded(talk) == [
        ("Bob", "tools disable", "forecast", False),
        ("Bob", "tools approve", "tide", False),
        ("Bob", "assistant use", "default", False),
    ]
    assert await says(talk, "tools list") == "forecast: on\ntide: on"
    assert "For admins" not in seen(talk, talk.bob)
    await talk.bob.presses(view, "home:tool:tide")
    await talk.workspace.until(lambda: tools.ADMINS_ONLY in seen(talk, talk.bob))


async def test_whom_slack_does_not_tell_of_switches_nothing(talk: Talk) -> None:
    view = await home(talk)
    stranger = talk.workspace.person("Sue", admin=True)
    talk.workspace.fails("users.info", "user_not_found", times=2)
    await stranger.presses(view, "home:tool:forecast")
    await talk.workspace.until(lambda: STRANGER in seen(talk, stranger))
    assert await says(talk, "tools list") == "forecast: on\ntide: on"


async def test_a_switch_that_the_store_does_not_take_is_told_of(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    view = await home(talk)
    with monkeypatch.context() as failing:
        failing.setattr(Core, "command", broken)
        await talk.alice.presses(view, "home:tool:forecast")
        await talk.workspace.until(lambda: FAILED in seen(talk))
    with monkeypatch.context() as failing:
        failing.setattr(Core, "overview", broken)
        await talk.alice.presses(view, "home:tool:forecast")
        await talk.workspace.until(lambda: seen(talk).endswith(FAILED))
    await home(talk)
    assert (FAILED in seen(talk), "*forecast* (off)" in seen(talk)) == (False, True)


async def test_a_switch_holds_though_slack_does_not_show_it(talk: Talk) -> None:
    view = await home(talk)
    talk.workspace.fails("views.publish", "internal_error", times=10)
    await talk.alice.presses(view, "home:tool:forecast")
    assert (await says(talk, "tools list")).startswith("forecast: off")
