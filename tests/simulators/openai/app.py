"""The simulated OpenAI: what a test scripts and asserts, and the HTTP face over it.

Scripted calls come first; then the brain answers, and without one a further call is a mistake that fails the test.
Every request body is validated against the published schemas and the documented rules.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.simulators.openai import rules, schemas
from tests.simulators.openai.chat_events import ChatStream
from tests.simulators.openai.embeddings import Meaning, by_words, embedded
from tests.simulators.openai.requests import JSON, Request
from tests.simulators.openai.responses_events import ResponsesStream
from tests.simulators.openai.rules import RefusedError
from tests.simulators.openai.script import CutError, Failure, Gate, Hang, Raw, Step, Turn
from tests.simulators.openai.usage import Meter, chat_usage, responses_usage

BASE_MODELS = ("gpt-4.1-2025-04-14", "gpt-5.5-2026-04-23")
"""What Azure lists, whatever is deployed."""


@dataclass
class OpenAISimulator:
    """`models`: the names that it knows, any if None. `lacks`: optional parameters that it refuses by name, as
    compatible servers do. `blind`: its answer to images, where the model has no vision. `lists`: which of the Models
    endpoints it has, or "page" for a web page at each.
    """

    key: str | None = None
    models: Sequence[str] | None = None
    lists: Literal["each", "all", "none", "page"] = "each"
    lacks: set[str] = field(default_factory=set)
    blind: Failure | None = None
    brain: Callable[[Request], Step] | None = None
    requests: list[Request] = field(default_factory=list)
    embedded: list[Request] = field(default_factory=list)
    """The requests for vectors."""
    meaning: Meaning = by_words
    unable: RefusedError | None = None
    """Its answer to every request for vectors, where it gives none."""
    problems: list[str] = field(default_factory=list)
    """What was wrong with the requests; `assert_done` fails on any."""
    script: deque[Step] = field(default_factory=deque)
    _meter: Meter = field(default_factory=Meter)
    _sealed: rules.Sealed = field(default_factory=rules.Sealed)
    _ids: Counter[str] = field(default_factory=Counter)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=list(_routes(self)))

    def say(self, text: str, **how: Any) -> None:
        """Answer with text; `how` are fields of `Turn`."""
        self.script.append(Turn(text=text, **how))

    def call(self, *calls: tuple[str, JSON | str], **how: Any) -> None:
        """Call functions, all in one turn: `call(("get_forecast", {"location": "Bern"}))`."""
        self.script.append(Turn(calls=calls, **how))

    def reason_then_call(self, *calls: tuple[str, JSON | str], **how: Any) -> None:
        self.script.append(Turn(calls=calls, reasoning=True, **how))

    def refuse(self, words: str) -> None:
        self.script.append(Turn(refusal=words))

    def error(self, status: int, body: Any = None, headers: dict[str, str] | None = None, **error: Any) -> None:
        """Answer with an HTTP error: a whole `body`, or fields of OpenAI's error object."""
        given = {"message": "Simulated.", "type": "simulated", "param": None, "code": None, **error}
        self.script.append(Failure(status, {"error": given} if body is None else body, headers or {}))

    def hang(self) -> Gate:
        """Do not answer until the gate is released, and then with nothing."""
        gate = Gate()
        self.script.append(Hang(gate))
        return gate

    def raw(self, *events: JSON | str) -> None:
        """Answer with exactly these events."""
        self.script.append(Raw(events))

    def assert_done(self) -> None:
        """Every scripted call was made, and every request was sound."""
        assert not self.problems, self.problems
        assert not self.script, f"never called: {list(self.script)}"

    def next_id(self, prefix: str) -> str:
        self._ids[prefix] += 1
        return f"{prefix}_{self._ids[prefix]:04d}"

    def admit(self, request: Request) -> Step:
        """Record and check a request; what to answer it with. Raises `RefusedError`."""
        self.requests.append(request)
        try:
            self._check(request)
            return self.blind if self.blind and request.images else self._step(request)
        except RefusedError as refused:
            if not refused.expected:
                self.problems.append(f"{request.path}: {refused.message}")
            raise

    def stream(self, request: Request, turn: Turn) -> ResponsesStream | ChatStream:
        counts = self._meter.count(request, turn)
        if request.api == "responses":
            return ResponsesStream(request, turn, responses_usage(counts), self.next_id, self._sealed)
        return ChatStream(request, turn, chat_usage(counts), self.next_id)

    def embed(self, request: Request) -> JSON:
        """Vectors for the texts of a request. Raises `RefusedError`."""
        self.embedded.append(request)
        if self.unable:
            raise self.unable
        self.knows(request.model)
        return embedded(request.body, self.meaning)

    def authorise(self, request: HTTPRequest) -> None:
        azure = _azure(request)
        if azure == "dated" and not request.query_params.get("api-version"):
            raise RefusedError("Resource not found", code="404", status=404)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = {"dated": ("api-key",), "v1": ("api-key", "bearer")}.get(azure or "", ("bearer",))
        keys = {"bearer": bearer, "api-key": request.headers.get("api-key", "")}
        if self.key and self.key not in [keys[name] for name in given]:
            message = f"Incorrect API key provided: {bearer}."
            raise RefusedError(message, code="invalid_api_key", status=401, expected=True)

    def knows(self, model: str) -> None:
        if self.models is not None and model not in self.models:
            message = f"The model '{model}' does not exist or you do not have access to it."
            raise RefusedError(message, param="model", code="model_not_found", status=404, expected=True)

    def _check(self, request: Request) -> None:
        body = request.body
        for name in sorted(self.lacks):
            if name in body or any(name in tool.get("function", tool) for tool in body.get("tools") or ()):
                raise RefusedError(f"Unrecognized request argument supplied: {name}", param=name, expected=True)
        found = schemas.problem(body, "CreateResponse" if request.api == "responses" else "CreateChatCompletionRequest")
        if found:
            raise RefusedError(f"{found[0]}: {found[1]}", param=found[0])
        if body.get("stream") is not True:
            raise RefusedError("This simulator only streams.", param="stream")
        self.knows(request.model)
        rules.check_model(request)
        rules.check_tools(request)
        rules.check_images(request)
        if request.api == "responses":
            rules.check_responses(request, self._sealed)
        else:
            rules.check_chat(request)

    def _step(self, request: Request) -> Step:
        if self.script:
            return self.script.popleft()
        if self.brain:
            return self.brain(request)
        raise RefusedError("Nothing is scripted for this call.")


