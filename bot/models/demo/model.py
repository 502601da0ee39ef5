"""The demo model: answers a request by rules, through the same port as a real model."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from bot.assistants.types import JSON, Usage, new_id
from bot.models import images
from bot.models.demo.plan import Made, Part, Said, Thread, Wanted, forced, plan, read_thread
from bot.models.demo.results import compare, place_of, tell
from bot.models.demo.talk import WHO
from bot.models.port import Call, ModelEvent, ModelRequest, TextDelta, Turn

PROVIDER = "demo"
CHARACTERS_PER_TOKEN = 4


class DemoModel:
    """Answers without a key or a network. `pace` is seconds between streamed words; with 0 it never sleeps."""

    def __init__(self, pace: float = 0.02, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._pace = pace
        self._sleep = sleep

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        turn = respond(request)
        for remark in images.unseen_by(request, "The demo model"):
            yield remark
        for word in re.findall(r"\s*\S+\s*\Z|\s*\S+|\s+", turn.text):
            yield TextDelta(word)
            if self._pace > 0:
                await self._sleep(self._pace)
        yield turn

    async def check(self, model: str) -> str:
        return (
            "The demo model answers: no key is set. OPENAI_API_KEY connects a real model, "
            "OPENAI_BASE_URL a local server."
        )

    async def close(self) -> None:
        """There is nothing to close."""


def respond(request: ModelRequest) -> Turn:
    """The turn for a request: the same for the same request, apart from the ids of calls."""
    thread = read_thread(request.items)
    parts = plan(thread, request.tools)
    due = _due(request, thread, parts)
    calls = [Call(new_id("call"), one.tool, json.dumps(one.arguments, ensure_ascii=False)) for one in due]
    text = "" if calls else _in_format(_answer(parts, thread.made), request.response_format)
    return _within(request, text, calls)


def _due(request: ModelRequest, thread: Thread, parts: Sequence[Part]) -> list[Wanted]:
    """The calls to make in this turn; none where everything is there, or where no call is allowed."""
    if request.tool_choice == "none":
        return []
    done = {made.key for made in thread.made}
    wanted = {step.key: step for part in parts for step in part.steps if isinstance(step, Wanted)}
    named = _named(request)
    open_ = [step for key, step in wanted.items() if key not in done and named in (None, step.tool)]
    if not open_ and not thread.made and (named or request.tool_choice == "required"):
        open_ = [forced(thread, tool) for tool in request.tools if named in (None, tool.name)][:1]
    return open_ if request.parallel_tool_calls else open_[:1]


def _named(request: ModelRequest) -> str | None:
    """The function that `tool_choice` names."""
    choice: object = request.tool_choice
    if isinstance(choice, Mapping):
        choice = choice.get("function", choice)
    name = choice.get("name") if isinstance(choice, Mapping) else None
    return name if isinstance(name, str) else None


def _within(request: ModelRequest, text: str, calls: Sequence[Call]) -> Turn:
    """The turn, cut where it is longer than `max_output_tokens`; calls are not cut but left out."""
    most = request.max_output_tokens
    written = text + "".join(call.name + call.arguments for call in calls)
    whole = most is None or _tokens(written) <= most
    if not whole:
        text, calls = text[: max(most or 0, 0) * CHARACTERS_PER_TOKEN], ()
        written = text
    prompt, completion = _tokens(f"{request.instructions}{request.tools}{request.items}"), _tokens(written)
    usage = Usage(prompt, completion, prompt + completion)
    return Turn(text, tuple(calls), usage, "stop" if whole else "length", (), PROVIDER)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _answer(parts: Sequence[Part], made: Sequence[Made]) -> str:
    """The answer to all waiting messages; with names in front where several people wrote them."""
    by_key = {one.key: one for one in reversed(made)}
    speakers = {part.question.author.id if part.question.author else "" for part in parts}
    texts = [_part(part, by_key, len(speakers) > 1) for part in parts]
    planned = {step.key for part in parts for step in part.steps if isinstance(step, Wanted)}
    extra = [tell(one) for one in made if one.key not in planned]
    return "\n\n".join(dict.fromkeys(filter(None, [*extra, *texts]))) or WHO


def _in_format(text: str, response_format: str | JSON | None) -> str:
    """The text, or a JSON object that holds it where the request wants JSON."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else response_format
    if kind in ("json_object", "json_schema"):
        return json.dumps({"answer": text}, ensure_ascii=False)
    return text


def _part(part: Part, made: Mapping[str, Made], named: bool) -> str:
    sentences: list[str] = []
    results: list[Made] = []
    for step in part.steps:
        if isinstance(step, Said):
            sentences.append(step.text)
        elif step.key in made:
            sentences.append(tell(made[step.key], place_of(results[-1]) if results else ""))
            results.append(made[step.key])
        else:
            sentences.append(f"I have not called {step.tool}, because this answer was to do without it.")
    text = _flowing([*sentences, compare(part.question.text, results)])
    author = part.question.author
    return f"{' '.join(author.name.split())}: {text}" if named and author else text


def _flowing(sentences: Sequence[str]) -> str:
    """Sentences in one paragraph; what has several lines stands alone."""
    text = ""
    for sentence in dict.fromkeys(filter(None, sentences)):
        apart = "\n" in sentence or "\n" in text.rpartition("\n\n")[2]
        text += f"{(chr(10) * 2 if apart else ' ') if text else ''}{sentence}"
    return text
