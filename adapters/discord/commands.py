"""The commands of Discord, and how they are told to it.

https://docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.used import OFF, SUBCOMMAND, THIS
from adapters.pace import Rank
from bot.ports import Named

CHAT, MESSAGE_MENU = 1, 3
STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 3, 4, 5, 10, 11
IN_SERVERS, IN_DIRECT = 0, 1
QUESTION_LIMIT, VALUE_LIMIT = 4_000, 6_000
"""Characters; Discord takes 6,000 in an option."""
MOST_LINES = 50
"""Of the audit record."""

MENU = "Ask Parley about this"

COMPLETED: Mapping[str, Named] = {"tool": "tool", "name": "assistant"}
"""The options that are completed while somebody types, and with what."""

JSON = dict[str, Any]
log = structlog.get_logger(__name__)


def _option(kind: int, name: str, description: str, *, required: bool = False, **more: Any) -> JSON:
    return {"type": kind, "name": name, "description": description, "required": required, **more}


def _choice(name: str, description: str, *choices: tuple[str, str], required: bool = False) -> JSON:
    """`choices`: what people read, and the core's word for it."""
    shown = [{"name": label, "value": value} for label, value in choices]
    return _option(STRING, name, description, required=required, choices=shown)


def _group(name: str, description: str, *subcommands: JSON) -> JSON:
    return _command(name, description, [{**one, "type": SUBCOMMAND} for one in subcommands])


def _command(name: str, description: str, options: Sequence[JSON] = ()) -> JSON:
    return {"type": CHAT, "name": name, "description": description, "options": list(options)}


TOOL = _option(STRING, "tool", "The tool's name", required=True, autocomplete=True)
NAME = _option(STRING, "name", "The assistant's name", required=True, autocomplete=True)
SCOPE = _choice(
    "scope",
    "Where it holds; the whole server, if nothing is said",
    ("the whole server", "server"),
    ("this channel", "channel"),
)
WHAT = _choice("what", "This conversation, if nothing is said", ("this conversation", THIS), ("all that is mine", "me"))
THREAD = _option(STRING, "id", "Its id, as the list tells it", required=True)

COMMANDS: Sequence[JSON] = (
    _command(
        "ask",
        "Ask Parley",
        [
            _option(STRING, "prompt", "Your question", required=True, max_length=QUESTION_LIMIT),
            _option(BOOLEAN, "private", "Only you see the answer"),
            _option(ATTACHMENT, "attachment", "A file that the question is about"),
        ],
    ),
    _command("new", "Begin a fresh conversation here; the old one is kept"),
    _command("stop", "Stop the answer that is being made here"),
    _command("why", "How Parley came to its last answer here"),
    _command("help", "What you can say to Parley"),
    _group(
        "tools",
        "What Parley can use",
        _command("list", "What Parley can use here"),
        _command("enable", "Switch a tool on (admins)", [TOOL, SCOPE]),
        _command("disable", "Switch a tool off (admins)", [TOOL, SCOPE]),
        _command(
            "approve",
            "Say whether a tool runs only when somebody approves (admins)",
            [
                TOOL,
                _choice(
                    "state", "Whether it needs that", ("needs approval", "on"), ("needs none", "off"), required=True
                ),
                _choice(
                    "by",
                    "Who approves",
                    ("who asked", "asker"),
                    ("admins", "admins"),
                    ("either of them", "either"),
                ),
                SCOPE,
            ],
        ),
    ),
    _group(
        "assistant",
        "Who answers here, and how",
        _command("list", "The assistants of this server"),
        _command("show", "How an assistant is set", [{**NAME, "required": False}]),
        _command("create", "Make an assistant (admins)", [{**NAME, "autocomplete": False}]),
        _command("use", "Choose which assistant answers (admins)", [NAME, SCOPE]),
        _command(
            "set",
            "Change the assistant that answers here (admins)",
            [
                _choice(
                    "field",
                    "What to change",
                    *((word, word) for word in ("instructions", "model", "temperature", "tools")),
                    required=True,
                ),
                _option(STRING, "value", "What it is to be", required=True, max_length=VALUE_LIMIT),
            ],
        ),
        _command("delete", "Remove an assistant (admins)", [NAME]),
    ),
    _group(
        "files",
        "What Parley can search",
        _command("list", "The files that Parley can search here"),
        _command(
            "add",
            "Have a file searched (admins)",
            [_option(ATTACHMENT, "attachment", "The file", required=True), SCOPE],
        ),
        _command(
            "remove",
            "Remove a file (admins)",
            [_option(STRING, "file", "Its name, or the id that the list of namesakes tells", required=True), SCOPE],
        ),
    ),
    _group(
        "threads",
        "What programs talked about (admins)",
        _command("list", "The threads that programs made in this server (admins)"),
        _command("show", "The last messages of one (admins)", [THREAD]),
        _command("continue", "Go on with one in this conversation (admins)", [THREAD]),
    ),
    _command(
        "usage",
        "How much was used",
        [
            _choice("whose", "Yours, if nothing is said", ("mine", "me"), ("this channel's", "here"), ("all", "all")),
            _choice("period", "How far back", ("today", "day"), ("this month", "month")),
        ],
    ),
    _group(
        "budget",
        "How much may be used",
        _command("show", "The budgets that hold here"),
        _command(
            "set",
            "Set a budget (admins)",
            [
                _choice(
                    "who",
                    "Whose",
                    ("each person", "person"),
                    ("this channel", "here"),
                    ("the whole server", "server"),
                    required=True,
                ),
                _choice("period", "For how long", ("a day", "day"), ("a month", "month"), required=True),
                _choice(
                    "unit",
                    "What is counted",
                    ("tokens", "tokens"),
                    ("money", "money"),
                    ("no budget", OFF),
                    required=True,
                ),
                _option(NUMBER, "amount", "How much of it", min_value=0),
            ],
        ),
    ),
    _command(
        "audit",
        "What admins did (admins)",
        [_option(INTEGER, "count", "How many lines", min_value=1, max_value=MOST_LINES)],
    ),
    _command("export", "Get what is kept, as a file", [WHAT]),
    _command(
        "forget", "Delete what is kept", [WHAT, _option(BOOLEAN, "sure", "It is deleted only if you say that you are")]
    ),
    {"type": MESSAGE_MENU, "name": MENU},
)
"""Nothing is hidden from anybody: who may do something is looked at when somebody does."""


