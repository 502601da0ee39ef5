"""The Web API: every call from its token to its answer, with the faults and limits on the way.

https://docs.slack.dev/apis/web-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tests.simulators.slack import chat, conversations, directory, schemas, sessions, streams, uploads, views
from tests.simulators.slack.arguments import received
from tests.simulators.slack.faults import Fault
from tests.simulators.slack.method import Method
from tests.simulators.slack.values import JSON, Call, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace

METHODS: dict[str, Method] = {
    **chat.METHODS,
    **conversations.METHODS,
    **directory.METHODS,
    **sessions.METHODS,
    **streams.METHODS,
    **uploads.METHODS,
    **views.METHODS,
}


async def serve(workspace: Workspace, request: web.Request) -> web.Response:
    """Answer one call; breaks the connection where a fault says so."""
    name = request.match_info["method"]
    fault = workspace.faults.take(name)
    try:
        token, arguments = await received(request)
    except Refusal as refused:
        return _response(workspace, refused.body, refused)
    if fault and not fault.after and not await _passes(request, fault):
        _record(workspace, name, arguments, fault.error)
        return _failed(workspace, fault)
    try:
        body, refusal = {"ok": True, **_perform(workspace, name, token, arguments)}, None
    except Refusal as refused:
        body, refusal = refused.body, refused
    _record(workspace, name, arguments, refusal.error if refusal else "")
    workspace.changed()
    if fault and fault.after and not await _passes(request, fault):
        return _failed(workspace, fault)
    return _response(workspace, body, refusal)


def _perform(workspace: Workspace, name: str, token: str, arguments: JSON) -> JSON:
    method = METHODS.get(name)
    if method is None or name in workspace.faults.missing:
        raise Refusal("unknown_method", req_method=name)
    workspace.tokens.admit(token, method.token)
    if wait := workspace.limits.wait(name, method.per_minute):
        raise Refusal("ratelimited", status=429, retry_after=wait)
    workspace.tokens.require(*method.scopes)
    if workspace.validate and (problem := schemas.argument_problem(name, arguments)):
        workspace.violations.append(f"{name}: {problem}")
        raise Refusal("invalid_arguments", problem)
    return method.answer(workspace, arguments)


async def _passes(request: web.Request, fault: Fault) -> bool:
    """Whether the call goes on: after its gate, where it has one; otherwise it failed."""
    if fault.gate:
        await fault.gate.wait()
        return True
    if fault.drop and request.transport:
        request.transport.abort()
    return False


def _failed(workspace: Workspace, fault: Fault) -> web.Response:
    retry_after = fault.retry_after if fault.status == 429 else None
    refusal = Refusal(fault.error, status=fault.status, retry_after=retry_after)
    return _response(workspace, refusal.body, refusal)


def _record(workspace: Workspace, name: str, arguments: JSON, error: str) -> None:
    workspace.counts[name] += 1
    if workspace.history:
        workspace.calls.append(Call(name, arguments, workspace.now(), not error, error))


def _response(workspace: Workspace, body: JSON, refusal: Refusal | None) -> web.Response:
    headers = {"x-oauth-scopes": ",".join(workspace.tokens.scopes)}
    if refusal and refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return web.json_response(body, status=refusal.status if refusal else 200, headers=headers)
