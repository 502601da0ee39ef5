"""The events of a model's answer in either API: sound ones with whatever text, and all ways in which they go wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.breaking import Break, breaks, broken
from tests.fuzz.values import junk, odd, texts

JSON = dict[str, Any]
Api = Literal["responses", "chat"]
TOOLS = ("forecast", "tide", "nothing", "")
RESPONSES_KINDS = (
    *("response.created", "response.in_progress", "response.queued", "response.output_text.delta", "error", "zq"),
    *("response.refusal.delta", "response.output_item.added", "response.output_item.done", "response.completed"),
    *("response.incomplete", "response.failed", "response.reasoning_summary_text.delta", "response.audio.delta"),
)


@dataclass(frozen=True, slots=True)
class Shuffle:
    """One thing that happens to the order of events; `at` and `to` count them round and round."""

    how: Literal["drop", "double", "move", "cut", "insert"]
    at: int
    to: int = 0
    value: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says and calls, and what goes wrong in it: in one event each, and in their order."""

    texts: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    refusal: bool
    wrong: tuple[tuple[int, tuple[Break, ...]], ...]
    shuffled: tuple[Shuffle, ...]

    @property
    def sound(self) -> bool:
        return not (self.wrong or self.shuffled)

    def events(self, api: Api) -> list[JSON | str]:
        whole: list[JSON | str] = list(_responses(self) if api == "responses" else _chat(self))
        for at, places in self.wrong:
            number = at % len(whole)
            whole[number] = broken(whole[number], places)
        for one in self.shuffled:
            _shuffle(whole, one)
        return [event if isinstance(event, dict | str) else json.dumps(event) for event in whole]


def answers() -> SearchStrategy[Answer]:
    arguments = st.one_of(st.just('{"place": "Bern"}'), st.builds(json.dumps, odd()), junk())
    calls = st.lists(st.tuples(st.sampled_from(TOOLS) | texts(), arguments), max_size=3).map(tuple)
    wrong = st.lists(st.tuples(st.integers(0, 30), breaks().map(tuple)), max_size=3)
    return st.builds(
        Answer,
        st.lists(texts(), max_size=4).map(tuple),
        st.one_of(st.just(()), calls),
        st.booleans(),
        st.one_of(st.just(()), wrong.map(lambda found: tuple(one for one in found if one[1]))),
        st.one_of(st.just(()), st.lists(_shuffles(), max_size=3).map(tuple)),
    )


def _shuffles() -> SearchStrategy[Shuffle]:
    at = st.integers(0, 30)
    inserted = st.one_of(
        junk(),
        st.builds(lambda kind, value: {"type": kind, "zq": value}, st.sampled_from(RESPONSES_KINDS), odd()),
        st.builds(lambda value: {"choices": value, "id": "zq"}, odd()),
        st.builds(lambda value: {"error": value}, odd()),
        st.builds(lambda value: {"type": "error", "code": value, "message": value}, odd()),
        st.builds(lambda value: {"type": "response.failed", "response": {"error": {"code": value}}}, odd()),
    )
    return st.one_of(
        st.builds(Shuffle, st.sampled_from(["drop", "double", "cut"]), at),
        st.builds(Shuffle, st.just("move"), at, at),
        st.builds(Shuffle, st.just("insert"), at, value=inserted),
    )


def _shuffle(events: list[Any], one: Shuffle) -> None:
    if not events:
        return
    at = one.at % len(events)
    match one.how:
        case "drop":
            del events[at]
        case "double":
            events.insert(at, events[at])
        case "move":
            events.insert(one.to % len(events), events.pop(at))
        case "cut":
            del events[at:]
        case "insert":
            events.insert(at, one.value)


def _responses(answer: Answer) -> Sequence[JSON]:
    """https://platform.openai.com/docs/api-reference/responses-streaming"""
    kind, key = ("refusal", "refusal") if answer.refusal else ("output_text", "text")
    events: list[JSON] = [{"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}]
    output: list[JSON] = []
    if any(answer.texts):
        events.append({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}})
        events += [{"type": f"response.{kind}.delta", "output_index": 0, "delta": text} for text in answer.texts]
        extra: JSON = {} if answer.refusal else {"annotations": [], "logprobs": []}
        content = [{"type": kind, key: "".join(answer.texts), **extra}]
        output.append(
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}
        )
    for number, (name, arguments) in enumerate(answer.calls):
        call = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "status": "completed"}
        output.append({**call, "name": name, "arguments": arguments})
    events += [{"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(output)]
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "input_tokens_details": {"cached_tokens": 0}}
    response = {"id": "resp_1", "status": "completed", "output": output, "usage": usage, "error": None}
    return [*events, {"type": "response.completed", "response": response}]


def _chat(answer: Answer) -> Sequence[JSON | str]:
    """https://platform.openai.com/docs/api-reference/chat-streaming"""
    key = "refusal" if answer.refusal else "content"
    events = [_chunk({"role": "assistant", "content": ""})]
    events += [_chunk({key: text}) for text in answer.texts]
    for number, (name, arguments) in enumerate(answer.calls):
        begun = {"index": number, "id": f"call_{number}", "type": "function"}
        events.append(_chunk({"tool_calls": [{**begun, "function": {"name": name, "arguments": ""}}]}))
        events.append(_chunk({"tool_calls": [{"index": number, "function": {"arguments": arguments}}]}))
    events.append(_chunk({}, "tool_calls" if answer.calls else "stop"))
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "prompt_tokens_details": None}
    return [*events, {**_chunk({}), "choices": [], "usage": usage}, "[DONE]"]


def _chunk(delta: JSON, finish: str | None = None) -> JSON:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
