"""`/assistants`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api import objects, pages, resources
from bot.api.call import JSON, Call, Endpoint
from bot.api.errors import ApiError
from bot.api.forms import ChangedAssistant, NewAssistant
from bot.assistants.types import Assistant, new_id
from bot.ports import Conversation
from bot.store import assistants as stored
from bot.store import programs

KEPT = ("description", "instructions", "temperature", "top_p")
"""Fields that are kept as they come."""


async def create(call: Call) -> JSON:
    form = await call.body(NewAssistant)
    id_ = new_id("asst")
    given = await _fields(call, form.given())
    made = replace(Assistant(id_, call.desk.clock.now(), form.model, name=id_), **given)
    await call.desk.database.write(lambda tx: programs.add_assistant(tx, call.tenant, made))
    return objects.assistant(made)


async def retrieve(call: Call) -> JSON:
    id_ = call.id("assistant_id")
    return objects.assistant(await call.desk.database.read(lambda c: programs.assistant(c, call.tenant, id_)))


async def update(call: Call) -> JSON:
    form, id_ = await call.body(ChangedAssistant), call.id("assistant_id")
    given = form.given()
    if "model" in given and form.model is None:
        raise ApiError("Invalid type for 'model': expected a string, but got null instead.", param="model")
    found = await call.desk.database.read(lambda c: programs.assistant(c, call.tenant, id_, own=True))
    if "name" in given and not stored.of_program(found):
        raise ApiError("This assistant is named in chat: its name can be changed there only.", param="name")
    fields = await _fields(call, given)

    async def operation(tx: AsyncConnection) -> Assistant:
        changed = replace(await programs.assistant(tx, call.tenant, id_, own=True), **fields)
        await stored.change(tx, changed)
        return changed

    return objects.assistant(await call.desk.database.write(operation))


async def delete(call: Call) -> JSON:
    id_ = call.id("assistant_id")

    async def operation(tx: AsyncConnection) -> None:
        found = await programs.assistant(tx, call.tenant, id_, own=True)
        await stored.remove(tx, Conversation(call.tenant.platform, call.tenant.workspace, "", ""), found)

    await call.desk.database.write(operation)
    return objects.deleted(id_, "assistant")


async def listing(call: Call) -> JSON:
    page = call.page()
    found, more = await call.desk.database.read(lambda c: programs.list_assistants(c, call.tenant, page))
    return pages.listed([objects.assistant(one) for one in found], more)


async def _fields(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sets, as the fields of an `Assistant`."""
    fields = {name: given[name] for name in KEPT if name in given}
    if "name" in given:
        fields["title"] = given["name"]
    if given.get("model") is not None:
        fields["model"] = given["model"]
    if "tools" in given:
        fields["tools"] = [written(tool) for tool in given["tools"] or ()]
    if "metadata" in given:
        fields["metadata"] = given["metadata"] or {}
    if "response_format" in given:
        fields["response_format"] = response_format(given["response_format"])
    if "tool_resources" in given:
        fields["tool_resources"] = await resources.kept(call, given["tool_resources"])
    return fields


def written(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as it is kept: without what is not set in it."""
    if tool["type"] == "function":
        return {"type": "function", "function": {k: v for k, v in tool["function"].items() if v is not None}}
    return {name: value for name, value in tool.items() if value is not None}


def response_format(given: str | Mapping[str, Any] | None) -> str | dict[str, Any] | None:
    if given is None or isinstance(given, str):
        return None
    schema = given.get("json_schema")
    if schema is None:
        return {"type": given["type"]}
    named = {("schema" if name == "schema_" else name): value for name, value in schema.items()}
    return {"type": given["type"], "json_schema": {name: value for name, value in named.items() if value is not None}}


ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/assistants": {"GET": listing, "POST": create},
    "/assistants/{assistant_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
}
