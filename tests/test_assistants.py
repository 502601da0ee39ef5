"""A workspace's own assistants: who may make and change them, where they answer, and from when on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.assistants.types import Author
from bot.commands.assistants import ADMINS_ONLY, BAD_NAME, MOST, OPERATORS
from bot.commands.fields import LONGEST_INSTRUCTIONS
from bot.models.port import Call, Turn
from bot.ports import CommandRequest, Conversation, InboundMessage
from bot.store import policies
from bot.store.schema import audit, runs
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import TOKENS, Gate, ScriptedModel

ELSEWHERE = [Conversation("room", "T2", "C1", "1"), Conversation("slack", "T1", "C1", "1")]


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model, instructions="Be kind.") as made:
        yield made
        model.assert_done()


async def say(parley: Parley, *commands: str, **fields: Any) -> str:
    """Give commands as an admin; what the last one is answered with."""
    answers = [await parley.alice.command(command, admin=True, **fields) for command in commands]
    return answers[-1]


async def elsewhere(parley: Parley, text: str, where: Conversation) -> str:
    """Give a command as an admin of another workspace."""
    return (await parley.core.command(CommandRequest(where, BOB, text, platform_admin=True))).text


async def asked(parley: Parley, model: ScriptedModel, **fields: Any) -> tuple[Any, ...]:
    """Ask something; what the model was asked with."""
    model.say("Well.")
    await parley.alice.say("How is Oslo?", **fields)
    await parley.quiet()
    return made_with(model)


def made_with(model: ScriptedModel, number: int = -1) -> tuple[Any, ...]:
    request = model.requests[number]
    return request.model, request.instructions, request.temperature, [tool.name for tool in request.tools]


async def record(parley: Parley) -> list[tuple[Any, ...]]:
    kept = (audit.c.actor_id, audit.c.action, audit.c.target, audit.c.before, audit.c.after, audit.c.allowed)
    found = await parley.core.database.read(lambda c: c.execute(select(*kept).order_by(audit.c.seq)))
    return [tuple(row) for row in found]


# -- from when on --------------------------------------------------------------------------------------------------


async def test_what_is_set_during_a_run_changes_nothing_in_it_and_everything_in_the_next(
    parley: Parley, model: ScriptedModel
) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant set temperature 0.5")
    gate = Gate()
    model.act(gate, Turn("", calls=[Call("call_1", "forecast", json.dumps({"place": "Oslo"}))], usage=TOKENS))
    model.say("Snow.")
    await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    await say(
        parley,
        "assistant set model gpt-large",
        "assistant set instructions Be brief.\nBe blunt.",
        "assistant set temperature 1.5",
        "assistant set tools tide",
    )
    gate.open()
    await parley.quiet()
    assert made_with(model, 0) == made_with(model, 1) == ("gpt-test", "Be kind.", 0.5, ["forecast", "tide"])
    assert model.outputs() == ["Snow in Oslo."]
    assert await asked(parley, model) == ("gpt-large", "Be brief.\nBe blunt.", 1.5, ["tide"])


async def test_another_assistant_or_a_deletion_during_a_run_changes_nothing_in_it(
    parley: Parley, model: ScriptedModel
) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant set model gpt-large")
    gate = Gate()
    model.act(gate, Turn("", calls=[Call("call_1", "tide", json.dumps({"place": "Oslo"}))], usage=TOKENS))
    model.say("High.")
    await parley.alice.say("How is Oslo?")
    await gate.reached.wait()
    await say(parley, "assistant delete helper", "tools disable tide")
    gate.open()
    await parley.quiet()
    assert made_with(model, 1) == ("gpt-large", "Be kind.", None, ["forecast", "tide"])
    assert await asked(parley, model) == ("gpt-test", "Be kind.", None, ["forecast"])


async def test_old_runs_keep_what_they_were_made_with(parley: Parley, model: ScriptedModel) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant set model gpt-large")
    await asked(parley, model)
    await say(parley, "assistant set model gpt-small", "assistant delete helper")
    kept = await parley.core.database.read(lambda c: c.execute(select(runs.c.model, runs.c.instructions)))
    assert [tuple(row) for row in kept] == [("gpt-large", "Be kind.")]


async def test_the_models_own_temperature_and_all_tools_can_be_had_again(parley: Parley, model: ScriptedModel) -> None:
    await say(parley, "assistant create helper", "assistant use helper")
    await say(parley, "assistant set temperature 0", "assistant set tools none")
    assert await asked(parley, model) == ("gpt-test", "Be kind.", 0.0, [])
    off = "not one of the tools of helper, which answers here"
    assert await say(parley, "tools list") == f"forecast: on ({off})\ntide: on ({off})"
    await say(parley, "assistant set temperature default", "assistant set tools all")
    assert await asked(parley, model) == ("gpt-test", "Be kind.", None, ["forecast", "tide"])


async def test_a_switch_that_is_off_stays_off_for_every_assistant(parley: Parley, model: ScriptedModel) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "tools disable tide")
    await say(parley, "assistant set tools forecast, tide")
    assert (await asked(parley, model))[3] == ["forecast"]


# -- where ---------------------------------------------------------------------------------------------------------


async def test_the_nearest_choice_answers_and_a_thread_counts_as_its_channel(
    parley: Parley, model: ScriptedModel
) -> None:
    await say(parley, "assistant create near", "assistant create far", "assistant use far")
    assert await say(parley, "assistant use near here") == "near answers in this channel from the next question on."
    await say(parley, "assistant set model gpt-near")
    await say(parley, "assistant set model gpt-far", channel="C2")
    assert (await asked(parley, model))[0] == "gpt-near"
    assert (await asked(parley, model, thread="2"))[0] == "gpt-near"
    assert (await asked(parley, model, channel="C2"))[0] == "gpt-far"
    assert await say(parley, "assistant list") == (
        "default (the operator's)\nfar\nnear (answers here, chosen for this channel)"
    )
    assert (await say(parley, "assistant list", channel="C2")).splitlines()[1] == (
        "far (answers here, chosen for the whole workspace)"
    )


async def test_the_default_answers_in_a_channel_beneath_another_choice(parley: Parley, model: ScriptedModel) -> None:
    await say(parley, "assistant create far", "assistant use far", "assistant set model gpt-far")
    assert await say(parley, "assistant use default here") == (
        "default answers in this channel from the next question on."
    )
    assert (await asked(parley, model))[0] == "gpt-test"
    assert (await asked(parley, model, channel="C2"))[0] == "gpt-far"
    assert (await say(parley, "assistant list")).splitlines()[0] == (
        "default (the operator's; answers here, chosen for this channel)"
    )


async def test_the_default_takes_a_choice_away(parley: Parley, model: ScriptedModel) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant set model gpt-large")
    await say(parley, "assistant use default")
    assert (await asked(parley, model))[0] == "gpt-test"
    assert await say(parley, "assistant list") == "default (the operator's; answers here)\nhelper"
    assert await say(parley, "assistant use default here") == "default answered in this channel already."


async def test_a_choice_for_the_workspace_tells_of_the_channels_own(parley: Parley) -> None:
    await say(parley, "assistant create near", "assistant create far", "assistant use near here")
    assert await say(parley, "assistant use far") == (
        "far answers in the whole workspace from the next question on. "
        "In this channel near was chosen, and still answers."
    )


async def test_here_needs_a_channel(parley: Parley) -> None:
    assert await say(parley, "assistant use default here", channel="", thread="") == (
        "There is no channel here. Say “workspace”."
    )


# -- who may -------------------------------------------------------------------------------------------------------

CHANGES = [
    ("assistant create other", "assistant create", "other"),
    ("assistant use helper here", "assistant use", "helper"),
    ("assistant set model gpt-large", "assistant set", "model"),
    ("assistant delete helper", "assistant delete", "helper"),
]


@pytest.mark.parametrize(("text", "action", "target"), CHANGES)
async def test_a_change_by_others_is_refused_and_recorded_and_one_by_admins_is_not(
    parley: Parley, text: str, action: str, target: str
) -> None:
    await say(parley, "assistant create helper", "assistant use helper")
    before, recorded = await say(parley, "assistant list"), await record(parley)
    assert await parley.alice.command(text, by=BOB) == ADMINS_ONLY
    assert await say(parley, "assistant list") == before
    assert (await say(parley, "assistant show")).splitlines()[1] == "model: gpt-test"
    assert (await record(parley))[len(recorded) :] == [("U2", action, target, None, None, False)]
    assert await parley.alice.command(text, by=BOB, admin=True) != ADMINS_ONLY
    assert (await record(parley))[-1][-1] is True


async def test_everybody_sees_the_assistants_and_what_they_are(parley: Parley) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant set tools tide")
    await say(parley, "assistant set instructions Be brief.\n\nBe blunt.", "assistant set temperature 0.25")
    shown = await parley.alice.command("assistant show", by=BOB)
    facts = "assistant: helper\nmodel: gpt-test\ntemperature: 0.25\ntools: tide\ninstructions:"
    assert shown == f"{facts} for admins to read"
    assert await say(parley, "assistant show") == f"{facts}\nBe brief.\n\nBe blunt."
    assert await parley.alice.command("assistant show HELPER", by=BOB) == shown
    assert (await parley.alice.command("assistant show default", by=BOB)).startswith("assistant: default\n")
    assert await parley.alice.command("assistant", by=BOB) == await say(parley, "assistant list")


async def test_the_operators_assistant_is_not_changed_by_anybody(parley: Parley, model: ScriptedModel) -> None:
    assert await say(parley, "assistant set model gpt-large") == OPERATORS
    assert await say(parley, "assistant delete default") == "The operator's own assistant cannot be deleted."
    assert await say(parley, "assistant create default") == "There is an assistant default already. Take another name."
    assert (await asked(parley, model))[0] == "gpt-test"
    assert await record(parley) == []


# -- other workspaces ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ELSEWHERE)
async def test_an_assistant_of_another_workspace_is_like_one_that_does_not_exist(
    parley: Parley, where: Conversation
) -> None:
    await say(parley, "assistant create helper", "assistant use helper")
    for verb in ("show", "use", "delete"):
        assert await elsewhere(parley, f"assistant {verb} helper", where) == (
            "There is no assistant “helper” here. There are: default."
        )
        assert await elsewhere(parley, f"assistant {verb} nobody", where) == (
            "There is no assistant “nobody” here. There are: default."
        )
    assert await elsewhere(parley, "assistant list", where) == "default (the operator's; answers here)"
    assert await parley.core.names(where, "assistant") == ["default"]
    assert (await elsewhere(parley, "assistant create helper", where)).startswith("helper is there")
    assert (await say(parley, "assistant list")).splitlines()[1].startswith("helper (answers here")


@pytest.mark.parametrize("gone", [False, True])
async def test_no_policy_can_bring_in_an_assistant_that_is_gone_or_another_workspaces(
    parley: Parley, model: ScriptedModel, gone: bool
) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant set model gpt-large")
    held = await parley.core.database.read(lambda c: policies.holding(c, parley.alice.where()))
    if gone:
        await say(parley, "assistant delete helper")
    there = parley.alice.where() if gone else Conversation("room", "T2", "C1", "1")
    value = held["assistant"].value
    await parley.core.database.write(lambda tx: policies.put(tx, there, "workspace", "assistant", value))
    model.say("Well.")
    await parley.core.accept(InboundMessage(there, ALICE, "How is Oslo?", "key-x"))
    await parley.quiet()
    assert made_with(model)[0] == "gpt-test"


async def test_a_deleted_name_is_free_again_and_its_choices_are_gone_everywhere_here(
    parley: Parley, model: ScriptedModel
) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant use helper here")
    await elsewhere(parley, "assistant create helper", ELSEWHERE[0])
    await elsewhere(parley, "assistant use helper", ELSEWHERE[0])
    assert await say(parley, "assistant delete helper") == (
        "helper is deleted. Where it answered, another one does from the next question on."
    )
    assert (await record(parley))[-1] == (
        ("U1", "assistant delete", "helper", "chosen for C1, all channels", "deleted", True)
    )
    assert await say(parley, "assistant list") == "default (the operator's; answers here)"
    await say(parley, "assistant create helper")
    assert await say(parley, "assistant list") == "default (the operator's; answers here)\nhelper"
    assert "answers here, chosen" in await elsewhere(parley, "assistant list", ELSEWHERE[0])
    assert (await asked(parley, model))[0] == "gpt-test"


# -- the record ----------------------------------------------------------------------------------------------------


async def test_the_record_tells_from_what_to_what(parley: Parley) -> None:
    await say(parley, "assistant create helper", "assistant use helper", "assistant use helper here")
    await say(parley, "assistant set temperature 0.5", "assistant set tools tide")
    await say(parley, f"assistant set instructions {'x' * 300}", "assistant use default here")
    assert [row[1:5] for row in await record(parley)] == [
        ("assistant create", "helper", "not there", "a copy of default"),
        ("assistant use", "helper (workspace)", "not set", "helper"),
        ("assistant use", "helper (channel)", "not set", "helper"),
        ("assistant set", "helper temperature", "default", "0.5"),
        ("assistant set", "helper tools", "all", "tide"),
        ("assistant set", "helper instructions", "Be kind.", "x" * 200),
        ("assistant use", "default (channel)", "helper", "default"),
    ]


async def test_of_twenty_changes_at_once_none_is_lost(parley: Parley) -> None:
    await say(parley, "assistant create helper", "assistant use helper")
    told = await asyncio.gather(*(say(parley, f"assistant set model gpt-{number}") for number in range(20)))
    chain = [row[3:5] for row in await record(parley) if row[1] == "assistant set"]
    assert sorted(after for _, after in chain) == sorted(f"gpt-{number}" for number in range(20))
    assert [before for before, _ in chain] == ["gpt-test", *(after for _, after in chain[:-1])]
    assert len(set(told)) == 20
    assert (await say(parley, "assistant show")).splitlines()[1] == f"model: {chain[-1][1]}"


async def test_different_fields_set_at_once_are_all_kept(parley: Parley, model: ScriptedModel) -> None:
    await say(parley, "assistant create helper", "assistant use helper")
    fields = ("model gpt-large", "temperature 1", "tools tide", "instructions Be brief.")
    await asyncio.gather(*(say(parley, f"assistant set {field}") for field in fields))
    assert await asked(parley, model) == ("gpt-large", "Be brief.", 1.0, ["tide"])


async def test_of_one_name_made_by_many_at_once_there_is_one_assistant(parley: Parley) -> None:
    told = await asyncio.gather(*(say(parley, "assistant create helper") for _ in range(10)))
    assert sum(one.startswith("helper is there") for one in told) == 1
    assert len((await say(parley, "assistant list")).splitlines()) == 2


# -- wrong words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 33, "two.words", "naïve", "<@U1>", "a/b", "assistant:1"])
async def test_a_name_that_is_none_is_refused(parley: Parley, name: str) -> None:
    assert await say(parley, f"assistant create {name}") == BAD_NAME


async def test_a_name_is_kept_in_small_letters(parley: Parley) -> None:
    assert (await say(parley, "assistant create Team-Helper_2")).startswith("team-helper_2 is there")
    assert await say(parley, "assistant use TEAM-helper_2") == (
        "team-helper_2 answers in the whole workspace from the next question on."
    )


async def test_a_workspace_has_so_many_assistants_and_no_more(parley: Parley) -> None:
    for number in range(MOST):
        await say(parley, f"assistant create a{number}")
    assert await say(parley, "assistant create more") == (
        "There are 50 assistants already. Delete one that is not used any more."
    )
    assert (await elsewhere(parley, "assistant create more", ELSEWHERE[0])).startswith("more is there")
    await say(parley, "assistant delete a0")
    assert (await say(parley, "assistant create more")).startswith("more is there")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("temperature 2.1", "A temperature is a number from 0 to 2, or “default” for the model's own."),
        ("temperature nan", "A temperature is a number from 0 to 2, or “default” for the model's own."),
        ("temperature -1", "A temperature is a number from 0 to 2, or “default” for the model's own."),
        ("model two words", "A model is named by one word without blanks, as the model's provider names it."),
        ("tools tides", "There is no tool “tides”. Say “all”, “none” or some of: forecast, tide."),
        ("tools , ,", "Say “all”, “none” or some of: forecast, tide."),
        ("top_p 1", "“top_p” cannot be set. There are: instructions, model, temperature, tools."),
        (f"instructions {'x' * (LONGEST_INSTRUCTIONS + 1)}", "Instructions may have 20,000 characters."),
    ],
)
async def test_a_value_that_cannot_be_is_refused_and_changes_nothing(parley: Parley, text: str, told: str) -> None:
    await say(parley, "assistant create helper", "assistant use helper")
    before, recorded = await say(parley, "assistant show"), await record(parley)
    assert (await say(parley, f"assistant set {text}")).startswith(told)
    assert await say(parley, "assistant show") == before
    assert await record(parley) == recorded


async def test_the_longest_instructions_arrive_whole(parley: Parley, model: ScriptedModel) -> None:
    text = "\n".join(["Be brief."] * 2_000)[:LONGEST_INSTRUCTIONS]
    await say(parley, "assistant create helper", "assistant use helper", f"assistant set instructions {text}")
    assert (await asked(parley, model))[1] == text


@pytest.mark.parametrize("text", ["dance", "create", "use", "set model", "delete", "list all", "use a b c"])
async def test_an_assistant_command_that_makes_no_sense_is_answered_with_its_forms(parley: Parley, text: str) -> None:
    assert (await parley.alice.command(f"assistant {text}", by=Author("U9", "Zoe"))).startswith("Say “assistant list”")
