"""The gateway on loopback: greeting, identifying, resuming, heartbeats, and all the ways in which it ends.

https://docs.discord.com/developers/events/gateway
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from tests.simulators.discord import payloads
from tests.simulators.discord.sessions import PRIVILEGED, Event, Intent, Session
from tests.simulators.discord.values import JSON

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, RECONNECT, REQUEST_MEMBERS = 1, 2, 3, 4, 6, 7, 8
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
"""https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway"""
INTERVAL_MS = 41_250
CLOSED_FOR_GOOD = (1000, 1001)
"""With these codes the app ends its session; with others, or none, it can come back to it."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The last thing that is sent over a link."""

    code: int


class Link:
    """One connection of the app: frames go out in order, compressed as the app asked for."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.session: Session | None = None
        self.closing = False
        self._request, self._socket = request, socket
        self._frames: asyncio.Queue[str | Closing] = asyncio.Queue()
        self._squeeze = _compressor(request.query.get("compress", ""))

    def put(self, frame: str) -> None:
        self._frames.put_nowait(frame)

    def tell(self, op: int, data: object = None) -> None:
        self.put(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    def close(self, code: int) -> None:
        self.closing = True
        self._frames.put_nowait(Closing(code))

    def drop(self) -> None:
        """Break the connection without a word."""
        if self._request.transport:
            self._request.transport.abort()

    async def pump(self) -> None:
        """Send what is put, until the link ends."""
        with contextlib.suppress(ConnectionError):  # what could not be sent is replayed, if the app resumes
            while True:
                frame = await self._frames.get()
                if isinstance(frame, Closing):
                    await self._socket.close(code=frame.code)
                    return
                if self._squeeze:
                    await self._socket.send_bytes(self._squeeze(frame.encode()))
                else:
                    await self._socket.send_str(frame)


class Gateway:
    """All connections and sessions of the app. `identifies` and `resumes` count those that succeeded."""

    def __init__(self, world: World) -> None:
        self.identifies, self.resumes = 0, 0
        self.sessions: dict[str, Session] = {}
        self._world = world
        self._links: list[Link] = []

    @property
    def connected(self) -> bool:
        return any(link.session for link in self._links)

    def dispatch(self, event: Event) -> bool:
        """Tell every session that wants to know, if any does; one that is away finds it when it resumes."""
        told = [session for session in self.sessions.values() if session.wants(event)]
        for session in told:
            session.dispatch(event)
        return bool(told)

    def inject(self, name: str, data: object) -> None:
        """Dispatch whatever data under whatever name to every session, whatever it subscribed to."""
        for session in self.sessions.values():
            session.put(name, data)

    # --- faults

    def drop(self, *, resumable: bool = True, shard: int | None = None) -> None:
        """Break every connection, or that of one shard; unless `resumable`, the sessions are forgotten as well."""
        for session in list(self.sessions.values()):
            if not resumable and shard in (None, session.shard[0]):
                del self.sessions[session.id]
        for link in self._links:
            if shard is None or (link.session and link.session.shard[0] == shard):
                link.drop()

    def reconnect(self) -> None:
        """Ask the app to connect anew and to resume, as happens every few hours."""
        for link in self._links:
            link.tell(RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tell every connection that its session is invalid."""
        for link in self._links:
            if link.session and not resumable:
                self.sessions.pop(link.session.id, None)
            link.tell(INVALID_SESSION, resumable)

    def duplicate(self, last: int = 1) -> None:
        """Dispatch the last events once more."""
        for session in self.sessions.values():
            session.repeat(last)

    def close(self, code: int) -> None:
        """Close every connection with a code, 4000 to 4014."""
        for link in self._links:
            link.close(code)

    # --- the protocol

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from its greeting until it is closed."""
        response = web.WebSocketResponse(compress=False, timeout=1)
        await response.prepare(request)
        link = Link(request, response)
        self._links.append(link)
        link.tell(HELLO, {"heartbeat_interval": INTERVAL_MS})
        pump = asyncio.create_task(link.pump(), name="discord simulator gateway")
        try:
            async for frame in response:
                if frame.type is WSMsgType.TEXT:
                    self._received(link, json.loads(frame.data))
        finally:
            if not link.closing:  # otherwise the closing frame is on its way
                pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            self._left(link, response.close_code)
        return response

    def _received(self, link: Link, frame: JSON) -> None:
        match frame["op"]:
            case op if op == HEARTBEAT:
                link.tell(HEARTBEAT_ACK)
            case op if op == IDENTIFY:
                self._identify(link, frame["d"])
            case op if op == RESUME:
                self._resume(link, frame["d"])
            case op if op == REQUEST_MEMBERS and link.session:
                self._members(link.session, frame["d"])
            case op if op not in (PRESENCE, VOICE_STATE):
                link.close(4001)

    def _identify(self, link: Link, data: JSON) -> None:
        world = self._world
        number, count = data.get("shard") or (0, 1)
        intents = Intent(data["intents"])
        if refused := self._refusal(link, data["token"], intents, number, count):
            link.close(refused)
            return
        session = Session(world.next_id(), (number, count), intents, link)
        self.sessions[session.id] = link.session = session
        self.identifies += 1
        here = [guild for guild in world.guilds if (int(guild.id) >> 22) % count == number]
        session.put("READY", self._ready(session, [guild.id for guild in here]))
        for guild in here if intents & Intent.GUILDS else ():
            session.put("GUILD_CREATE", payloads.guild(world, guild, arriving=True))
        world.changed()

    def _refusal(self, link: Link, token: str, intents: Intent, number: int, count: int) -> int:
        """The code to close with, or 0."""
        if link.session:
            return 4005
        if token != self._world.token:
            return 4004
        if not 0 <= number < count:
            return 4010
        return 4014 if intents & PRIVILEGED & ~self._world.granted else 0

    def _ready(self, session: Session, guilds: list[str]) -> JSON:
        world = self._world
        return {
            "v": 10,
            "user": payloads.user(world.me) | {"verified": True, "mfa_enabled": False, "email": None, "flags": 0},
            "guilds": [{"id": id_, "unavailable": True} for id_ in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": world.gateway_url,
            "shard": list(session.shard),
            "application": {"id": world.app_id, "flags": world.app_flags},
            "private_channels": [],
            "relationships": [],
            "presences": [],
        }

    def _resume(self, link: Link, data: JSON) -> None:
        if data["token"] != self._world.token:
            link.close(4004)
            return
        session = self.sessions.get(data["session_id"])
        if session is None:
            link.tell(INVALID_SESSION, data=False)
            return
        before, session.link = session.link, link
        if isinstance(before, Link):
            before.drop()
        link.session = session
        if not session.replay(data["seq"] or 0):
            del self.sessions[session.id]
            link.session = None
            link.tell(INVALID_SESSION, data=False)
            return
        session.put("RESUMED", {})
        self.resumes += 1
        self._world.changed()

    def _members(self, session: Session, data: JSON) -> None:
        """https://docs.discord.com/developers/events/gateway-events#request-guild-members"""
        world = self._world
        guild = next(guild for guild in world.guilds if guild.id == str(data["guild_id"]))
        asked = {str(id_) for id_ in data.get("user_ids") or guild.members}
        found = [payloads.member(guild, world.people[id_]) for id_ in guild.members if id_ in asked]
        chunk = {"guild_id": guild.id, "members": found, "chunk_index": 0, "chunk_count": 1}
        session.put("GUILD_MEMBERS_CHUNK", chunk | {"not_found": [], "nonce": data.get("nonce")})

    def _left(self, link: Link, code: int | None) -> None:
        self._links.remove(link)
        if link.session and link.session.link is link:
            link.session.link = None
            if code in CLOSED_FOR_GOOD and not link.closing:
                self.sessions.pop(link.session.id, None)
        self._world.changed()


def _compressor(kind: str) -> Callable[[bytes], bytes] | None:
    """What squeezes each frame so that it can be read by itself; None where the app asked for nothing.

    https://docs.discord.com/developers/events/gateway#transport-compression. `zstd-stream` is asked for where the
    app's Python has `compression.zstd`.
    """
    if kind == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda frame: deflate.compress(frame) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if kind == "zstd-stream":
        zstd = importlib.import_module("compression.zstd").ZstdCompressor()
        return lambda frame: bytes(zstd.compress(frame, mode=zstd.FLUSH_BLOCK))
    return None
