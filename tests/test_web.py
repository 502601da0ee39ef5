"""The HTTP server, over real sockets: what it answers, what it refuses, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot import web
from bot.errors import ParleyError
from bot.web import LARGEST_BODY, serving

LOOPBACK = "127.0.0.1"


class Door:
    """A route that says when somebody came, and answers when it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = asyncio.Event(), asyncio.Event()
        self.route = Route("/door", self.answer, methods=["POST"])

    async def answer(self, request: Request) -> PlainTextResponse:
        body = await request.body()
        self.entered.set()
        await self.opened.wait()
        return PlainTextResponse(f"{len(body)} bytes")


@pytest.fixture
def door() -> Door:
    return Door()


@asynccontextmanager
async def at(door: Door, grace: float = 60.0) -> AsyncIterator[tuple[httpx2.AsyncClient, int]]:
    """A client of a server that lasts as long as the block, and its port. The client outlives the server."""
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=30) as client,
        serving([door.route], 0, health=lambda: {"serves": ["slack"]}, host=LOOPBACK, grace=grace) as port,
    ):
        client.base_url = httpx2.URL(f"http://{LOOPBACK}:{port}")
        yield client, port


async def test_healthz_tells_what_is_served(door: Door) -> None:
    async with at(door) as (client, _):
        told = await client.get("/healthz")
    assert (told.status_code, told.json()) == (200, {"status": "ok", "serves": ["slack"]})


async def test_routes_that_are_mounted_answer_and_others_do_not(door: Door) -> None:
    door.opened.set()
    async with at(door) as (client, _):
        answered, unknown = await client.post("/door", content=b"12345"), await client.get("/")
    assert (answered.text, unknown.status_code) == ("5 bytes", 404)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(door: Door, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1000 + 1):
            yield b"x" * 1000

    async with at(door) as (client, _):
        told = await client.post("/door", content=pieces() if chunked else b"x" * (LARGEST_BODY + 1))
    assert told.status_code == 413
    assert not door.entered.is_set()


async def test_a_request_in_flight_is_answered_before_it_ends(door: Door) -> None:
    async with at(door) as (client, port):
        asking = asyncio.create_task(client.post("/door", content=b"123"))
        await door.entered.wait()
        asyncio.get_running_loop().call_soon(door.opened.set)
    assert (await asking).text == "3 bytes"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, port)


async def test_nothing_more_is_accepted_while_it_ends(door: Door) -> None:
    async def knock(port: int) -> None:
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(LOOPBACK, port)
        door.opened.set()

    async with at(door) as (client, port):
        asking = asyncio.create_task(client.post("/door"))
        await door.entered.wait()
        knocking = asyncio.create_task(knock(port))
    assert knocking.done()
    await knocking
    assert (await asking).status_code == 200


async def test_a_request_that_hangs_is_broken_off_after_the_grace_so_that_it_comes_again(door: Door) -> None:
    async with at(door, grace=0.0) as (client, _):
        asking = asyncio.create_task(client.post("/door"))
        await door.entered.wait()
    assert (await asking).status_code == 503


async def dropped(port: int, said: bytes) -> bytes:
    """What somebody reads who says this and no more, until the connection is closed."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


HEAD = b"POST /door HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"POST /door HTTP/1.1\r\nHost: x\r\n"])
async def test_who_does_not_say_what_they_want_is_cut_off(
    door: Door, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(web, "HEAD_TIME", 0.05)
    async with at(door) as (_, port):
        assert await dropped(port, said) == b""
    assert not door.entered.is_set()


async def test_a_body_that_does_not_come_is_given_up_without_a_word_in_the_log(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(web, "BODY_TIME", 0.05)
    async with at(door) as (_, port):
        assert await dropped(port, HEAD + b"ab") == b""
    assert (door.entered.is_set(), caplog.records) == (False, [])


async def test_more_of_a_head_gets_no_more_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HEAD_TIME", 0.2)
    async with at(door) as (_, port):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        gone = asyncio.create_task(reader.read())
        for _ in range(1000):
            writer.write(b"G")
            await asyncio.wait([gone], timeout=0.01)
            if gone.done():
                break
        assert gone.done()
        await asyncio.gather(gone, return_exceptions=True)
        writer.close()


async def test_an_answer_may_take_longer_than_its_request(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HEAD_TIME", 0.05)
    monkeypatch.setattr(web, "BODY_TIME", 0.05)
    async with at(door) as (client, _):
        asking = asyncio.create_task(client.post("/door", content=b"123"))
        await door.entered.wait()
        asyncio.get_running_loop().call_later(0.15, door.opened.set)
        assert (await asking).text == "3 bytes"


async def test_one_connection_too_many_is_told_so_and_those_before_it_go_on(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "MOST", 1)
    async with at(door) as (client, port):
        await client.get("/healthz")  # and stays connected
        assert (await dropped(port, b"")).startswith(b"HTTP/1.1 503 ")
        assert (await client.get("/healthz")).status_code == 200


async def test_requests_that_are_not_all_there_at_the_end_leave_no_traceback(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    async with at(door, grace=0.0) as (client, port):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(HEAD + b"ab")
        await client.get("/healthz")
    assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
    writer.close()
    assert caplog.records == []


async def test_connections_that_are_idle_hold_nothing_up(door: Door) -> None:
    async with asyncio.timeout(10), at(door) as (client, port):
        await client.get("/healthz")  # and stays connected
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(b"POST /door HTTP/1.1\r\nHost: x\r\n")  # and says no more
        await client.get("/healthz")
    assert await reader.read() == b""
    writer.close()


async def test_a_port_that_is_taken_is_told_in_a_sentence(door: Door) -> None:
    async with at(door) as (_, port):
        with pytest.raises(ParleyError, match=f"^Port {port} is in use by another program. Set PORT to a free one.$"):
            async with serving([], port, health=dict, host=LOOPBACK):
                pytest.fail("two servers on one port")


async def test_a_port_that_cannot_be_had_is_told_with_the_reason() -> None:
    with pytest.raises(ParleyError, match=r"^Port 1 cannot be listened on \(.+\)\. Set PORT to another one\.$"):
        async with serving([], 1, health=dict, host="192.0.2.1"):  # an address of nobody's
            pytest.fail("somebody else's address")


async def test_the_process_keeps_its_signals_and_a_request_leaves_no_line_in_its_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    caplog.set_level(logging.INFO)
    async with at(door) as (client, _):
        await client.get("/healthz")
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert [record.message for record in caplog.records if record.name.startswith("uvicorn")] == []
