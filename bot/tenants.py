"""Tenants: whose the objects are that a program sees.

A tenant is a platform's workspace (`slack:T024BE7LH`, `discord:1234`), or a name of the operator's own (`default`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import ParleyError

PROGRAMS = "api"
"""The platform, as it were, of what programs ask for."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_WORKSPACE = re.compile(r"(slack|discord|console):([A-Za-z0-9@_.-]{1,64})")


@dataclass(frozen=True, slots=True)
class Tenant:
    platform: str
    workspace: str

    def __str__(self) -> str:
        return self.workspace if self.platform == PROGRAMS else f"{self.platform}:{self.workspace}"

    @classmethod
    def named(cls, name: str) -> Tenant:
        """Raises `ParleyError` where the name is none."""
        if found := _WORKSPACE.fullmatch(name):
            return cls(found[1], found[2])
        if _NAME.fullmatch(name):
            return cls(PROGRAMS, name)
        raise ParleyError(
            f"“{name}” is no tenant. Give a workspace, as slack:T024BE7LH or discord:1234, or a name of letters and "
            "digits."
        )


DEFAULT = Tenant(PROGRAMS, "default")