def completions(tools: Sequence[str], typed: str) -> list[dict[str, str]]:
    """At most 25 of the names that contain what was typed, those that begin so first."""
    wanted = typed.strip().lower()
    fitting = sorted((name for name in tools if wanted in name.lower()), key=lambda name: not name.startswith(wanted))
    return [{"name": name, "value": name} for name in fitting[:25] if len(name) <= 100]


async def synchronise(calls: Calls, application: str, servers: Sequence[str], joined: Sequence[str]) -> None:
    """Tell Discord the commands, where it has others. Failures are logged: everything else works without.

    With `servers` they are those of these servers, at once, and in direct conversations; else they hold everywhere.
    `joined`: the servers that Parley is in, where those of an earlier such setting are taken back.
    """
    contexts = [IN_DIRECT] if servers else [IN_SERVERS, IN_DIRECT]
    everywhere = {"contexts": contexts, "integration_types": [IN_SERVERS]}  # where Parley is, and not where a person is
    await _bring(calls, application, "", [command | everywhere for command in COMMANDS])
    for server in dict.fromkeys([*servers, *joined]):
        await _bring(calls, application, server, COMMANDS if server in servers else [])


async def _bring(calls: Calls, application: str, server: str, wanted: Sequence[JSON]) -> None:
    path = "/applications/{application_id}" + ("/guilds/{guild_id}/commands" if server else "/commands")
    ids = {"application_id": application, **({"guild_id": server} if server else {})}
    try:
        there = await calls.call(Route("GET", path, **ids), rank=Rank.SPARE, sure=True)
        if len(there) == len(wanted) and all(any(_covers(one, other) for other in there) for one in wanted):
            return
        await calls.call(Route("PUT", path, **ids), rank=Rank.SPARE, json=list(wanted), sure=True)
    except DiscordError as error:
        log.warning("commands not synchronised", server=server or "all", code=error.code, problem=str(error))
    else:
        log.info("commands synchronised", server=server or "all", number=len(wanted))


def _covers(wanted: Any, there: Any) -> bool:
    """Whether what Discord has says the same; it adds ids and what is so by default."""
    if isinstance(wanted, dict):
        empty = {name for name, value in wanted.items() if value in (False, [])}
        return isinstance(there, dict) and all(
            _covers(value, there.get(name, [] if value == [] else False) if name in empty else there.get(name))
            for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(there, list) and len(wanted) == len(there) and all(map(_covers, wanted, there))
    return bool(wanted == there)
