"""Requests that are wrong in any way are refused in the API's own form, and leave everything as it was."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bot.api.body import Body, parsed
from bot.api.errors import ApiError
from bot.api.files import LARGEST_UPLOAD, UPLOADS
from bot.api.forms import NewAssistant, NewMessage, NewRun, NewThread
from bot.api.routes import ENDPOINTS, LARGEST_BODY
from bot.tenants import Tenant
from tests.api_schemas import problem_of_answer
from tests.bad_requests import ANY, RIGHT, Bad
from tests.fuzz.findings import INSIDE
from tests.fuzz.logs import Logged, listened
from tests.good_requests import EVERY, Good
from tests.programs import Programs, programs_at
from tests.scripted_model import ScriptedModel

PNG = b"\x89PNG\r\n\x1a\n chart"
TELL = {"type": "function", "function": {"name": "tell"}}


@dataclass(slots=True)
class World:
    """Some of every object, of this tenant and of another one, and the ids of all by name."""

    programs: Programs
    model: ScriptedModel
    path: Path
    http: httpx2.AsyncClient
    ids: dict[str, str]

    def filled(self, text: str) -> str:
        return re.sub(r"\$(\w+?)(?=x\b|\b)", lambda found: self.ids.get(found[1], found[0]), text)

    async def ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str | bytes]) -> httpx2.Response:
        said = self.filled(content.decode("latin-1")).encode("latin-1")
        url = httpx2.URL(f"{self.programs.url}/v1{self.filled(path)}")
        shown = {name.encode(): one.encode() if isinstance(one, str) else one for name, one in headers.items()}
        return await self.http.request(method, url, content=said, headers=shown)


@pytest.fixture
def logged() -> Iterator[Logged]:
    with listened() as made:
        yield made


@pytest.fixture
async def world(tmp_path: Path, logged: Logged) -> AsyncIterator[World]:
    path, model, ids = tmp_path / "p.db", ScriptedModel(), dict[str, str]()
    async with (
        programs_at(path, model, keys={"key-theirs": Tenant("api", "theirs")}) as programs,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        theirs = programs.client("key-theirs")
        for client, whose in ((programs.client(), ""), (theirs, "their_")):
            assistant = await client.beta.assistants.create(model="gpt-test")
            thread = await client.beta.threads.create(messages=[{"role": "user", "content": "Oslo?"}])
            message = (await client.beta.threads.messages.list(thread.id)).data[0]
            file = await client.files.create(file=("a.txt", b"Snow."), purpose="assistants")
            store = await client.vector_stores.create(file_ids=[file.id])
            made = {"assistant": assistant.id, "thread": thread.id, "message": message.id}
            made |= {"file": file.id, "store": store.id}
            ids |= {f"{whose}{name}": id_ for name, id_ in made.items()}
        ids |= await _runs(programs, model, ids)
        client = programs.client()
        ids["image"] = (await client.files.create(file=("a.png", PNG), purpose="vision")).id
        batch = await client.vector_stores.file_batches.create(ids["store"], file_ids=[ids["file"]])
        ids["batch"] = batch.id
        await programs.parley.core.indexing.quiet()
        yield World(programs, model, path, http, ids)


async def _runs(programs: Programs, model: ScriptedModel, ids: Mapping[str, str]) -> dict[str, str]:
    """A run that is over, and two that wait for what a function of the program's gives."""
    threads, assistant_id = programs.client().beta.threads, ids["assistant"]
    model.say("Cold.")
    over = await threads.runs.create(thread_id=ids["thread"], assistant_id=assistant_id)
    await programs.parley.quiet()
    made = {"run": over.id, "step": (await threads.runs.steps.list(over.id, thread_id=ids["thread"])).data[0].id}
    for place, name in (("waiting", "asking"), ("other", "active")):
        model.call(("tell", {}))
        run = await threads.create_and_run(assistant_id=assistant_id, tools=[TELL])  # type: ignore[list-item]
        await programs.parley.quiet()
        made |= {place: run.thread_id, name: run.id}
    run = await threads.runs.retrieve(made["asking"], thread_id=made["waiting"])
    assert run.required_action is not None
    return {**made, "call": run.required_action.submit_tool_outputs.tool_calls[0].id}


def contents(path: Path) -> dict[str, list[str]]:
    """The rows of each table."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in names}


def generated(count: int) -> list[Bad]:
    """The same ones each time."""
    cases: list[Bad] = []

    @settings(
        max_examples=count, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(ANY)
    def collect(case: Bad) -> None:
        cases.append(case)

    collect()
    return cases


def amiss(case: Bad, answer: httpx2.Response) -> str:
    """What is wrong with the answer to a bad request."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code}: {answer.text[:300]}"
    if case.method == "HEAD":
        return ""
    try:
        body = answer.json()
    except ValueError:
        return f"no JSON: {answer.text[:300]}"
    error: Any = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or error.keys() != {"message", "type", "param", "code"}:
        return f"no error: {body}"
    texts = [value for value in error.values() if value is not None]
    if not all(isinstance(text, str) and 0 < len(text) < 1_000 for text in texts) or not error["message"]:
        return f"not told shortly: {str(error)[:300]}"
    return f"from the inside: {error}" if INSIDE.search(error["message"]) else ""


