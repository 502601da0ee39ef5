"""The HTTP API as people start it: `parley api`, `parley` beside a platform, and the commands around its keys."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot import cli
from bot.app import running
from bot.settings import Settings
from tests.files import ready
from tests.process import LONGEST, environment, run, started
from tests.room import Room, RoomAdapter
from tests.scripted_model import ScriptedModel
from tests.simulators.serve import serve as fake

OWN = "a-key-of-the-operators-own"


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@asynccontextmanager
async def serving(
    folder: Path, port: int, *arguments: str, **changes: str
) -> AsyncIterator[tuple[httpx2.AsyncClient, dict[str, Any]]]:
    """A client of the program, and the line of its log that tells what it serves. A signal ends it, with 0."""
    env = environment(ready(folder / "parley.db"), PORT=str(port), LOG_FORMAT="json", **changes)
    async with (
        httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client,
        started(*arguments, env=env, cwd=folder) as process,
        asyncio.timeout(LONGEST),
    ):
        assert process.stderr is not None
        line = b""
        while b"Parley serves" not in line:
            line = await process.stderr.readline()
            assert line, "it ended before it served"
        yield client, json.loads(line)
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert (process.returncode, json.loads(err.splitlines()[-1])["event"]) == (0, "Parley has ended")
        assert OWN.encode() not in line + err
        assert b"parley-" not in line + err


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# -- the process ---------------------------------------------------------------------------------------------------


async def test_the_api_alone_serves_whoever_has_a_key_until_a_signal(tmp_path: Path, port: int) -> None:
    async with serving(tmp_path, port, "api", API_KEY=OWN) as (client, told):
        assert told["platforms"] == ["api"]
        assert (await client.get("/healthz")).json() == {"status": "ok", "serves": ["api"]}
        assert [(await client.get("/v1/assistants", headers=headers)).status_code for headers in ({}, bearer("x"))] == [
            401,
            401,
        ]
        made = await client.post("/v1/assistants", json={"model": "demo", "name": "Ada"}, headers=bearer(OWN))
        assert (made.status_code, made.json()["name"]) == (200, "Ada")
        listed = await client.get("/openai/assistants?api-version=2024-05-01-preview", headers={"api-key": OWN})
        assert [one["id"] for one in listed.json()["data"]] == [made.json()["id"]]


async def test_each_key_sees_what_is_its_tenants_and_a_key_that_is_made_meanwhile_works_at_once(
    tmp_path: Path, port: int
) -> None:
    env = environment(ready(tmp_path / "parley.db"))
    first = (await run("api", "key", "create", "one", env=env, cwd=tmp_path)).out.strip()
    async with serving(tmp_path, port) as (client, told):  # `parley` alone
        assert told["platforms"] == ["api"]
        slack = ("api", "key", "create", "two", "--tenant", "slack:T1")
        second = (await run(*slack, env=env, cwd=tmp_path)).out.strip()
        for key, name in ((first, "Ada"), (second, "Bob")):
            await client.post("/v1/assistants", json={"model": "demo", "name": name}, headers=bearer(key))
        seen = [(await client.get("/v1/assistants", headers=bearer(key))).json()["data"] for key in (first, second)]
        assert [[one["name"] for one in of] for of in seen] == [["Ada"], ["Bob"]]
        assert (await run("api", "key", "revoke", "two", env=env, cwd=tmp_path)).code == 0
        assert (await client.get("/v1/assistants", headers=bearer(second))).status_code == 401
        assert (await client.get("/v1/assistants", headers=bearer(first))).status_code == 200


async def test_beside_a_platform_the_api_is_served_on_the_same_port(tmp_path: Path, port: int) -> None:
    async def auth_test(request: Request) -> JSONResponse:
        return JSONResponse({"ok": True, "team_id": "T1", "team": "Acme", "user_id": "U1", "user": "p", "bot_id": "B1"})

    slack = Starlette(routes=[Route("/api/auth.test", auth_test, methods=["POST"])])
    async with fake(slack) as url:
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "hush", "SLACK_API_URL": f"{url}/api/"}
        async with serving(tmp_path, port, API_KEY=OWN, **tokens) as (client, told):
            assert told["platforms"] == ["slack", "api"]
            assert (await client.get("/healthz")).json()["serves"] == ["slack", "api"]
            assert (await client.post("/slack/events", json={"type": "url_verification"})).status_code == 401
            assert (await client.get("/v1/assistants", headers=bearer(OWN))).status_code == 200
    async with fake(slack) as url, serving(tmp_path, port, **tokens | {"SLACK_API_URL": f"{url}/api/"}) as (client, _):
        assert (await client.get("/v1/assistants", headers=bearer(OWN))).status_code == 404


@pytest.mark.parametrize("api", [False, True])
async def test_runs_of_programs_are_driven_only_where_the_api_is_served(tmp_path: Path, api: bool) -> None:
    settings = Settings.model_construct(database_url=f"sqlite:///{ready(tmp_path / 'parley.db')}")
    async with running(settings, [RoomAdapter(Room())], api=api, model=ScriptedModel()) as core:
        assert sorted(core.handler.platforms) == (["api", "room"] if api else ["room"])


# -- the commands --------------------------------------------------------------------------------------------------

Program = Callable[..., tuple[object, str, str]]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """`parley …`, called in this process: exit code, standard output and standard error."""
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["parley", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return call


def test_without_a_key_the_api_does_not_start_and_tells_how_to_make_one(program: Program, tmp_path: Path) -> None:
    assert program("api") == (
        1,
        "",
        "The HTTP API has no key, so nobody could call it. Make one with `parley api key create NAME`, or set "
        "API_KEY.\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_before_the_first_start_and_printed_alone(program: Program, tmp_path: Path) -> None:
    code, out, err = program("api", "key", "create", "reports", "--tenant", "slack:T1")
    assert (code, out.startswith("parley-"), out.count("\n")) == (0, True, 1)
    assert err == "The key “reports” opens slack:T1. It is not shown again:\n"
    with closing(sqlite3.connect(tmp_path / "parley.db")) as connection:
        found = connection.execute("SELECT name, platform, workspace FROM api_keys").fetchall()
    assert found == [("reports", "slack", "T1")]


def test_keys_are_listed_without_their_texts(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(tmp_path / "parley.db")
    assert program("api", "key", "list") == (0, "No keys yet. Make one with `parley api key create NAME`.\n", "")
    made = program("api", "key", "create", "reports", "--tenant", "slack:T1")[1].strip()
    monkeypatch.setenv("API_KEY", OWN)
    code, out, err = program("api", "key", "list")
    assert (code, err) == (0, "")
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["key", "opens"],
        ["API_KEY", "default"],
        ["reports", "slack:T1"],
    ]
    assert made not in out
    assert OWN not in out


def test_names_and_tenants_that_cannot_be_are_refused_with_a_sentence(program: Program) -> None:
    assert program("api", "key", "create", "reports")[0] == 0
    for words, told in (
        (["create", "reports"], "There is a key “reports” already. Take another name, or revoke that key first.\n"),
        (["revoke", "x"], "There is no key “x”. There are: “reports”.\n"),
        (["create", "a b"], "“a b” is no name for a key. "),
        (["create", "a", "--tenant", "irc:T1"], "“irc:T1” is no tenant. Give a workspace, as slack:T024BE7LH"),
        (["create", "a", "--tenant", ""], "“” is no tenant. "),
    ):
        code, out, err = program("api", "key", *words)
        assert (code, out, err[: len(told)]) == (1, "", told)
    assert program("api", "key", "revoke", "reports") == (0, "The key “reports” opens nothing any more.\n", "")


@pytest.mark.parametrize("words", [("list",), ("revoke", "x")])
def test_without_a_database_there_is_nothing_to_list_or_to_revoke(
    program: Program, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, out, err = program("api", "key", *words)
    assert (code, out) == (1, "")
    assert err.startswith(f"There is no database {tmp_path / 'parley.db'} yet")
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_tells_who_has_keys_and_shows_none(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "· The HTTP API is not served: set API_KEY, or make a key with `parley api key create NAME`."
    assert missing in program("doctor")[1].splitlines()
    made = program("api", "key", "create", "reports", "--tenant", "slack:T1")[1].strip()
    monkeypatch.setenv("API_KEY", OWN)
    out = program("doctor")[1]
    assert "✓ The HTTP API is served, on PORT 8080: keys open default, slack:T1." in out.splitlines()
    assert made not in out
    assert OWN not in out


def test_a_file_is_imported_for_a_tenant_and_one_that_is_wrong_is_not(program: Program, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text('{"object": "thread", "id": "thread_1", "created_at": 1}')
    (tmp_path / "wrong.json").write_text("{")
    words = ("api", "import", "export.json", "--tenant", "slack:T1")
    assert program(*words) == (0, "Imported: 1 thread.\n", "")
    assert program(*words) == (0, "Imported: nothing.\nLeft as they are here already: 1 thread.\n", "")
    told = (
        "export.json cannot be imported, and nothing of it was. thread_1, or its thread, belongs to another tenant.\n"
    )
    assert program("api", "import", "export.json") == (1, "", told)
    code, out, err = program("api", "import", "wrong.json")
    assert (code, out, err[:57]) == (1, "", "wrong.json cannot be imported, and nothing of it was. lin")


@pytest.mark.parametrize("words", [("api",), ("api", "key", "list"), ("api", "key", "create", "x")])
def test_mistakes_in_the_settings_are_told(
    program: Program, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("API_KEY", "ä")
    code, out, err = program(*words)
    assert (code, out, err[:20]) == (2, "", "API_KEY has blanks o")
