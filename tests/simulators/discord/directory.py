"""Who and what is there over REST: the gateway's address, the app, users, guilds, members, direct conversations.

https://docs.discord.com/developers/resources/user and its neighbours
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.discord import payloads
from tests.simulators.discord.route import Asked, Route
from tests.simulators.discord.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.discord.world import World


def gateway(world: World, asked: Asked) -> JSON:
    return {"url": world.gateway_url}


def gateway_bot(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/events/gateway#get-gateway-bot"""
    left = 1000 - world.gateway.identifies
    limit = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
    return {"url": world.gateway_url, "shards": world.shards, "session_start_limit": limit}


def me(world: World, asked: Asked) -> JSON:
    return payloads.user(world.me) | {"verified": True, "mfa_enabled": False, "email": None, "flags": 0}


def application(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/resources/application#application-object"""
    return {
        "id": world.app_id,
        "name": world.me.name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "hook": True,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": world.app_flags,
        "bot": payloads.user(world.me),
        "owner": payloads.user(world.developer),
        "team": None,
        "tags": [],
        "redirect_uris": [],
        "rpc_origins": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "integration_types_config": {"0": {}},
        **world.app_settings,
    }


def user(world: World, asked: Asked) -> JSON:
    person = world.people.get(asked.ids["user_id"])
    if person is None:
        raise Refusal(10013)
    return payloads.user(person)


def open_dm(world: World, asked: Asked) -> JSON:
    """https://docs.discord.com/developers/resources/user#create-dm: also with somebody who takes no messages."""
    person = world.people.get(str(asked.fields.get("recipient_id")))
    if person is None or person.webhook:
        raise Refusal(10013)
    return payloads.channel(world, world.dm(person))


def my_guilds(world: World, asked: Asked) -> list[JSON]:
    """https://docs.discord.com/developers/resources/user#get-current-user-guilds, with `limit` and `after`."""
    after, limit = int(asked.query.get("after", 0)), min(int(asked.query.get("limit", 200)), 200)
    found = []
    for guild in sorted((one for one in world.guilds if int(one.id) > after), key=lambda one: int(one.id))[:limit]:
        held = str(int(guild.granted(world.me)))
        about: JSON = {"id": guild.id, "name": guild.name, "icon": None, "banner": None, "features": []}
        found.append(about | {"owner": guild.owner == world.me.id, "permissions": held})
    return found


def guild(world: World, asked: Asked) -> JSON:
    one = world.guild_of(asked.ids["guild_id"])
    return payloads.guild(world, one) | {"approximate_member_count": len(one.members)}


def channels(world: World, asked: Asked) -> list[JSON]:
    return [payloads.channel(world, one) for one in world.guild_of(asked.ids["guild_id"]).channels]


def roles(world: World, asked: Asked) -> list[JSON]:
    return [payloads.role(one) for one in world.guild_of(asked.ids["guild_id"]).roles.values()]


def member(world: World, asked: Asked) -> JSON:
    one = world.guild_of(asked.ids["guild_id"])
    if asked.ids["user_id"] not in one.members:
        raise Refusal(10007)
    return payloads.member(one, world.people[asked.ids["user_id"]])


ROUTES = {
    "GET /gateway": Route(gateway, token=False),
    "GET /gateway/bot": Route(gateway_bot),
    "GET /users/@me": Route(me),
    "GET /users/@me/guilds": Route(my_guilds),
    "POST /users/@me/channels": Route(open_dm),
    "GET /users/{user_id}": Route(user),
    "GET /applications/@me": Route(application),
    "GET /oauth2/applications/@me": Route(application),
    "GET /guilds/{guild_id}": Route(guild),
    "GET /guilds/{guild_id}/channels": Route(channels),
    "GET /guilds/{guild_id}/roles": Route(roles),
    "GET /guilds/{guild_id}/members/{user_id}": Route(member),
}
