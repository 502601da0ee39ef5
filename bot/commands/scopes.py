"""Where a change holds, in the words that people say it with."""

from __future__ import annotations

from bot.ports import CommandRequest
from bot.store.policies import Scope

WORDS: dict[str, Scope] = {
    "here": "channel",
    "channel": "channel",
    "workspace": "workspace",
    "server": "workspace",
}


def named(request: CommandRequest, scope: Scope) -> str:
    """A scope in the platform's word."""
    return request.workspace if scope == "workspace" else scope


def whole(request: CommandRequest, scope: Scope) -> str:
    """`this channel` or `the whole server`."""
    if request.direct:
        return "this conversation" if scope == "channel" else "all direct conversations"
    return "this channel" if scope == "channel" else f"the whole {named(request, scope)}"


def chosen(request: CommandRequest, word: str) -> Scope | None:
    """The scope that a word names; without one the workspace, or the direct conversation. None for another word."""
    return WORDS.get(word.lower()) if word else "channel" if request.direct else "workspace"


def said(request: CommandRequest, text: str) -> str:
    """`text` with the platform's word for a workspace where it says `{workspace}`."""
    return text.format(workspace=named(request, "workspace"))


def unknown(request: CommandRequest, word: str) -> str:
    return f"“{word[:40]}” is no scope. Say “here” for this channel or “{named(request, 'workspace')}” for all of it."


def impossible(request: CommandRequest, scope: Scope) -> str:
    """The sentence for `here` where there is no channel, and for a workspace where there is none; empty where the scope
    makes sense."""
    if scope == "workspace" and request.direct:
        return f"There is no {named(request, scope)} here: this is a direct conversation. Say “here”."
    if scope == "channel" and not request.conversation.channel:
        return f"There is no channel here. Say “{named(request, 'workspace')}”."
    return ""
