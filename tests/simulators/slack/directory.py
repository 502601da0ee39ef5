"""Who is who: auth.test, users.info, bots.info, team.info; and the app: apps.connections.open, apps.manifest.export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulators.slack.limits import SPECIAL, TIER_3, TIER_4
from tests.simulators.slack.method import Method
from tests.simulators.slack.values import JSON, Refusal

if TYPE_CHECKING:
    from tests.simulators.slack.workspace import Workspace


def auth_test(workspace: Workspace, _: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/auth.test"""
    return {
        "url": workspace.url,
        "team": "Acme",
        "user": "parley",
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def users_info(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/users.info; of people of other organisations it tells no roles."""
    id_ = arguments["user"]
    if id_ == workspace.bot_user:
        return {"user": _user(workspace, id_, "Parley", workspace.team_id) | {"is_bot": True, "is_admin": False}}
    person = workspace.people.get(id_)
    if person is None:
        raise Refusal("user_not_found")
    user = _user(workspace, id_, person.name, person.team_id) | {"is_bot": person.bot}
    if person.foreign:
        return {"user": user | {"is_stranger": False}}
    roles = {"is_admin": person.admin or person.owner, "is_owner": person.owner, "is_primary_owner": False}
    return {"user": user | roles | {"is_restricted": person.guest, "is_ultra_restricted": False}}


def bots_info(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/bots.info"""
    apps = {workspace.bot_id: (workspace.app_id, workspace.bot_user, "parley"), "B2": ("A2", "", "another")}
    found = apps.get(arguments.get("bot", ""))
    if found is None:
        raise Refusal("bot_not_found")
    app, user, name = found
    return {"bot": {"id": arguments["bot"], "app_id": app, "user_id": user, "name": name, "deleted": False}}


def team_info(workspace: Workspace, _: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/team.info"""
    return {"team": {"id": workspace.team_id, "name": "Acme", "domain": "acme", "email_domain": "", "icon": {}}}


def connections_open(workspace: Workspace, _: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/apps.connections.open"""
    ticket = workspace.sockets.ticket(workspace.next_id("ticket-"))
    return {"url": f"{workspace.base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={workspace.app_id}"}


def manifest_export(workspace: Workspace, arguments: JSON) -> JSON:
    """https://docs.slack.dev/reference/methods/apps.manifest.export: the app as it is configured."""
    if arguments["app_id"] != workspace.app_id:
        raise Refusal("app_not_found")
    settings = {"event_subscriptions": {"bot_events": sorted(workspace.events)}, "socket_mode_enabled": True}
    return {
        "manifest": {
            "display_information": {"name": "Parley"},
            "features": {"bot_user": {"display_name": "parley"}},
            "oauth_config": {"scopes": {"bot": list(workspace.tokens.scopes)}},
            "settings": settings,
        }
    }


def _user(workspace: Workspace, id_: str, name: str, team: str) -> JSON:
    profile = {"real_name": name, "display_name": name, "team": team}
    user: JSON = {"id": id_, "team_id": team, "name": name.lower(), "real_name": name, "deleted": False}
    return user | {"tz": "Europe/Zurich", "tz_offset": 3600, "profile": profile, "updated": int(workspace.now())}


METHODS = {
    "auth.test": Method(auth_test, SPECIAL, token="any"),
    "users.info": Method(users_info, TIER_4, ("users:read",)),
    "bots.info": Method(bots_info, TIER_3, ("users:read",)),
    "team.info": Method(team_info, TIER_3, ("team:read",)),
    "apps.connections.open": Method(connections_open, TIER_3, token="app"),
    "apps.manifest.export": Method(manifest_export, TIER_3, token="config"),
}
