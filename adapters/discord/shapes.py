"""Shapes: whether what Discord dispatches is as it documents it, so far as Parley looks into it.

discord.py keeps most values as they come. What is of another form is told apart here, once, before it reads it.
https://docs.discord.com/developers/resources/message,
https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import StrictInt

from adapters.discord.commands import MENU
from adapters.shape import Maybe, Shape, Text, misfit

Id = Text | StrictInt
"""A snowflake; true is no number here."""
Flag = bool | None


class User(Shape):
    """discord.py leaves out whom it cannot read, and the message has no such attribute then."""

    id: Id
    username: Text
    discriminator: Text
    avatar: Maybe
    global_name: Maybe = None
    bot: Flag = None


class Member(Shape):
    nick: Maybe = None
    roles: list[Id]
    user: User | None = None


class Attachment(Shape):
    id: Id
    filename: Text
    url: Text
    size: int
    content_type: Maybe = None


class Snapshot(Shape):
    class Inner(Shape):
        content: Text = ""

    message: Inner


class Said(Shape):
    """A message. Its updates have all of it."""

    id: Id
    channel_id: Id
    guild_id: Id | None = None
    type: int = 0
    content: Text = ""
    author: User
    member: Member | None = None
    mentions: list[User]
    mention_roles: list[Id]
    attachments: list[Attachment]
    message_snapshots: list[Snapshot] | None = None
    referenced_message: Said | None = None
    edited_timestamp: Maybe = None


class Option(Shape):
    name: Text
    type: int
    value: Text | bool | int | float | None = None
    options: list[Option] | None = None


class Resolved(Shape):
    attachments: dict[str, Attachment] | None = None


class Command(Shape):
    name: Text
    options: list[Option] | None = None
    resolved: Resolved | None = None


class Quoted(Shape):
    id: Id
    content: Maybe = None
    author: User
    attachments: list[Attachment] | None = None


class ResolvedMessages(Shape):
    messages: dict[str, Quoted]


class Menu(Shape):
    target_id: Text
    resolved: ResolvedMessages


class Component(Shape):
    custom_id: Text
    values: list[Text] | None = None


class Part(Shape):
    custom_id: Maybe = None
    value: Any = None
    component: Part | None = None
    components: list[Part] | None = None


class Gone(Shape):
    """A message that was deleted, or several."""

    id: Id | None = None
    ids: list[Id] | None = None
    channel_id: Id
    guild_id: Id | None = None


class Modal(Shape):
    custom_id: Text
    components: list[Part]


class Interaction(Shape):
    id: Id
    token: Text
    type: int
    channel_id: Id | None = None
    guild_id: Id | None = None
    data: Any = None
    user: User | None = None
    member: Member | None = None


PING, COMMAND, COMPONENT, COMPLETION, MODAL = range(1, 6)
DATA: Mapping[int, type[Shape]] = {COMMAND: Command, COMPONENT: Component, COMPLETION: Command, MODAL: Modal}
ABOUT_MESSAGES = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})


def problem(event: str, payload: Any) -> str:
    """Why a dispatch cannot be read, in a few words without what it says; empty where it can be."""
    if event in ABOUT_MESSAGES:
        found = misfit(Said, payload)
        lost = not found and bool(payload.get("member")) and not payload.get("guild_id")
        return "a member of no server" if lost else found
    if event in ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK"):
        return misfit(Gone, payload)
    if event != "INTERACTION_CREATE":
        return ""
    if found := misfit(Interaction, payload):
        return found
    if not (payload.get("user") or (payload.get("member") or {}).get("user")):
        return "nobody did it"
    return _of_data(payload["type"], payload.get("data"))


def _of_data(kind: int, data: Any) -> str:
    shape = DATA.get(kind)
    if shape is None:
        return ""
    found = misfit(shape, data)
    if found or shape is not Command:
        return found
    if data["name"] == MENU:
        known = misfit(Menu, data)
        return known or ("" if data["target_id"] in data["resolved"]["messages"] else "no message")
    asks = any(one["name"] == "prompt" for one in data.get("options") or ())
    return "" if asks or kind != COMMAND or data["name"] != "ask" else "no prompt"
