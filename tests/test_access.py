"""Who is let in: `ALLOW` and `DENY`, and where Parley takes part unasked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.access import KEPT_OUT, refusal
from bot.buttons import Button
from bot.errors import Refused
from bot.ports import Conversation, InboundMessage
from bot.store.schema import bindings, messages, threads
from tests.counted import counted
from tests.parley import Parley, parley_at
from tests.room import ALICE, BOB
from tests.scripted_model import ScriptedModel

HERE = Conversation("slack", "T1", "C1", "1.0")
ASKED = InboundMessage(HERE, ALICE, "Rain?", key="1", roles=["R1"])


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.mark.parametrize(
    ("allow", "deny", "let_in"),
    [
        ([], [], True),
        ([], ["slack:U1"], False),
        ([], ["slack:C1"], False),
        ([], ["slack:T1"], False),
        ([], ["slack:U2", "discord:U1"], True),
        (["slack:U1"], [], True),
        (["slack:C1"], [], True),
        (["slack:T1"], [], True),
        (["slack:C2", "slack:U2"], [], False),
        (["discord:C1"], [], False),
        (["slack:U1"], ["slack:C1"], False),
        (["slack:R1"], [], True),
        (["slack:R2"], [], False),
        ([], ["slack:R1"], False),
        ([], ["slack:1.0"], False),
    ],
)
def test_what_is_denied_stays_out_and_what_is_allowed_keeps_the_rest_out(
    allow: Sequence[str], deny: Sequence[str], let_in: bool
) -> None:
    assert refusal(ASKED, allow=allow, deny=deny) == ("" if let_in else KEPT_OUT)


def test_the_operators_own_terminal_is_never_kept_out() -> None:
    terminal = Conversation("console", "local", "console", "main")
    assert refusal(InboundMessage(terminal, ALICE, "Rain?", key="1"), allow=["slack:C1"], deny=["console:U1"]) == ""


async def rows(parley: Parley) -> int:
    counts = [await parley.core.database.read(lambda c, t=table: c.scalar(select(func.count()).select_from(t)))  # type: ignore[misc]
              for table in (messages, threads, bindings)]  # fmt: skip
    return sum(count or 0 for count in counts)


async def test_whoever_is_kept_out_is_told_so_whatever_they_do(tmp_path: Path, model: ScriptedModel) -> None:
    async with parley_at(tmp_path / "p.db", model, deny=["room:U2"]) as parley:
        with pytest.raises(Refused, match=KEPT_OUT):
            await parley.alice.say("Hello", by=BOB)
        for command in ("help", "stop", "tools list"):
            assert await parley.alice.command(command, by=BOB, admin=True) == KEPT_OUT
        assert await parley.alice.press(Button("stop", "run_1"), by=BOB) == KEPT_OUT
        assert await rows(parley) == 0


async def test_a_follow_up_of_someone_kept_out_is_passed_over(tmp_path: Path, model: ScriptedModel) -> None:
    model.say("Hi.")
    async with parley_at(tmp_path / "p.db", model, allow=["room:U1"]) as parley:
        await parley.alice.say("Hello")
        await parley.quiet()
        assert await parley.alice.send("And me?", by=BOB, follow_up=True) is None


async def test_chatter_that_is_not_for_parley_is_not_kept_and_costs_no_transaction(
    tmp_path: Path, model: ScriptedModel
) -> None:
    async with parley_at(tmp_path / "p.db", model) as parley:
        with counted(parley.core.database) as cost:
            assert await parley.alice.send("Lunch?", follow_up=True) is None
        assert (cost.transactions, len(cost.statements)) == (0, 1)
        assert await rows(parley) == 0


async def test_a_follow_up_in_a_thread_of_parleys_is_answered(tmp_path: Path, model: ScriptedModel) -> None:
    model.say("Hi.")
    model.say("Yes.")
    async with parley_at(tmp_path / "p.db", model) as parley:
        first = await parley.alice.say("Hello")
        await parley.quiet()
        second = await parley.alice.say("Really?", by=BOB, follow_up=True)
        await parley.quiet()
        assert (first.thread_id == second.thread_id, parley.room.answers) == (True, ["Hi.", "Yes."])


async def test_people_go_on_where_the_answer_was_placed(tmp_path: Path, model: ScriptedModel) -> None:
    for answer in ("Hi.", "Yes.", "Good."):
        model.say(answer)
    async with parley_at(tmp_path / "p.db", model) as parley:
        parley.alice.goes_on_in = parley.alice.where("new")
        first = await parley.alice.say("Hello", thread="")
        await parley.quiet()
        for place in ("new", ""):
            said = await parley.alice.say(f"In {place}?", thread=place, follow_up=True)
            await parley.quiet()
            assert said.thread_id == first.thread_id
        assert parley.room.answers == ["Hi.", "Yes.", "Good."]


async def test_a_conversation_that_has_a_thread_keeps_it(tmp_path: Path, model: ScriptedModel) -> None:
    for answer in ("Hi.", "Yes.", "Good."):
        model.say(answer)
    async with parley_at(tmp_path / "p.db", model) as parley:
        first = await parley.alice.say("Hello", thread="taken")
        await parley.quiet()
        parley.alice.goes_on_in = parley.alice.where("taken")
        await parley.alice.say("Hello", thread="")
        await parley.quiet()
        said = await parley.alice.say("Still?", thread="taken")
        await parley.quiet()
        assert said.thread_id == first.thread_id
