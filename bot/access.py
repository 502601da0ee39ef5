"""Who may hold the switches."""

from __future__ import annotations

from collections.abc import Collection

from bot.ports import CommandRequest

OPERATOR = "console"
"""The platform of the operator's own terminal: whoever sits there is an admin."""


def is_admin(request: CommandRequest, admins: Collection[str]) -> bool:
    """`admins` are the operator's `ADMINS`; they are added to those that the platform itself calls admins."""
    platform = request.conversation.platform
    return platform == OPERATOR or request.platform_admin or f"{platform}:{request.author.id}" in admins
