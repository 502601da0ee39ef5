"""A scripted turn as the chunks of a Chat Completions stream, in the official order.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from tests.simulators.openai.requests import JSON, Request
from tests.simulators.openai.script import Turn, arguments, halves, pieces


class ChatStream:
    def __init__(self, request: Request, turn: Turn, usage: JSON, next_id: Callable[[str], str]) -> None:
        self._request, self._turn, self._usage, self._next_id = request, turn, usage, next_id
        self._id, self._created = next_id("chatcmpl"), int(time.time())
        self._wants_usage = (request.body.get("stream_options") or {}).get("include_usage", False)
        self._deltas = 0

    async def events(self) -> AsyncIterator[JSON | str]:
        if self._request.azure:
            yield self._chunk([], prompt_filter_results=[])
        yield self._delta({"role": "assistant", "content": None if self._turn.calls else "", "refusal": None})
        await self._turn.passed(0)
        async for event in self._content():
            yield event
        if self._turn.error:
            code, message = self._turn.error
            yield {"error": {"message": message, "type": code, "param": None, "code": code}}
            return
        finish = "tool_calls" if self._turn.calls and self._turn.finish == "stop" else self._turn.finish
        yield self._delta({}, finish)
        if self._wants_usage:
            yield self._chunk([], usage=self._usage)
        yield "[DONE]"

    async def _content(self) -> AsyncIterator[JSON]:
        field = "refusal" if self._turn.refusal else "content"
        for piece in pieces(self._turn.said):
            yield self._delta({field: piece})
            await self._counted()
        for index, (name, given) in enumerate(self._turn.calls):
            begun = {"id": self._next_id("call"), "type": "function", "function": {"name": name, "arguments": ""}}
            yield self._delta({"tool_calls": [{"index": index, **begun}]})
            for piece in halves(arguments(given)):
                yield self._delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
                await self._counted()

    async def _counted(self) -> None:
        self._deltas += 1
        await self._turn.passed(self._deltas)

    def _delta(self, delta: JSON, finish: str | None = None) -> JSON:
        return self._chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}])

    def _chunk(self, choices: list[JSON], **fields: Any) -> JSON:
        chunk = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._request.model,
            "choices": choices,
            **fields,
        }
        return {"usage": None, **chunk} if self._wants_usage else chunk
