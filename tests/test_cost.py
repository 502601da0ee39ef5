"""What a turn costs the store: transactions and statements, counted at the driver."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.assistants.types import new_id
from bot.store.schema import messages, metadata
from tests.counted import Cost, counted
from tests.parley import Parley, parley_at
from tests.scripted_model import ScriptedModel
from tests.test_preparing import DOT
from tools.registry import Registry, tool

TRANSACTIONS, STATEMENTS = 6, 15


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def parley(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Parley]:
    async with parley_at(tmp_path / "parley.db", model) as made:
        yield made


async def turn(parley: Parley, model: ScriptedModel, *tools: str, **message: Any) -> Cost:
    if tools:
        model.call(*[(tool, {"place": "Oslo"}) for tool in tools])
    model.say("Cold.")
    with counted(parley.core.database) as cost:
        await parley.alice.say("How is Oslo?", **message)
        await parley.quiet()
    return cost


async def lengthen(parley: Parley, thread_id: str, count: int) -> None:
    """Put older messages before what is in the thread."""

    async def operation(tx: AsyncConnection) -> None:
        await tx.execute(text(f"UPDATE messages SET position = position + {count}"))
        rows = [
            {
                "id": new_id("msg"), "thread_id": thread_id, "position": number, "created_at": 0.0, "role": "user",
                "text": f"Older {number}", "status": "completed", "attachments": [], "metadata": {}, "waiting": False,
                "author_id": "U1", "author_name": "Alice",
            }
            for number in range(1, count + 1)
        ]  # fmt: skip
        await tx.execute(insert(messages), rows)

    await parley.core.database.write(operation)


@pytest.mark.parametrize("tools", [["forecast"], ["forecast", "tide"]])
async def test_a_turn_with_one_tool_round_stays_within_the_budget(
    parley: Parley, model: ScriptedModel, tools: list[str]
) -> None:
    for cost in (await turn(parley, model, *tools), await turn(parley, model, *tools)):
        assert cost.transactions <= TRANSACTIONS
        assert len(cost.statements) <= STATEMENTS, "\n".join(cost.statements)


async def test_two_calls_that_end_apart_are_within_the_budget_too(tmp_path: Path, model: ScriptedModel) -> None:
    first_recorded = asyncio.Event()

    @tool
    async def quick(place: str) -> str:
        """Ends at once."""
        return "Snow."

    @tool
    async def slow(place: str) -> str:
        """Ends when the other's output is on record."""
        await first_recorded.wait()
        return "High."

    def executed(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("UPDATE tool_calls"):
            first_recorded.set()

    async with parley_at(tmp_path / "p.db", model, registry=Registry([quick, slow])) as parley:
        event.listen(parley.core.database.writer_engine.sync_engine, "after_cursor_execute", executed)
        for _ in range(2):
            first_recorded.clear()
            cost = await turn(parley, model, "quick", "slow")
            assert (cost.transactions, len(cost.statements)) == (TRANSACTIONS, STATEMENTS)


async def test_what_a_raw_message_and_a_file_add_to_a_turn(parley: Parley, model: ScriptedModel) -> None:
    parley.room.files = {"notes.txt": b"Buy milk."}
    await turn(parley, model)
    costs = [
        await turn(parley, model, **message)
        for message in ({}, {"raw": True}, {"raw": True, "files": ["notes.txt"]}, {})
    ]
    plain, *others = [(cost.transactions, len(cost.statements)) for cost in costs]
    more = [(transactions - plain[0], statements - plain[1]) for transactions, statements in others]
    assert more == [(1, 2), (2, 7), (0, 1)]


async def test_what_a_turn_with_a_tool_round_costs_where_the_platform_brings_it_raw(
    parley: Parley, model: ScriptedModel
) -> None:
    parley.room.files = {"notes.txt": b"Buy milk.", "dot.png": DOT}
    await turn(parley, model)
    messages: list[dict[str, Any]] = [{}, {"follow_up": True}, {"files": ["notes.txt"]}, {"files": ["dot.png"]}]
    costs = [await turn(parley, model, "forecast", raw=True, **message) for message in messages]
    assert [(cost.transactions, len(cost.statements)) for cost in costs] == [(6, 16), (6, 17), (7, 21), (6, 19)]


async def test_a_turn_in_a_long_thread_costs_what_it_costs_in_a_short_one(parley: Parley, model: ScriptedModel) -> None:
    accepted = await parley.alice.say("First.", key="first")
    await parley.quiet()
    await turn(parley, model, "forecast")
    costs = []
    for longer in (10, 9_990):
        await lengthen(parley, accepted.thread_id, longer)
        cost = await turn(parley, model, "forecast")
        costs.append((cost.transactions, len(cost.statements)))
    assert costs[0] == costs[1]


async def test_reading_a_long_thread_touches_only_its_window(parley: Parley, model: ScriptedModel) -> None:
    accepted = await parley.alice.say("First.", key="first")
    await parley.quiet()
    await lengthen(parley, accepted.thread_id, 10_000)
    await turn(parley, model, "forecast")
    assert len(model.requests[-1].items) < 250
    plan = await parley.core.database.read(
        lambda c: c.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM messages WHERE thread_id = 't' AND position IS NOT NULL "
                "ORDER BY position DESC, seq DESC LIMIT 201"
            )
        )
    )
    (step,) = [row[-1] for row in plan]
    assert "USING INDEX ix_messages_thread_id_position_seq" in step
    assert "TEMP B-TREE" not in step


async def test_streaming_costs_no_transaction_a_token(parley: Parley, model: ScriptedModel) -> None:
    model.say(*[f"{number} " for number in range(1000)])
    with counted(parley.core.database) as cost:
        await parley.alice.say("Count.")
        await parley.quiet()
    assert cost.transactions <= TRANSACTIONS - 2


async def test_no_statement_of_a_turn_or_a_sweep_walks_a_whole_table(parley: Parley, model: ScriptedModel) -> None:
    seen: list[tuple[str, Any]] = []

    def executed(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            seen.append((statement, parameters))

    engines = [parley.core.database.writer_engine.sync_engine, parley.core.database.reader_engine.sync_engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", executed)
    await turn(parley, model, "forecast", "tide")
    await parley.core.sweep.once()
    await parley.alice.command("stop")
    for engine in engines:
        event.remove(engine, "before_cursor_execute", executed)
    plans = {}
    with closing(sqlite3.connect(parley.core.database.path)) as connection:
        for statement, parameters in seen:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans[statement] = [row[-1] for row in plan if row[-1] in (f"SCAN {table}" for table in metadata.tables)]
    assert {statement: scans for statement, scans in plans.items() if scans} == {}
    assert len(plans) > 8
