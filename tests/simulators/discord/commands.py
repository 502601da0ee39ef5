"""The app's commands: what it registered, and what a person types for them.

https://docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tests.simulators.discord.permissions import Permission
from tests.simulators.discord.values import JSON, Refusal, form_error

if TYPE_CHECKING:
    from tests.simulators.discord.guild import Guild
    from tests.simulators.discord.world import World

CHAT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUB, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
"""https://docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-option-type"""
MOST = {CHAT: 100, USER_MENU: 15, MESSAGE_MENU: 15}
"""https://docs.discord.com/developers/interactions/application-commands#registering-a-command"""
_NAME = re.compile(r"[-_'\w]{1,32}")


class Commands:
    """What the app registered. `overwrites` counts bulk overwrites, everywhere and per guild together."""

    def __init__(self, world: World) -> None:
        self.overwrites = 0
        self._world = world
        self._registered: dict[str, list[JSON]] = {}

    @property
    def everywhere(self) -> list[JSON]:
        return self._registered.get("", [])

    def of(self, guild: Guild) -> list[JSON]:
        """The commands of one guild only."""
        return self._registered.get(guild.id, [])

    def names(self, guild: Guild | None = None) -> list[str]:
        """The names of the global commands, or of those of one guild."""
        return [command["name"] for command in self._registered.get(guild.id if guild else "", [])]

    # --- for the routes; `guild` is an id, empty for global commands

    def listed(self, guild: str) -> list[JSON]:
        return self._registered.get(guild, [])

    def overwrite(self, guild: str, bodies: list[JSON]) -> list[JSON]:
        """Replace all; commands of the same kind and name keep their ids. Raises `Refusal`."""
        self.overwrites += 1
        for kind, most in MOST.items():
            if sum((body.get("type") or CHAT) == kind for body in bodies) > most:
                raise form_error("_", "APPLICATION_COMMAND_TOO_MANY", f"Must be {most} or fewer of type {kind}")
        made = [self._made(guild, body) for body in bodies]
        keys = [(command["type"], command["name"]) for command in made]
        if len(set(keys)) < len(keys):
            raise form_error("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        self._registered[guild] = made
        return made

    def upsert(self, guild: str, body: JSON) -> JSON:
        """Add one, or replace the one of its kind and name. Raises `Refusal`."""
        made = self._made(guild, body)
        others = [command for command in self.listed(guild) if command["id"] != made["id"]]
        self._registered[guild] = [*others, made]
        return made

    def change(self, guild: str, id_: str, body: JSON) -> JSON:
        command = self.one(guild, id_)
        made = self._made(guild, {**command, **body}) | {"id": id_}
        self._registered[guild] = [made if each is command else each for each in self.listed(guild)]
        return made

    def one(self, guild: str, id_: str) -> JSON:
        for command in self.listed(guild):
            if command["id"] == id_:
                return command
        raise Refusal(10063)

    def remove(self, guild: str, id_: str) -> None:
        self.listed(guild).remove(self.one(guild, id_))

    def find(self, name: str, kind: int, guild: str) -> JSON:
        """What people would use under this name in a guild, or (empty) a direct conversation. Raises `LookupError`."""
        seen = [*self.listed(guild), *(self.everywhere if guild else [])]
        for command in seen:
            if command["name"] == name and command["type"] == kind:
                return command
        raise LookupError(f"no command {name}; there are {[command['name'] for command in seen]}")

    def _made(self, guild: str, body: JSON) -> JSON:
        kind = body.get("type") or CHAT
        _check(body, kind)
        before = [each for each in self.listed(guild) if (each["type"], each["name"]) == (kind, body["name"])]
        permissions = body.get("default_member_permissions")
        made: JSON = {
            "description": "",
            "options": [],
            "nsfw": False,
            "dm_permission": True,
            "contexts": None,
            "integration_types": [0],
            **body,
            "type": kind,
            "id": before[0]["id"] if before else self._world.next_id(),
            "version": self._world.next_id(),
            "application_id": self._world.app_id,
            "default_member_permissions": None if permissions is None else str(permissions),
        }
        return made | {"guild_id": guild} if guild else made


def allowed(command: JSON, permissions: Permission | None) -> bool:
    """Whether Discord shows a command to somebody with these permissions, None in a direct conversation."""
    if permissions is None:
        contexts = command.get("contexts")
        return command.get("dm_permission") is not False if contexts is None else 1 in contexts
    needed = int(command["default_member_permissions"] or 0)
    shown = not permissions & Permission.ADMINISTRATOR and (int(permissions) & needed) != needed
    return bool(permissions & Permission.USE_APPLICATION_COMMANDS) and not shown


def typed(command: JSON, words: list[str]) -> tuple[JSON, list[JSON]]:
    """The (sub)command that the words after the name lead to, and those on the way. Raises `LookupError`."""
    way: list[JSON] = []
    for word in words:
        inside = [option for option in command.get("options") or [] if option["type"] in (SUB, GROUP)]
        found = [option for option in inside if option["name"] == word]
        if not found:
            raise LookupError(f"no {word}; there are {[option['name'] for option in inside]}")
        command = found[0]
        way.append(command)
    if any(option["type"] in (SUB, GROUP) for option in command.get("options") or []):
        raise LookupError(f"{command['name']} is not whole: it goes on")
    return command, way


def filled(command: JSON, given: Mapping[str, Any], *, partly: bool = False) -> Iterator[tuple[JSON, Any]]:
    """Each option with the value that a person gave it, checked as Discord's own form does. Raises `LookupError`."""
    options = {option["name"]: option for option in command.get("options") or []}
    if unknown := set(given) - set(options):
        raise LookupError(f"{command['name']} has no {sorted(unknown)}; it has {list(options)}")
    for name, option in options.items():
        if name in given:
            if not partly:
                _check_value(option, given[name])
            yield option, given[name]
        elif option.get("required") and not partly:
            raise LookupError(f"{command['name']} needs {name}")


def _check_value(option: JSON, value: Any) -> None:
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise LookupError(f"{value!r} is none of {choices}")
    if option["type"] == STRING and not (
        (option.get("min_length") or 0) <= len(value) <= (option.get("max_length") or 6000)
    ):
        raise LookupError(f"{option['name']} is too short or too long")
    if option["type"] in (INTEGER, NUMBER):
        lowest, highest = option.get("min_value"), option.get("max_value")
        if (lowest is not None and value < lowest) or (highest is not None and value > highest):
            raise LookupError(f"{option['name']} is out of its range")


def _check(body: JSON, kind: int) -> None:
    """Raises `Refusal` for what the published types do not say."""
    name = body["name"]
    if kind == CHAT and (not _NAME.fullmatch(name) or name != name.lower()):
        raise form_error("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if kind == CHAT and not body.get("description"):
        raise form_error("description", "BASE_TYPE_REQUIRED", "This field is required")
    optional = False
    for number, option in enumerate(body.get("options") or []):
        if option.get("required") and optional:
            message = "Required options must be placed before non-required options"
            raise form_error(f"options.{number}", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional |= not option.get("required")
        if option["type"] in (SUB, GROUP):
            _check(option, CHAT)
