"""What the doctor finds out by asking Discord, with the real client, and the link that adds the app to a server."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.http import Route
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Served
from typer.testing import CliRunner

from adapters.discord import doctor
from adapters.discord.doctor import examine
from adapters.discord.invite import (
    INTENTS,
    PERMISSIONS,
    PORTAL,
    application_id,
    intents,
    invite_url,
    lacking,
    permissions,
)
from bot.cli import app
from bot.errors import ParleyError
from bot.settings import Settings
from tests.simulators.discord import Guild, Permission, World
from tests.simulators.discord import discord as simulated
from tests.simulators.serve import serve

ME, LIMIT, GUILDS = "GET /users/@me", "GET /gateway/bot", "GET /users/@me/guilds"
EVERYTHING = "✓ It has every permission that it uses (where no channel's own settings take one away)."
INVITATION = "· This link adds Parley to a server, with the permissions that it needs:"
REMEDY = "  Give them to Parley's role (Server Settings, Roles), or invite it again."
NOT_KNOWN = (
    "✗ Discord does not know DISCORD_TOKEN. Copy it again: discord.com/developers/applications, Bot, Reset Token."
)


@pytest.fixture(autouse=True)
def _address_as_before() -> Iterator[None]:
    before = Route.BASE
    yield
    Route.BASE = before


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with simulated() as made:
        yield made


@pytest.fixture
def acme(world: World) -> Guild:
    return world.guild("Acme")


async def examined(world: World, **given: Any) -> list[str]:
    """The lines, the last of which is `sound` or `unsound`."""
    lines: list[str] = []
    given = {"token": world.token, "api_url": world.api_url} | given
    lines.append("sound" if await examine(lines.append, **given) else "unsound")
    assert given["token"] not in "\n".join(lines)
    return lines


def wrong(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("✗")]


def notes(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("·") and line != INVITATION]


def known(world: World) -> str:
    return f"✓ The Discord token is good: parley (app {world.app_id})."


def link(world: World) -> str:
    return f"  https://discord.com/oauth2/authorize?client_id={world.app_id}&scope=bot+applications.commands&permissions=309237746688"


# -- what is looked at ---------------------------------------------------------------------------------------------


async def test_an_app_that_is_as_it_should_be_is_told_line_by_line(world: World, acme: Guild) -> None:
    assert await examined(world) == [
        known(world),
        "✓ The message content intent is on.",
        f"✓ Parley is in 1 server: Acme ({acme.id}).",
        EVERYTHING,
        INVITATION,
        link(world),
        "sound",
    ]


async def test_each_thing_is_asked_for_once_and_no_session_is_begun(world: World, acme: Guild) -> None:
    await examined(world)
    assert [call.route for call in world.calls] == [ME, "GET /oauth2/applications/@me", LIMIT, GUILDS]
    assert world.gateway.identifies == 0


async def test_without_the_message_content_intent_it_says_what_is_heard_and_where_to_switch_it_on(
    world: World, acme: Guild
) -> None:
    world.grants(message_content=False)
    lines = await examined(world)
    assert lines[1:3] == [
        "· The message content intent is off: Parley hears only mentions, direct messages and slash",
        f"  commands, no follow-ups. Switch it on: {PORTAL}, Bot, Privileged Gateway Intents.",
    ]
    assert lines[-1] == "sound"


async def test_the_intent_of_a_large_app_counts_too(world: World, acme: Guild) -> None:
    world.grants(message_content=False)
    world.app_settings["flags"] = 1 << 18
    assert "✓ The message content intent is on." in await examined(world)


async def test_interactions_that_go_to_an_endpoint_do_not_arrive(world: World, acme: Guild) -> None:
    world.app_settings["interactions_endpoint_url"] = "https://example.com/interactions"
    lines = await examined(world)
    assert wrong(lines) == [
        "✗ The app has an Interactions Endpoint URL: buttons and slash commands go there, not to Parley."
    ]
    assert "  Remove it: discord.com/developers/applications, General Information." in lines


async def test_a_link_that_adds_no_bot_is_told(world: World, acme: Guild) -> None:
    world.app_settings["bot_require_code_grant"] = True
    lines = await examined(world)
    (told,) = notes(lines)
    assert told.startswith("· The link adds no bot while Requires OAuth2 Code Grant is on. Switch it off: ")
    assert lines[-1] == "sound"


# -- session starts ------------------------------------------------------------------------------------------------


async def test_session_starts_that_are_nearly_used_up_are_worth_knowing(world: World, acme: Guild) -> None:
    world.gateway.identifies = 901
    lines = await examined(world)
    assert lines[2:4] == [
        "· Only 99 of 1000 session starts are left for the next 24 hours. Find out what starts Parley so often:",
        "  Discord resets the token of a bot that has used them up.",
    ]
    assert lines[-1] == "sound"


async def test_a_tenth_of_the_session_starts_is_enough(world: World, acme: Guild) -> None:
    world.gateway.identifies = 900
    assert notes(await examined(world)) == []


async def test_session_starts_too_few_for_one_start_are_wrong(world: World, acme: Guild) -> None:
    world.shards, world.gateway.identifies = 3, 998
    assert wrong(await examined(world)) == [
        "✗ Only 2 of 1000 session starts are left for the next 24 hours, and a start of Parley takes 3. Wait that long."
    ]


# -- servers and permissions ---------------------------------------------------------------------------------------


async def test_in_no_server_it_says_so_and_shows_the_link(world: World) -> None:
    assert (await examined(world))[2:] == [
        "· Parley is in no server yet: nobody can talk to it.",
        INVITATION,
        link(world),
        "sound",
    ]


@pytest.mark.parametrize(
    ("permission", "told"),
    [
        (Permission.VIEW_CHANNEL, "View Channels is missing. Parley sees no channel, so that nobody can talk to it"),
        (Permission.SEND_MESSAGES, "Send Messages is missing. Parley can post nothing in channels."),
        (Permission.SEND_MESSAGES_IN_THREADS, "Send Messages in Threads is missing. Parley can answer nothing in thr"),
    ],
)
async def test_a_permission_without_which_nothing_is_answered_is_wrong(
    world: World, acme: Guild, permission: Permission, told: str
) -> None:
    acme.withholds(permission)
    lines = await examined(world)
    assert lines[3].startswith(f"✗ Acme ({acme.id}): the permission {told}")
    assert (lines[4], len(wrong(lines)), lines[-1]) == (REMEDY, 1, "unsound")


@pytest.mark.parametrize(
    ("permission", "told"),
    [
        (
            Permission.CREATE_PUBLIC_THREADS,
            "Create Public Threads is missing. Parley can open no thread for a",
        ),
        (Permission.ATTACH_FILES, "Attach Files is missing. Parley can post no files."),
        (Permission.READ_MESSAGE_HISTORY, "Read Message History is missing. Parley cannot read what was said before"),
    ],
)
async def test_a_permission_without_which_less_works_is_worth_knowing(
    world: World, acme: Guild, permission: Permission, told: str
) -> None:
    acme.withholds(permission)
    lines = await examined(world)
    assert lines[3].startswith(f"· Acme ({acme.id}): the permission {told}")
    assert (lines[4], lines[-1]) == (REMEDY, "sound")


async def test_only_the_server_that_lacks_something_is_told_of(world: World, acme: Guild) -> None:
    other = world.guild("Beta\x1b[31m\nInc")
    other.withholds(Permission.ATTACH_FILES)
    lines = await examined(world)
    assert lines[2] == f"✓ Parley is in 2 servers: Acme ({acme.id}), Beta�[31m Inc ({other.id})."
    assert notes(lines) == [
        f"· Beta�[31m Inc ({other.id}): the permission Attach Files is missing. Parley can post no files."
    ]


async def test_an_administrator_and_an_owner_lack_nothing(world: World, acme: Guild) -> None:
    acme.withholds(*Permission)
    acme.bot_role.permissions = Permission.ADMINISTRATOR
    own = world.guild("Own")
    own.withholds(*Permission)
    own.owner = world.me.id
    assert (await examined(world))[3] == EVERYTHING


async def test_more_servers_than_can_be_told_of_are_counted(world: World) -> None:
    for number in range(27):
        world.guild(f"S{number}").withholds(Permission.ATTACH_FILES)
    world.guilds[26].withholds(Permission.SEND_MESSAGES)
    lines = await examined(world)
    assert "S24 (" in lines[2]
    assert lines[2].endswith("), and 2 more.")
    assert len(notes(lines)) == 25
    assert (wrong(lines), lines[-1]) == (["✗ 2 more servers lack permissions."], "unsound")


async def test_all_pages_of_servers_are_read(world: World) -> None:
    made = [world.guild(f"S{number}") for number in range(201)]
    lines = await examined(world, guilds=[made[200].id])
    assert (world.count(GUILDS), wrong(lines)) == (2, [])
    assert lines[2].startswith("✓ Parley is in 201 servers: S0 (")


async def test_a_server_of_the_settings_that_parley_is_not_in_is_wrong(world: World, acme: Guild) -> None:
    lines = await examined(world, guilds=[acme.id, "1234", "1234"])
    assert wrong(lines) == ["✗ Parley is not in the server 1234 of DISCORD_GUILDS. Invite it there, or take that out."]
    assert lines[-1] == "unsound"


# -- what is in the way --------------------------------------------------------------------------------------------


async def test_a_token_that_discord_does_not_know_is_told_and_nothing_else(world: World, acme: Guild) -> None:
    assert await examined(world, token="aGFsbG8.hush.hush") == [NOT_KNOWN, "unsound"]
    assert world.count(ME) == 1


async def test_a_token_that_is_reset_meanwhile_is_told(world: World, acme: Guild) -> None:
    world.fails(GUILDS, status=401)
    assert wrong(await examined(world)) == [NOT_KNOWN]


async def test_an_address_where_nobody_answers_is_told_once(world: World) -> None:
    (told, _) = await examined(world, api_url="http://127.0.0.1:9/api/v10")
    assert told.startswith("✗ Discord does not answer at http://127.0.0.1:9/api/v10 (")
    assert told.endswith("). Check the network and DISCORD_API_URL.")


async def test_a_connection_that_breaks_is_told_after_what_was_found_out(world: World, acme: Guild) -> None:
    world.fails(GUILDS, drop=True, times=2)  # aiohttp asks again on a new connection, once
    lines = await examined(world)
    assert lines[:2] == [known(world), "✓ The message content intent is on."]
    assert lines[2].startswith(f"✗ Discord does not answer at {world.api_url} (")
    assert lines[3:] == ["unsound"]


async def test_discord_that_does_not_answer_in_time_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT", 0.1)
    gate = world.holds(ME)
    (told, _) = await examined(world)
    assert told.endswith("(not within 0.1 seconds). Check the network and DISCORD_API_URL.")
    gate.release()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 502}, "Discord failed to answer /api/v10/users/@me (HTTP 502). Run `parley doctor` again in a mi"),
        ({"status": 429, "retry_after": 20}, "Discord had too many calls of this bot. Run `parley doctor` again in a"),
    ],
)
async def test_where_the_client_waits_for_another_try_the_time_ends_with_the_reason(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT", 0.5)
    world.fails(ME, times=9, **fault)
    assert (await examined(world))[0].startswith(f"✗ {told}")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 503}, "Discord failed to answer /api/v10/users/@me (HTTP 503). Run `parley doctor` again in a mi"),
        (
            {"status": 429, "retry_after": 60},
            "Discord had too many calls of this bot. Run `parley doctor` again in 60",
        ),
        ({"banned": True}, "Discord's network blocks this address for a while (HTTP 429), as it does after many refus"),
        ({"status": 404}, "What answered /api/v10/users/@me (HTTP 404) is not Discord's API. Check DISCORD_API_URL."),
    ],
)
async def test_a_refusal_is_told_with_the_remedy(world: World, fault: dict[str, Any], told: str) -> None:
    world.fails(ME, **fault)
    (line, _) = await examined(world)
    assert line.startswith(f"✗ {told}")


async def test_a_short_limit_is_waited_for(world: World, acme: Guild) -> None:
    world.fails(ME, status=429, retry_after=0.01)
    assert (await examined(world))[-1] == "sound"


async def test_what_fails_is_no_reason_not_to_look_at_the_rest(world: World, acme: Guild) -> None:
    world.fails(LIMIT, status=503)
    lines = await examined(world)
    assert lines[2:5] == [
        "✗ Discord failed to answer /api/v10/gateway/bot (HTTP 503). Run `parley doctor` again in a minute.",
        f"✓ Parley is in 1 server: Acme ({acme.id}).",
        EVERYTHING,
    ]
    assert lines[-1] == "unsound"


async def told_of(answer: Response) -> str:
    """The first line where something else answers every call."""

    async def answering(request: Request) -> Response:
        return answer

    lines: list[str] = []
    async with serve(Starlette(routes=[Served("/{path:path}", answering)])) as url:
        assert not await examine(lines.append, token="hush", api_url=url)
    assert "hush" not in "\n".join(lines)
    return lines[0]


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 200, media_type="text/html"),
        Response("<html>", 404, media_type="text/html"),
        Response("{", 200, media_type="application/json"),
        PlainTextResponse("ok"),
        JSONResponse([]),
        JSONResponse(None),
        JSONResponse({"ok": True}),
        JSONResponse({"id": "one", "username": "Parley", "discriminator": "0", "avatar": None}),
        JSONResponse({"message": 1, "code": "x"}, 403),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.body.decode()[:12]}",
)
async def test_what_is_not_discord_is_told(answer: Response) -> None:
    expected = f"✗ What answered /users/@me (HTTP {answer.status_code}) is not Discord's API. Check DISCORD_API_URL."
    assert await told_of(answer) == expected


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (JSONResponse({"message": "internal network error", "code": 40333}, 403), "Discord's network blocks this"),
        (JSONResponse({"message": "You are blocked", "code": 0}, 429, {"Via": "1.1 google"}), "Discord's network blo"),
        (
            JSONResponse({"message": "Invalid\x1b[31m\nAPI version.", "code": 50041}, 400),
            "Discord refused /users/@me (HTTP 400): Invalid�[31m API version.",
        ),
        (Response("<html>", 503, media_type="text/html"), "Discord failed to answer /users/@me (HTTP 503)."),
    ],
)
async def test_other_answers_are_told_by_what_they_say(answer: Response, told: str) -> None:
    assert (await told_of(answer)).startswith(f"✗ {told}")


async def test_nothing_is_logged_and_the_clients_log_is_as_before_then(
    world: World, acme: Guild, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("discord")
    before = logger.level
    world.fails(ME, status=429, retry_after=0.01)
    world.app_settings["interactions_endpoint_url"] = "https://example.com/interactions"
    await examined(world)
    assert [record.name for record in caplog.records if record.name.startswith("discord")] == []
    assert world.token not in caplog.text
    assert logger.level == before


# -- the link ------------------------------------------------------------------------------------------------------


def test_the_link_asks_for_what_parley_needs_and_nothing_else() -> None:
    asked = invite_url("1234").partition("permissions=")[2]
    wanted = discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        create_public_threads=True,
        attach_files=True,
        read_message_history=True,
    )
    assert (int(asked), permissions()) == (wanted.value, wanted)
    assert discord.utils.oauth_url(1234, permissions=wanted) == invite_url("1234")


def test_the_intents_are_those_that_messages_need() -> None:
    expected = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
    assert intents() == expected
    assert len(INTENTS) == 4


def test_whoever_holds_what_the_link_asks_for_lacks_nothing() -> None:
    assert list(lacking(permissions())) == []
    assert list(lacking(discord.Permissions(administrator=True))) == []
    assert list(lacking(discord.Permissions.none())) == list(PERMISSIONS.values())


@pytest.mark.parametrize("id_", ["198622483471925248", "80351110224678912", "1301590567989547028"])
def test_the_apps_id_is_read_of_the_token(id_: str) -> None:
    first = base64.b64encode(id_.encode()).decode().rstrip("=")
    assert application_id(f"{first}.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs") == id_


@pytest.mark.parametrize("token", ["hush", "hush.hush.hush", "MTIzNA.a.b", "MTk4NjIyNDgzNDcxOTI1MjQ4", "…..", "a.b.c"])
def test_what_is_no_token_is_told_without_showing_it(token: str) -> None:
    with pytest.raises(ParleyError) as told:
        application_id(token)
    assert str(told.value) == (
        "DISCORD_TOKEN has not the form of a bot token. "
        "Copy it again: discord.com/developers/applications, Bot, Reset Token."
    )


# -- the commands --------------------------------------------------------------------------------------------------


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A folder and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_parley_discord_invite_prints_the_link_alone(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("DISCORD_TOKEN", "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.hush")
    assert CliRunner().invoke(app, ["discord", "invite"]).stdout == invite_url("198622483471925248") + "\n"


def test_parley_discord_invite_without_a_token_says_where_there_is_one(clean: pytest.MonkeyPatch) -> None:
    told = CliRunner().invoke(app, ["discord", "invite"]).exception
    assert isinstance(told, ParleyError)
    assert str(told) == (
        "The link needs DISCORD_TOKEN: set it (discord.com/developers/applications, Bot, Reset Token)."
    )


def test_parley_doctor_asks_discord_where_its_token_is_set(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("DISCORD_TOKEN", "hush")
    clean.setenv("DISCORD_API_URL", "http://127.0.0.1:9/api/v10")
    done = CliRunner().invoke(app, ["doctor"])
    (told,) = wrong(done.output.splitlines())
    assert told.startswith("✗ Discord does not answer at http://127.0.0.1:9/api/v10 (")
    assert done.exit_code == 1
    assert "Discord is not set up" not in done.output
    assert "hush" not in done.output
