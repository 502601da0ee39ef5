"""The commands of Discord: how they are told to it, and what somebody who used one says by that.

https://docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from adapters.discord.calls import Calls, DiscordError, Route
from adapters.pace import Rank

CHAT, MESSAGE_MENU = 1, 3
SUBCOMMAND, STRING, BOOLEAN, ATTACHMENT = 1, 3, 5, 11
IN_SERVERS, IN_DIRECT = 0, 1
QUESTION_LIMIT = 4_000
"""Characters; Discord takes 6,000 in an option."""

MENU = "Ask Parley about this"

JSON = dict[str, Any]
log = structlog.get_logger(__name__)


def _option(kind: int, name: str, description: str, *, required: bool = False, **more: Any) -> JSON:
    return {"type": kind, "name": name, "description": description, "required": required, **more}


def _switch(name: str, description: str) -> JSON:
    scopes = [{"name": "the whole server", "value": "server"}, {"name": "this channel", "value": "channel"}]
    tool = _option(STRING, "tool", "The tool's name", required=True, autocomplete=True)
    scope = _option(STRING, "scope", "Where it holds; the whole server, if nothing is said", choices=scopes)
    return {"type": SUBCOMMAND, "name": name, "description": description, "options": [tool, scope]}


def _command(name: str, description: str, options: Sequence[JSON] = ()) -> JSON:
    return {"type": CHAT, "name": name, "description": description, "options": list(options)}


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
    _command("help", "What you can say to Parley"),
    _command(
        "tools",
        "What Parley can use",
        [
            {"type": SUBCOMMAND, "name": "list", "description": "What Parley can use here", "options": []},
            _switch("enable", "Switch a tool on (admins)"),
            _switch("disable", "Switch a tool off (admins)"),
        ],
    ),
    {"type": MESSAGE_MENU, "name": MENU},
)
"""Nothing is hidden from anybody: who may switch tools is looked at when somebody does."""


@dataclass(frozen=True, slots=True)
class Used:
    """A command as somebody used it: `name` with that of its subcommand (`tools enable`), and the options given."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    focused: str = ""
    """The option that is being typed, where it is to be completed."""

    @property
    def line(self) -> str:
        """The command in words, as the core takes it."""
        tool, scope = _word(self.options.get("tool")), _word(self.options.get("scope"))
        return " ".join(word for word in (self.name, tool, scope) if word)


def used(data: Mapping[str, Any]) -> Used:
    """From an interaction's data: https://docs.discord.com/developers/interactions/receiving-and-responding"""
    name, options = str(data["name"]), data.get("options") or []
    while options and options[0]["type"] == SUBCOMMAND:
        name, options = f"{name} {options[0]['name']}", options[0].get("options") or []
    given = {option["name"]: option.get("value") for option in options}
    focused = next((option["name"] for option in options if option.get("focused")), "")
    return Used(name, given, focused)


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


def _word(value: Any) -> str:
    return re.sub(r"\s+", "_", str(value or "").strip())
