"""The tools, called as a model calls them: with arguments that fit, that nearly fit, and that are no JSON at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.breaking import Break, breaks, broken
from tests.fuzz.findings import must, nothing_inside
from tests.fuzz.logs import Logged
from tests.fuzz.targets import Target, Verdict
from tests.fuzz.values import junk, odd, texts
from tests.tool_context import Bench, open_bench
from tools.registry import LONGEST_OUTPUT, ToolError, load

SLACK = 200
"""Characters that may stand around an output that was cut."""
KNOWN = ("San Francisco, CA", "Paris, Texas", "Tokyo", "London, UK")
PLACES = (*KNOWN, "Nowhere at all", "", "UTC+2", "UTC+99", "Europe/Berlin", "../etc")


@dataclass(frozen=True, slots=True)
class Called:
    """A call: `arguments` as the model wrote them."""

    tool: str
    arguments: str


def _calls() -> SearchStrategy[Called]:
    unknown = st.builds(Called, texts(), junk())
    return st.integers(0, 9).flatmap(lambda way: st.sampled_from([*load()]).flatmap(_calls_of) if way else unknown)


def _calls_of(name: str) -> SearchStrategy[Called]:
    parameters = load()[name].parameters
    nearly = st.builds(_written, _value(parameters, {}), breaks())
    broken_ones = st.builds(_written, _fitting(name, parameters), breaks())
    ways = [_fitting(name, parameters).map(json.dumps), broken_ones, nearly, nearly, junk()]
    return st.integers(0, len(ways) - 1).flatmap(lambda way: st.builds(Called, st.just(name), ways[way]))


def _fitting(name: str, parameters: dict[str, Any]) -> SearchStrategy[Any]:
    """Arguments that the tool takes."""
    if name == "display_quiz":
        questions = st.lists(_questions(), min_size=1, max_size=10)
        return st.fixed_dictionaries({"title": _short(200), "questions": questions})
    fields = {
        field: st.sampled_from(inner["enum"])
        if "enum" in inner
        else st.integers(inner["minimum"], inner["maximum"])
        if inner["type"] == "integer"
        else st.sampled_from(KNOWN)
        for field, inner in parameters["properties"].items()
    }
    needed = {field: fields.pop(field) for field in parameters["required"]}
    return st.fixed_dictionaries(needed, optional=fields)


def _questions() -> SearchStrategy[dict[str, Any]]:
    asked = {"question_text": _short(1_000)}
    choices = st.lists(_short(200), min_size=2, max_size=20, unique=True)
    chosen = st.fixed_dictionaries({**asked, "question_type": st.just("MULTIPLE_CHOICE"), "choices": choices})
    return chosen | st.fixed_dictionaries({**asked, "question_type": st.just("FREE_RESPONSE")})


def _short(longest: int) -> SearchStrategy[str]:
    return texts().map(lambda text: text[:longest] or "?")


def _written(arguments: Any, places: list[Break]) -> str:
    return json.dumps(broken(arguments, places))


def _value(schema: dict[str, Any], named: dict[str, Any]) -> SearchStrategy[Any]:
    """A value that fits the schema, or nearly does."""
    named = schema.get("$defs", named)
    if "$ref" in schema:
        return _value(named[schema["$ref"].rsplit("/", 1)[-1]], named)
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    match schema.get("type"):
        case "object":
            fields = {name: _value(inner, named) for name, inner in schema["properties"].items()}
            needed = {name: value for name, value in fields.items() if name in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional={name: fields[name] for name in fields if name not in needed})
        case "array":
            return st.lists(_value(schema["items"], named), max_size=4)
        case "integer":
            return st.integers(-2, 20)
        case "string":
            return st.booleans().flatmap(lambda usual: st.sampled_from(PLACES) if usual else texts())
    return odd()


class _Tools:
    def __init__(self, bench: Bench, logged: Logged) -> None:
        self._bench, self._logged = bench, logged

    async def tries(self, example: Called) -> Verdict:
        registry = self._bench.registry
        problem = registry.problem(example.tool, example.arguments, enabled=registry)
        result = await registry.execute(example.tool, example.arguments, self._bench.context, enabled=registry)
        by_code = example.tool == "code_interpreter" and not result.failed  # it tells of errors as Python does
        nothing_inside([problem] if by_code else [result.output, problem], "the model")
        must(len(result.output) <= LONGEST_OUTPUT + SLACK, "an output has its longest length", len(result.output))
        result.output.encode()
        if result.failed:
            must(_sentence(result.output), "a failure is one sentence", result.output)
        if problem:
            must(result.failed, "a problem that is foreseen is a failure", problem)
        elif example.tool in registry and registry[example.tool].asks:
            self._asks(example)
        self._logged.taken()
        well = await self._bench.run("get_current_time", place_or_timezone="UTC+2")
        must(not well.failed, "a call that follows is carried out", well.output)
        asks = example.tool in registry and registry[example.tool].asks
        return "refused" if problem or (result.failed and not asks) else "accepted"

    def _asks(self, example: Called) -> None:
        try:
            form = self._bench.registry.form(example.tool, example.arguments)
        except ToolError as error:
            must(False, "a form without a problem is made", error)
        else:
            must(form.questions, "a form without a problem asks something", form)


def _sentence(output: str) -> bool:
    told = json.loads(output)
    return (
        isinstance(told, dict) and [*told] == ["error"] and isinstance(told["error"], str) and "\n" not in told["error"]
    )


@asynccontextmanager
async def _stage(folder: Path, logged: Logged) -> AsyncIterator[_Tools]:
    async with open_bench() as bench:
        yield _Tools(bench, logged)


ARGUMENTS = Target("tools", _calls(), _stage, usual=3_000, few=60)
