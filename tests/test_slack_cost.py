"""What a turn on Slack costs: calls of Slack's Web API, transactions and statements of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.counted import counted
from tests.slack_talk import Talk, talk_at
from tests.test_cost import STATEMENTS, TRANSACTIONS


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with talk_at(tmp_path) as made:
        made.model.say("Hello.")
        await made.asks("hello")
        await made.settled()
        yield made


async def test_a_turn_of_somebody_known_stays_within_what_a_turn_may_cost(talk: Talk) -> None:
    talk.model.call(("forecast", {"place": "Oslo"}))
    talk.model.say("Cold.")
    before = len(talk.workspace.calls)
    with counted(talk.parley.core.database) as cost:
        await talk.asks("Oslo?")
        await talk.settled()
    assert cost.transactions <= TRANSACTIONS
    assert len(cost.statements) <= STATEMENTS
    methods = [call.method for call in talk.workspace.calls[before:]]
    assert methods[:2] == ["agents.sessions.setStatus", "chat.startStream"]
    assert methods[-1] == "chat.stopStream"
    assert methods[2:-1] in ([], ["chat.appendStream"], ["chat.appendStream"] * 2)
