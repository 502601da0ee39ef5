"""Who may talk to Parley, and who may hold the switches."""

from __future__ import annotations

from collections.abc import Collection

from bot.ports import CommandRequest, InboundMessage, Press

OPERATOR = "console"
"""The platform of the operator's own terminal: whoever sits there is an admin, and is let in."""

KEPT_OUT = "I am not allowed to answer you here. Ask the people who run me to change that."


def is_admin(request: CommandRequest | Press, admins: Collection[str]) -> bool:
    """`admins` are the operator's `ADMINS`; they are added to those that the platform itself calls admins."""
    platform = request.conversation.platform
    return platform == OPERATOR or request.platform_admin or f"{platform}:{request.author.id}" in admins


def refusal(asked: InboundMessage | CommandRequest | Press, *, allow: Collection[str], deny: Collection[str]) -> str:
    """The sentence for someone who is kept out; empty for whoever may talk to Parley.

    `allow` and `deny` are the operator's `ALLOW` and `DENY`: references (`slack:C024BE91L`) to people, their roles,
    channels, threads and workspaces. What is denied is kept out whatever else is allowed; where anything is allowed,
    all the rest is not.
    """
    where = asked.conversation
    if where.platform == OPERATOR:
        return ""
    ids = (where.workspace, where.channel, where.thread, asked.author.id, *asked.roles)
    about = {f"{where.platform}:{id_}" for id_ in ids}
    kept_out = about & set(deny) or (allow and not about & set(allow))
    return KEPT_OUT if kept_out else ""
