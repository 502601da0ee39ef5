"""Every command, on each platform, from both sides of every right: what Bob is told, and what Ann, who is an admin."""

from __future__ import annotations

import re

from bot.commands import assistants, audit, budget, tools, usage
from tests.contract.stage import Stage
from tests.test_contract import chat, everywhere, where  # noqa: F401 - a fixture

NOBODY_SAID = "no conversation here|Nothing of this conversation|Nothing that you said|fresh conversation"

FOR_ALL = [
    ("help", "tools list"),
    ("tools list", "forecast: on"),
    ("assistant list", r"default \(the operator's; answers here\)"),
    ("assistant show", "model: gpt-test"),
    ("budget show", "No budget is set here"),
    ("usage me day", "today: nothing|today: 0|no run"),
    ("usage here month", "This channel, this month: nothing|This channel"),
    ("why", "no answer here yet"),
    ("stop", "nothing to stop here"),
    ("new", NOBODY_SAID),
    ("export", NOBODY_SAID),
    ("export me", NOBODY_SAID + "|All that is stored of you"),
    ("forget", NOBODY_SAID),
    ("forget sure", NOBODY_SAID),
    ("forget me", NOBODY_SAID + "|This removes"),
]
"""What anybody may say, and how the answer reads where nothing has been asked yet."""

FOR_ADMINS = [
    ("tools disable forecast", tools.ADMINS_ONLY, "forecast is off for the whole"),
    ("tools enable forecast", tools.ADMINS_ONLY, "forecast is on for the whole"),
    ("tools approve tide on asker channel", tools.ADMINS_ONLY, "tide needs the approval of who asked for this channel"),
    ("assistant create sage", assistants.ADMINS_ONLY, "sage is there"),
    ("assistant use sage channel", assistants.ADMINS_ONLY, "sage answers in this channel"),
    ("assistant set instructions Be kind, and brief.", assistants.ADMINS_ONLY, "sage is changed"),
    ("assistant delete sage", assistants.ADMINS_ONLY, "sage is deleted"),
    ("budget set person day 100 tokens", budget.ADMINS_ONLY, "100 tokens"),
    ("budget set person day off", budget.ADMINS_ONLY, "no daily budget|off|no longer"),
    ("usage all day", usage.ADMINS_ONLY, "."),
    ("audit 2", audit.ADMINS_ONLY, "budget set"),
]
"""What admins say, what others are told to it, and what admins."""


@everywhere
async def test_anybody_may_say_what_changes_nothing_for_others(chat: Stage) -> None:  # noqa: F811
    async with chat.parley():
        for line, expected in FOR_ALL:
            for told in [await chat.commands(line, who="Bob"), await chat.commands(line)]:
                assert re.search(expected, told), (line, told)


@everywhere
async def test_an_admin_changes_what_admins_change(chat: Stage) -> None:  # noqa: F811
    async with chat.parley():
        for line, _, expected in FOR_ADMINS:
            told = await chat.commands(line)
            assert re.search(expected, told), (line, told)


@where("people")
async def test_nobody_else_does_and_each_attempt_is_on_record(chat: Stage) -> None:  # noqa: F811
    async with chat.parley():
        for line, refusal, _ in FOR_ADMINS:
            assert await chat.commands(line, who="Bob") == refusal, line
        record = (await chat.commands("audit 50")).splitlines()
        assert len([line for line in record if "REFUSED" in line and "Bob" in line]) == len(FOR_ADMINS)
        assert "sage" not in await chat.commands("assistant list")
        assert "off" not in await chat.commands("tools list")
