"""What a turn on Discord costs: calls of Discord's REST API, transactions and statements of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.counted import counted
from tests.discord_parley import DiscordParley, Talk, talk_at
from tests.simulators.discord import CALLBACK, CREATE, EDIT, FROM_MESSAGE, ORIGINAL, TYPING
from tests.test_cost import STATEMENTS, TRANSACTIONS


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path / "p.db") as made:
        made.model.call(("forecast", {"place": "Oslo"}))
        made.model.say("Cold.")
        yield made


def routes(talk: Talk, before: int) -> list[str]:
    return [call.route for call in talk.world.calls[before:]]


async def begun(talk: Talk, parley: DiscordParley) -> int:
    """Parley is up and has nothing to do; how many calls that took."""
    await talk.world.until(lambda: talk.world.calls[-1].route.startswith("GET /applications/{application_id}/guilds"))
    await parley.quiet()
    return len(talk.world.calls)


async def test_a_mention_stays_within_what_a_turn_may_cost(talk: Talk) -> None:
    async with talk.parley() as parley:
        before = await begun(talk, parley)
        with counted(parley.core.database) as cost:
            asked = await talk.asks("Oslo?")
            await talk.shows(asked, "Cold.")
            await parley.quiet()
    assert cost.transactions <= TRANSACTIONS
    assert len(cost.statements) <= STATEMENTS
    assert routes(talk, before)[:3] == [FROM_MESSAGE, TYPING, CREATE]
    assert routes(talk, before)[3:] in ([EDIT], [EDIT] * 2, [EDIT] * 3)


async def test_a_command_costs_three_statements_more(talk: Talk) -> None:
    async with talk.parley() as parley:
        before = await begun(talk, parley)
        with counted(parley.core.database) as cost:
            asked = await talk.alice.uses("/ask", talk.general, prompt="Oslo?")
            await talk.world.until(lambda: asked.text == "Cold.")
            await parley.quiet()
    assert cost.transactions <= TRANSACTIONS
    assert len(cost.statements) <= STATEMENTS + 3  # its answer can be replied to; its token is looked up and forgotten
    assert routes(talk, before)[0] == CALLBACK
    assert set(routes(talk, before)[1:]) == {ORIGINAL}
    assert len(routes(talk, before)) <= 4
