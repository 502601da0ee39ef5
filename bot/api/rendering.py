"""Messages and run steps as objects, with what has to be looked up for them: sources, and files that tools made."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import objects
from bot.assistants.types import Message, RunStep, ToolCall
from bot.store import programs
from bot.store.database import Database
from bot.tenants import Tenant

JSON = dict[str, Any]
MARK = re.compile(r"【(\d{1,12})】")
CODE, SEARCH = "code_interpreter", "file_search"


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up: the file of a passage by its number, and the files that a call of a run made."""

    files: Mapping[int, str] = field(default_factory=dict)
    made: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    last: Mapping[str, str] = field(default_factory=dict)

    def message(self, one: Message) -> JSON:
        images: list[str] = []
        if one.run_id is not None and self.last.get(one.run_id) == one.id:
            images = [id_ for (run_id, _), ids in self.made.items() if run_id == one.run_id for id_ in ids]
        return objects.message(one, self.annotations(one.text), images)

    def annotations(self, text: str) -> list[JSON]:
        return [
            {
                "type": "file_citation",
                "text": mark[0],
                "start_index": mark.start(),
                "end_index": mark.end(),
                "file_citation": {"file_id": self.files[int(mark[1])]},
            }
            for mark in MARK.finditer(text)
            if int(mark[1]) in self.files
        ]

    def step(self, one: RunStep, builtin: Collection[str], include: Collection[str] = ()) -> JSON:
        """`builtin`: the built-in tools that its run was given as such."""
        return objects.step(one, [self.call(one.run_id, call, builtin, include) for call in one.calls])

    def call(self, run_id: str, call: ToolCall, builtin: Collection[str], include: Collection[str] = ()) -> JSON:
        if call.name == CODE and CODE in builtin:
            images = [*self.made.get((run_id, call.id), ()), *(file.id for file in call.shown)]
            return objects.code_call(call, code(call), list(dict.fromkeys(images)))
        if call.name == SEARCH and SEARCH in builtin:
            found = [{**one, "file_id": self.files.get(one["number"], "")} for one in passages(call)]
            return objects.search_call(call, [one for one in found if one["file_id"]], include)
        return objects.function_call(call)


async def of_messages(connection: AsyncConnection, tenant: Tenant, some: Sequence[Message]) -> Found:
    numbers = [int(mark) for one in some if one.role == "assistant" for mark in MARK.findall(one.text)]
    files = await programs.sources(connection, tenant, numbers) if numbers else {}
    run_ids = [one.run_id for one in some if one.run_id is not None]
    made = await programs.made(connection, run_ids) if run_ids else {}
    return Found(files, made, await programs.last_messages(connection, run_ids) if made else {})


async def of_steps(connection: AsyncConnection, tenant: Tenant, some: Sequence[RunStep]) -> Found:
    numbers = [one["number"] for step in some for call in step.calls if call.name == SEARCH for one in passages(call)]
    files = await programs.sources(connection, tenant, numbers) if numbers else {}
    coded = [step.run_id for step in some if any(call.name == CODE for call in step.calls)]
    return Found(files, await programs.made(connection, coded) if coded else {})


async def message(database: Database, tenant: Tenant, one: Message) -> JSON:
    return (await database.read(lambda c: of_messages(c, tenant, [one]))).message(one)


def code(call: ToolCall) -> str:
    """The code of a call of the interpreter; all of its arguments where these are not as they should be."""
    try:
        return str(json.loads(call.arguments)["code"])
    except (ValueError, LookupError, TypeError):
        return call.arguments


def passages(call: ToolCall) -> list[JSON]:
    """What a search has found: the number, the file's name and the text of each passage."""
    try:
        found = json.loads(call.output or "")["passages"]
        return [
            {"number": int(MARK.fullmatch(one["mark"])[1]), "file_name": str(one["file"]), "text": str(one["text"])}  # type: ignore[index]
            for one in found
        ]
    except (ValueError, LookupError, TypeError):
        return []