def _routes(simulator: OpenAISimulator) -> list[Route]:
    async def answer(request: HTTPRequest) -> Response:
        try:
            simulator.authorise(request)
            asked = await _received(request)
            step = simulator.admit(asked)
        except RefusedError as refused:
            return JSONResponse(refused.body, refused.status)
        return await _answered(simulator, asked, step)

    async def models(request: HTTPRequest) -> Response:
        try:
            simulator.authorise(request)
            return _models(simulator, request)
        except RefusedError as refused:
            return JSONResponse(refused.body, refused.status)

    async def embeddings(request: HTTPRequest) -> Response:
        try:
            simulator.authorise(request)
            return JSONResponse(simulator.embed(await _received(request)))
        except RefusedError as refused:
            return JSONResponse(refused.body, refused.status)

    posts = [
        *(f"{root}/{path}" for root in ("/v1", "/openai/v1") for path in ("responses", "chat/completions")),
        "/openai/responses",
        "/openai/deployments/{deployment}/chat/completions",
    ]
    gets = [f"{root}/models{one}" for root in ("/v1", "/openai/v1", "/openai") for one in ("", "/{model:path}")]
    vectors = ["/v1/embeddings", "/openai/v1/embeddings", "/openai/deployments/{deployment}/embeddings"]
    return [
        *(Route(path, answer, methods=["POST"]) for path in posts),
        *(Route(path, embeddings, methods=["POST"]) for path in vectors),
        *(Route(path, models, methods=["GET"]) for path in gets),
    ]


async def _received(request: HTTPRequest) -> Request:
    body = json.loads(await request.body())
    if deployment := request.path_params.get("deployment"):
        body["model"] = deployment
    return Request(
        api="responses" if request.url.path.endswith("/responses") else "chat",
        body=body,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        azure=_azure(request),
    )


def _azure(request: HTTPRequest) -> Literal["dated", "v1"] | None:
    if not request.url.path.startswith("/openai/"):
        return None
    return "v1" if request.url.path.startswith("/openai/v1/") else "dated"


async def _answered(simulator: OpenAISimulator, request: Request, step: Step) -> Response:
    if isinstance(step, Failure):
        return JSONResponse(step.body, step.status, dict(step.headers))
    if isinstance(step, Hang):
        await step.gate.wait()
        return Response()
    events = _listed(step.events) if isinstance(step, Raw) else simulator.stream(request, step).events()
    return StreamingResponse(_sent(events), media_type="text/event-stream")


async def _listed(events: Sequence[JSON | str]) -> AsyncIterator[JSON | str]:
    for event in events:
        yield event


async def _sent(events: AsyncIterator[JSON | str]) -> AsyncIterator[str]:
    """Server-sent events; those of the Responses API carry their type as the event's name too."""
    try:
        async for event in events:
            name = f"event: {event['type']}\n" if isinstance(event, dict) and "type" in event else ""
            yield f"{name}data: {event if isinstance(event, str) else json.dumps(event)}\n\n"
    except CutError as cut:
        if not cut.clean:
            raise ConnectionAbortedError from cut


def _models(simulator: OpenAISimulator, request: HTTPRequest) -> Response:
    wanted, azure = request.path_params.get("model"), _azure(request)
    offered = BASE_MODELS if azure or simulator.models is None else simulator.models
    if simulator.lists == "page":
        return HTMLResponse("<html>Welcome</html>")
    if simulator.lists == "none" or (wanted and simulator.lists == "all"):
        return JSONResponse({"detail": "Not Found"}, 404)
    if wanted and (azure or simulator.models is not None) and wanted not in offered:
        raise RefusedError(f"The model '{wanted}' does not exist", param="model", code="model_not_found", status=404)
    if wanted:
        return JSONResponse(_model(wanted))
    return JSONResponse({"object": "list", "data": [_model(name) for name in offered]})


def _model(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "simulator"}
