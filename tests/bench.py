"""An engine on a real database with a scripted model, tools of the test's own and a clock moved by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bot.assistants.asking import Asking, Question
from bot.assistants.engine import Engine
from bot.assistants.events import Event, TextAppended
from bot.assistants.lifecycle import new_run
from bot.assistants.types import Asks, Author, Message, Run, ToolCall, new_id
from bot.models.port import FunctionTool
from bot.store import assistants, runs, threads
from bot.store.database import Database
from bot.store.journal import StoreJournal
from bot.store.schema import threads as threads_table
from tests.files import ready
from tests.hand_clock import HandClock
from tests.scripted_model import ScriptedModel

ALICE = Author("U1", "Alice")
ToolFunction = Callable[[dict[str, Any]], Awaitable[str]]


@dataclass(slots=True)
class Tools:
    """Parley's own tools, as the test defines them. `calls` lists what was run."""

    functions: dict[str, ToolFunction] = field(default_factory=dict)
    calls: list[ToolCall] = field(default_factory=list)
    asking_for: dict[str, Asks] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)

    def asks(self, run: Run, call: ToolCall) -> Asks | None:
        return self.asking_for.get(call.name)

    def asking(self, call: ToolCall) -> Asking:
        return Asking(call, "Quiz", self.questions if call.asks == "answers" else ())

    def answered(self, call: ToolCall) -> str:
        return json.dumps(list(call.answers))

    def own(self, run: Run) -> Collection[str]:
        return self.functions.keys()

    def definition(self, name: str) -> FunctionTool:
        return FunctionTool(name, f"Does {name}.", {"type": "object", "properties": {}})

    async def run(self, run: Run, call: ToolCall) -> ToolCall:
        self.calls.append(call)
        if call.name not in self.functions:
            return replace(call, output='{"error": "no such tool"}', failed=True)
        return replace(call, output=await self.functions[call.name](json.loads(call.arguments)))


def answering(output: str) -> ToolFunction:
    async def function(arguments: dict[str, Any]) -> str:
        return output

    return function


def waiting(gate: asyncio.Event, output: str) -> ToolFunction:
    async def function(arguments: dict[str, Any]) -> str:
        await gate.wait()
        return output

    return function


def function_tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


@dataclass(slots=True)
class Bench:
    database: Database
    journal: StoreJournal
    model: ScriptedModel
    tools: Tools
    clock: HandClock
    engine: Engine
    assistant_id: str
    thread_id: str
    events: list[Event] = field(default_factory=list)

    async def ask(self, text: str, *, tools: Collection[str] = (), **overrides: Any) -> Run:
        """A message in the thread and a queued run for it; `tools` are offered beside our own."""
        now = self.clock.now()
        message = Message(new_id("msg"), self.thread_id, now, "user", text, author=ALICE)
        fields: dict[str, Any] = {
            "id": new_id("run"),
            "thread_id": self.thread_id,
            "assistant_id": self.assistant_id,
            "model": "gpt-test",
            "tools": [function_tool(name) for name in (*self.tools.functions, *tools)],
        }
        run = new_run(now, **(fields | overrides))

        async def operation(tx: Any) -> None:
            await threads.add_message(tx, message)
            assert await runs.add(tx, run, owner="bench", lease_until=now + 30)

        await self.database.write(operation)
        return run

    async def advance(self, run: Run) -> Run:
        return await self.engine.advance(run, self.events.append)

    async def stored(self, run: Run) -> Run:
        return await self.journal.run(run.id)

    @property
    def told(self) -> str:
        """The text that was streamed."""
        return "".join(event.text for event in self.events if isinstance(event, TextAppended))

    async def last(self) -> Message:
        """The newest message of the thread."""
        return (await self.messages())[-1]

    async def messages(self) -> list[Message]:
        run = Run("", self.thread_id, "", "queued", 0, None, "")
        return list((await self.journal.past(run, fresh=True)).messages)


@asynccontextmanager
async def bench_at(path: Path) -> AsyncIterator[Bench]:
    database = await Database.open(ready(path))
    model, tools, clock = ScriptedModel(), Tools(), HandClock()
    journal = StoreJournal(database, "bench")
    thread_id = new_id("thread")
    try:
        assistant = await database.write(
            lambda tx: assistants.keep_default(tx, model="gpt-test", instructions="Be brief.", now=clock.now())
        )
        await database.write(
            lambda tx: tx.execute(insert(threads_table).values(id=thread_id, created_at=clock.now(), metadata={}))
        )
        engine = Engine(journal, model, tools, clock)
        yield Bench(database, journal, model, tools, clock, engine, assistant.id, thread_id)
        model.assert_done()
    finally:
        await database.close()
