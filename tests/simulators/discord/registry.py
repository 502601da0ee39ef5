"""The app's commands over REST: https://docs.discord.com/developers/interactions/application-commands#endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulators.discord.route import Asked, Route
from tests.simulators.discord.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

OVERWRITE = "PUT /applications/{application_id}/commands"
OVERWRITE_IN_GUILD = "PUT /applications/{application_id}/guilds/{guild_id}/commands"


def listed(world: World, asked: Asked) -> list[JSON]:
    return world.commands.listed(_guild(world, asked))


def overwrite(world: World, asked: Asked) -> list[JSON]:
    return world.commands.overwrite(_guild(world, asked), asked.body or [])


def create(world: World, asked: Asked) -> JSON:
    return world.commands.upsert(_guild(world, asked), asked.fields)


def get(world: World, asked: Asked) -> JSON:
    return world.commands.one(_guild(world, asked), asked.ids["command_id"])


def change(world: World, asked: Asked) -> JSON:
    return world.commands.change(_guild(world, asked), asked.ids["command_id"], asked.fields)


def delete(world: World, asked: Asked) -> None:
    world.commands.remove(_guild(world, asked), asked.ids["command_id"])


def permissions(world: World, asked: Asked) -> list[Any]:
    """Nobody has set permissions of commands in the guild's settings."""
    _guild(world, asked)
    return []


def _guild(world: World, asked: Asked) -> str:
    """The id of the guild that a call is about, empty for global commands. Raises `Refusal`."""
    if asked.ids["application_id"] != world.app_id:
        raise Refusal(50001)
    return world.guild_of(asked.ids["guild_id"]).id if "guild_id" in asked.ids else ""


_EVERYWHERE, _IN_GUILD = "/applications/{application_id}", "/applications/{application_id}/guilds/{guild_id}"
ROUTES = {"GET /applications/{application_id}/guilds/{guild_id}/commands/permissions": Route(permissions)} | {
    f"{method} {scope}/commands{path}": Route(answer)
    for scope in (_EVERYWHERE, _IN_GUILD)
    for method, path, answer in (
        ("GET", "", listed),
        ("PUT", "", overwrite),
        ("POST", "", create),
        ("GET", "/{command_id}", get),
        ("PATCH", "/{command_id}", change),
        ("DELETE", "/{command_id}", delete),
    )
}
