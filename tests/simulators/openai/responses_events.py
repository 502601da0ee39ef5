"""A scripted turn as the events of a Responses stream, in the official order.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.simulators.openai.requests import JSON, Request
from tests.simulators.openai.rules import Sealed, reasons
from tests.simulators.openai.script import Turn, arguments, halves, pieces


class ResponsesStream:
    def __init__(
        self, request: Request, turn: Turn, usage: JSON, next_id: Callable[[str], str], sealed: Sealed
    ) -> None:
        self._request, self._turn, self._usage, self._next_id, self._sealed = request, turn, usage, next_id, sealed
        self._id, self._created = next_id("resp"), time.time() // 1
        self._number, self._deltas = 0, 0
        self._output: list[JSON] = []

    async def events(self) -> AsyncIterator[JSON]:
        yield self._event("response.created", response=self._response("in_progress"))
        yield self._event("response.in_progress", response=self._response("in_progress"))
        await self._turn.passed(0)
        for part in (self._reasoning, self._message, self._calls):
            async for event in part():
                yield event
        yield self._end()

    def _end(self) -> JSON:
        if self._turn.error:
            code, message = self._turn.error
            return self._event(
                "response.failed", response=self._response("failed", error={"code": code, "message": message})
            )
        if self._turn.finish == "stop":
            return self._event("response.completed", response=self._response("completed", usage=self._usage))
        reason = "content_filter" if self._turn.finish == "content_filter" else "max_output_tokens"
        response = self._response("incomplete", usage=self._usage, incomplete_details={"reason": reason})
        return self._event("response.incomplete", response=response)

    async def _reasoning(self) -> AsyncIterator[JSON]:
        if not self._turn.reasoning:
            return
        item: dict[str, Any] = {"id": self._next_id("rs"), "type": "reasoning", "summary": []}
        yield self._item_event("added", item)
        if "reasoning.encrypted_content" in self._request.body.get("include", ()):
            self._sealed.content[item["id"]] = item["encrypted_content"] = f"gAAAA-{item['id']}"
        yield self._done(item)

    async def _message(self) -> AsyncIterator[JSON]:
        turn = self._turn
        if turn.calls and not turn.said:
            return
        kind, field = ("refusal", "refusal") if turn.refusal else ("output_text", "text")
        item = {
            "id": self._next_id("msg"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        if reasons(self._request.model):
            item["phase"] = "commentary" if turn.calls else "final_answer"
        yield self._item_event("added", item)
        place = {"item_id": item["id"], "output_index": len(self._output), "content_index": 0}
        logprobs: dict[str, Any] = {} if turn.refusal else {"logprobs": []}
        yield self._event("response.content_part.added", **place, part=self._part(kind, field, ""))
        async for event in self._pieces(f"response.{kind}.delta", pieces(turn.said), **place, **logprobs):
            yield event
        yield self._event(f"response.{kind}.done", **place, **logprobs, **{field: turn.said})
        part = self._part(kind, field, turn.said)
        yield self._event("response.content_part.done", **place, part=part)
        yield self._done({**item, "status": self._item_status, "content": [part]})

    async def _calls(self) -> AsyncIterator[JSON]:
        for name, given in self._turn.calls:
            text = arguments(given)
            item = {
                "id": self._next_id("fc"),
                "type": "function_call",
                "status": "in_progress",
                "arguments": "",
                "call_id": self._next_id("call"),
                "name": name,
            }
            yield self._item_event("added", item)
            place = {"item_id": item["id"], "output_index": len(self._output)}
            async for event in self._pieces("response.function_call_arguments.delta", halves(text), **place):
                yield event
            yield self._event("response.function_call_arguments.done", **place, name=name, arguments=text)
            yield self._done({**item, "status": self._item_status, "arguments": text})

    async def _pieces(self, type_: str, deltas: list[str], **place: Any) -> AsyncIterator[JSON]:
        for delta in deltas:
            yield self._event(type_, **place, delta=delta)
            self._deltas += 1
            await self._turn.passed(self._deltas)

    @property
    def _item_status(self) -> str:
        return "completed" if self._turn.finish == "stop" else "incomplete"

    def _part(self, kind: str, field: str, text: str) -> JSON:
        part = {"type": kind, field: text}
        return part if kind == "refusal" else {**part, "annotations": [], "logprobs": []}

    def _done(self, item: JSON) -> JSON:
        for before in self._output:
            if before["type"] == "reasoning":
                self._sealed.needed_by[item["id"]] = before["id"]
        event = self._item_event("done", item)
        self._output.append(item)
        return event

    def _item_event(self, happened: str, item: JSON) -> JSON:
        return self._event(f"response.output_item.{happened}", output_index=len(self._output), item=dict(item))

    def _event(self, type_: str, **fields: Any) -> JSON:
        event = {"type": type_, "sequence_number": self._number, **fields}
        self._number += 1
        return event

    def _response(self, status: str, **fields: Any) -> JSON:
        asked = self._request.body
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.get("instructions"),
            "metadata": {},
            "model": asked["model"],
            "output": list(self._output),
            "parallel_tool_calls": asked.get("parallel_tool_calls", True),
            "store": asked.get("store", True),
            "temperature": asked.get("temperature", 1.0),
            "text": asked.get("text", {"format": {"type": "text"}}),
            "tool_choice": asked.get("tool_choice", "auto"),
            "tools": asked.get("tools", []),
            "top_p": asked.get("top_p", 1.0),
            "usage": None,
            **fields,
        }
