"""REST: every call from its token to its answer, with the faults, limits and checks on the way.

https://docs.discord.com/developers/reference
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from tests.simulators.discord import callbacks, channel_messages, directory, registry, schemas, threads
from tests.simulators.discord.faults import Fault
from tests.simulators.discord.limits import Taken
from tests.simulators.discord.route import Asked, Route, Upload
from tests.simulators.discord.values import JSON, Call, Refusal, form_error, unauthorized

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

ROUTES: dict[str, Route] = {
    **callbacks.ROUTES,
    **channel_messages.ROUTES,
    **directory.ROUTES,
    **registry.ROUTES,
    **threads.ROUTES,
}
MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token", "interaction_token")
"""https://docs.discord.com/developers/topics/rate-limits: these count apart."""
JSON_TYPE = "application/json"
"""Without a charset: discord.py compares the whole header."""
VIA = {"Via": "1.1 google"}
_SHAPES = [(name, name.split(" ")[0], name.split(" ")[1].strip("/").split("/")) for name in ROUTES]
_SHAPES.sort(key=lambda shape: [part.startswith("{") for part in shape[2]])


def known(route: str) -> bool:
    return route in ROUTES


def found(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The name of the route for a path, and the ids in it. Raises `Refusal`."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    for name, verb, shape in _SHAPES:
        if verb == method and len(shape) == len(parts):
            pairs = list(zip(shape, parts, strict=True))
            if all(want.startswith("{") or want == got for want, got in pairs):
                return name, {want.strip("{}"): got for want, got in pairs if want.startswith("{")}
    raise Refusal(0)


async def serve(world: World, request: web.Request) -> web.Response:
    """Answer one call; breaks the connection where a fault says so."""
    path = f"/{request.match_info['path']}"
    try:
        name, ids = found(request.method, path)
    except Refusal as refused:
        world.violations.append(f"not simulated: {request.method} {path}")
        return _response(404, refused.body, VIA)
    asked, malformed = await _asked(request, ids)
    fault = world.faults.take(name)
    if fault and not fault.after and not await _passes(request, fault):
        world.noted(Call(name, path, asked.body, world.now(), fault.status))
        return _failed(fault)
    taken, code = Taken(), 0
    try:
        _admit(world, name, request)
        taken = world.limits.take(ROUTES[name].bucket, _major(asked.ids), everywhere=ROUTES[name].token)
        body = _limited(taken) if taken.wait else _perform(world, name, asked, malformed)
        status = 429 if taken.wait else 204 if body is None else 200
    except Refusal as refused:
        status, body, code = refused.status, refused.body, refused.code
    world.noted(Call(name, path, asked.body, world.now(), status, code))
    if fault and fault.after and not await _passes(request, fault):
        return _failed(fault)
    return _response(status, body, VIA | taken.headers)


def _admit(world: World, name: str, request: web.Request) -> None:
    """Raises `Refusal` without the bot's token, where that is wanted."""
    if ROUTES[name].token and request.headers.get("Authorization") != f"Bot {world.token}":
        raise unauthorized()


def _perform(world: World, name: str, asked: Asked, malformed: bool) -> Any:
    if malformed:
        raise Refusal(50109)
    if world.validate and (problem := schemas.problem(name, asked.body)):
        if not problem.limit:
            world.violations.append(f"{name}: {problem.path}: {problem.message}")
        raise form_error(problem.path, problem.code, problem.message)
    return ROUTES[name].answer(world, asked)


async def _asked(request: web.Request, ids: dict[str, str]) -> tuple[Asked, bool]:
    """What is asked, and whether its JSON cannot be read."""
    raw, uploads = "", list[Upload]()
    if request.content_type == "multipart/form-data":
        for name, part in (await request.post()).items():
            if isinstance(part, web.FileField):
                number = int(name.removeprefix("files[").removesuffix("]"))
                uploads.append(Upload(number, part.filename, part.file.read(), part.content_type))
            elif name == "payload_json":
                raw = str(part)
    else:
        raw = await request.text()
    try:
        return Asked(ids, request.query, json.loads(raw) if raw else {}, tuple(uploads)), False
    except ValueError:
        return Asked(ids, request.query, raw, tuple(uploads)), True


async def _passes(request: web.Request, fault: Fault) -> bool:
    """Whether the call goes on: after its gate, where it has one; otherwise it failed."""
    if fault.gate:
        await fault.gate.wait()
        return True
    if fault.drop and request.transport:
        request.transport.abort()
    return False


def _failed(fault: Fault) -> web.Response:
    if fault.banned:
        return web.Response(status=429, text="<html>error code: 1015</html>", content_type="text/html")
    if fault.status == 429:
        told = {"X-RateLimit-Scope": "shared", "Retry-After": str(max(1, math.ceil(fault.retry_after)))}
        return _response(429, _limited(Taken(fault.retry_after)), VIA | told)
    return _response(fault.status, {"message": f"{fault.status}: failed", "code": 0}, VIA)


def _limited(taken: Taken) -> JSON:
    """https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit"""
    message = "You are being rate limited."
    return {"message": message, "retry_after": round(taken.wait, 3), "global": taken.everywhere}


def _major(ids: Mapping[str, str]) -> str:
    return " ".join(ids[name] for name in MAJOR if name in ids)


def _response(status: int, body: Any, headers: Mapping[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=dict(headers))
    return web.Response(status=status, body=json.dumps(body), headers={**headers, "Content-Type": JSON_TYPE})