async def test_a_bad_request_is_refused_in_the_apis_form_and_changes_nothing(world: World, logged: Logged) -> None:
    before, wrong, cases = contents(world.path), [], generated(1_000)
    assert len(cases) == 1_000
    with closing(sqlite3.connect(world.path)) as watching:
        version = watching.execute("PRAGMA data_version").fetchone()
        for case in cases:
            answer = await world.ask(case.method, case.path, case.content, case.headers)
            problem = amiss(case, answer)
            now = watching.execute("PRAGMA data_version").fetchone()
            if now != version:
                version, problem = now, f"{problem} the database has changed"
            if logged.tracebacks:
                problem = f"{problem} {logged.tracebacks.pop()[-600:]}"
            if problem:
                wrong.append(f"{case.why}: {case.method} {case.path[:100]} {case.content[:300]!r}\n    {problem}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:40])
    await world.programs.parley.quiet()
    assert contents(world.path) == before


async def test_what_the_bad_requests_are_made_of_is_taken_as_it_is(world: World) -> None:
    for good in EVERY:
        if good.path.endswith(("/runs", "/submit_tool_outputs")) and good.method == "POST":
            world.model.say("Cold.")
        content = json.dumps(good.body).encode() if good.body else b""
        answer = await world.ask(good.method, good.path, content, RIGHT)
        assert answer.status_code == 200, (good, answer.text)
        if not good.path.startswith("/files/") or not good.path.endswith("/content"):
            assert not problem_of_answer(good.method, world.filled(good.path), answer.json())
        await world.programs.parley.quiet()
        await world.programs.parley.core.indexing.quiet()


def test_every_endpoint_is_among_the_good_requests() -> None:
    def shape(good: Good) -> tuple[str, str]:
        return good.method, re.sub(r"\$\w+", "{}", good.path)

    table = {**ENDPOINTS, **UPLOADS}
    every = {(method, re.sub(r"\{\w+\}", "{}", path)) for path, methods in table.items() for method in methods}
    assert every - {("POST", "/files")} == {shape(good) for good in EVERY}


MANY_NAMES = {f"k{number}": "v" for number in range(17)}
TOOL = {"type": "function", "function": {"name": "a b"}}


@pytest.mark.parametrize(
    ("form", "body", "param", "message"),
    [
        (NewAssistant, {}, "model", "Missing required parameter: 'model'."),
        (
            NewAssistant, {"model": 7}, "model",
            "Invalid type for 'model': expected a string, but got an integer instead.",
        ),
        (
            NewAssistant, {"model": "m", "tools": [TOOL]}, "tools[0].function.name",
            "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the "
            "pattern '^[a-zA-Z0-9_-]+$'.",
        ),
        (
            NewAssistant, {"model": "m", "tools": [{"type": "function"}]}, "tools[0].function",
            "Missing required parameter: 'tools[0].function'.",
        ),
        (
            NewAssistant, {"model": "m", "tools": [{"type": "retrieval"}]}, "tools[0].type",
            "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', 'file_search', and 'function'.",
        ),
        (NewAssistant, {"model": "m", "tools": [{}]}, "tools[0].type", "Missing required parameter: 'tools[0].type'."),
        (
            NewAssistant, {"model": "m", "response_format": {"type": "xml"}}, "response_format.type",
            "Invalid value: 'xml'. Supported values are: 'text', 'json_object', and 'json_schema'.",
        ),
        (
            NewAssistant, {"model": "m", "temperature": 3}, "temperature",
            "Invalid 'temperature': integer above maximum value. Expected a value <= 2, but got 3 instead.",
        ),
        (
            NewThread, {"metadata": MANY_NAMES}, "metadata",
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object "
            "with 17 properties instead.",
        ),
        (
            NewThread, {"metadata": {"k" * 65: "v"}}, f"metadata.{'k' * 64}…",
            f"Invalid 'metadata.{'k' * 64}…': property name too long. Expected a property name with maximum length 64, "
            "but got a property name with length 65 instead.",
        ),
        (
            NewThread, {"metadata": {"k": "v" * 513}}, "metadata.k",
            "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with "
            "length 513 instead.",
        ),
        (
            NewMessage, {"role": "tool", "content": "Cold."}, "role",
            "Invalid value: 'tool'. Supported values are: 'user' and 'assistant'.",
        ),
        (
            NewMessage, {"role": "user", "content": []}, "content",
            "Invalid 'content': array too short. Expected an array with minimum length 1, but got an array with length "
            "0 instead.",
        ),
        (
            NewMessage, {"role": "user", "content": [{"type": "text", "text": 7}]}, "content[0].text",
            "Invalid type for 'content[0].text': expected a string, but got an integer instead.",
        ),
        (
            NewRun, {"assistant_id": "$assistant", "tool_choice": "any"}, "tool_choice",
            "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'.",
        ),
        (
            NewRun, {"assistant_id": "$assistant", "tool_choice": {"type": "function", "name": "x"}},
            "tool_choice.name", "Unknown parameter: 'tool_choice.name'.",
        ),
    ],
)  # fmt: skip
def test_an_error_names_the_field_as_it_stands_in_the_request(
    form: type[Body], body: Any, param: str, message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        parsed(json.dumps(body).encode(), form)
    assert (refused.value.status, refused.value.param, str(refused.value)) == (400, param, message)


@pytest.mark.parametrize("path", ["/threads", "/files"])
async def test_a_body_whose_length_is_not_told_is_cut_off_in_the_apis_form(world: World, path: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range((LARGEST_BODY if path == "/threads" else LARGEST_UPLOAD) // 1_000_000 + 1):
            yield b" " * 1_000_000

    kind = "application/json" if path == "/threads" else "multipart/form-data; boundary=x"
    headers = {"authorization": "Bearer key-of-default", "content-type": kind}
    answer = await world.http.post(f"{world.programs.url}/v1{path}", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert "larger than" in answer.json()["error"]["message"]
