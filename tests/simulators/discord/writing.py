"""The content of the app's messages: Discord's limits, and how a body becomes a message, whichever route brings it.

https://docs.discord.com/developers/resources/message#create-message
"""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, TypeVar

from tests.simulators.discord import posting
from tests.simulators.discord.interactions import FILE_BYTES
from tests.simulators.discord.messages import (
    BUTTON,
    COMPONENTS_V2,
    EPHEMERAL,
    ROW,
    SELECT,
    SUPPRESS_EMBEDS,
    TEXT_DISPLAY,
    File,
    Message,
    flat,
)
from tests.simulators.discord.route import Asked
from tests.simulators.discord.values import JSON, Refusal, form_error

if TYPE_CHECKING:
    from tests.simulators.discord.world import World

CONTENT, EMBEDS, ROWS, FILES = 2_000, 6_000, 5, 10
"""https://docs.discord.com/developers/resources/message#create-message and #embed-object-embed-limits"""
V2_TEXT, V2_COMPONENTS = 4_000, 40
LINK = 5
Value = TypeVar("Value", str, list[JSON])
_SETTABLE = SUPPRESS_EMBEDS | EPHEMERAL | COMPONENTS_V2 | 1 << 12


def write(world: World, message: Message, body: JSON, asked: Asked, *, new: bool) -> None:
    """Bring a message to what a body says; fields that are absent stay. Raises `Refusal` before anything changes."""
    content = _changed(body, "content", message.content, "")
    embeds = _changed(body, "embeds", message.embeds, [])
    components = _changed(body, "components", message.components, [])
    flags = message.flags & ~_SETTABLE | (body.get("flags") or 0) & _SETTABLE if "flags" in body else message.flags
    kept = _kept(message, body)
    _check_files(asked, len(kept))
    _check(content, embeds, components, v2=bool(flags & COMPONENTS_V2))
    if not (content.strip() or embeds or components or kept or asked.uploads):
        raise Refusal(50006)
    message.content, message.embeds, message.flags = content, embeds, flags
    message.components = _numbered(components)
    message.files = kept + [_file(world, message, body, asked, number) for number in range(len(asked.uploads))]
    if new or "content" in body or "components" in body:
        posting.mention(world, message, body.get("allowed_mentions"), pings=new)
    if not new and not message.loading:
        message.edited_at = world.now()


def _changed(body: JSON, name: str, before: Value, empty: Value) -> Value:
    found: Value = body[name] or empty if name in body else before
    return found


def _check(content: str, embeds: list[JSON], components: list[JSON], *, v2: bool) -> None:
    if len(content) > CONTENT:
        raise form_error("content", "BASE_TYPE_MAX_LENGTH", f"Must be {CONTENT} or fewer in length.")
    if sum(_size(embed) for embed in embeds) > EMBEDS:
        raise form_error("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBEDS}")
    parts = list(flat(components))
    if v2:
        _check_v2(content, embeds, parts)
    elif len(components) > ROWS:
        raise form_error("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ROWS} in length.")
    ids = [part["custom_id"] for part in parts if part.get("custom_id")]
    if len(set(ids)) < len(ids):
        raise form_error("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    for part in parts:
        _check_part(part)


def _check_part(part: JSON) -> None:
    """https://docs.discord.com/developers/components/reference#action-row, #button and #string-select"""
    if part["type"] == ROW:
        kinds = {inner["type"] for inner in part["components"]}
        if kinds != {BUTTON} and len(part["components"]) > 1:
            raise form_error("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The row has no room for that")
    elif part["type"] == BUTTON:
        if part["style"] < LINK and not part.get("custom_id"):
            raise form_error("components", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
        if not ((part.get("label") or "").strip() or part.get("emoji")):
            raise form_error("components", "BUTTON_COMPONENT_INVALID", "A label or an emoji is required")
    elif part["type"] == SELECT:
        values = [option["value"] for option in part["options"]]
        if len(set(values)) < len(values):
            raise form_error("components", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The value is already used")
        if (part.get("max_values") or 1) > len(values) or (part.get("min_values") or 0) > len(values):
            raise form_error("components", "BASE_TYPE_BAD_LENGTH", "There are fewer options")


def _check_v2(content: str, embeds: list[JSON], parts: list[JSON]) -> None:
    """https://docs.discord.com/developers/components/reference#component-reference"""
    if content or embeds:
        code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        raise form_error("content" if content else "embeds", code, "The field cannot be used with IS_COMPONENTS_V2")
    if len(parts) > V2_COMPONENTS:
        raise form_error("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", f"Must be {V2_COMPONENTS} or fewer")
    if sum(len(part["content"]) for part in parts if part["type"] == TEXT_DISPLAY) > V2_TEXT:
        raise form_error("components", "COMPONENT_MAX_TOTAL_TEXT_EXCEEDED", f"Must be {V2_TEXT} or fewer")


def _check_files(asked: Asked, kept: int) -> None:
    if len(asked.uploads) + kept > FILES:
        raise form_error("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer in length.")
    if any(len(upload.content) > FILE_BYTES for upload in asked.uploads):
        raise Refusal(40005)


def _size(embed: JSON) -> int:
    """The characters that count: title, description, fields, footer and author.

    https://docs.discord.com/developers/resources/message#embed-object-embed-limits
    """
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or ():
        texts += [field["name"], field["value"]]
    return sum(len(text) for text in texts if text)


def _numbered(components: list[JSON]) -> list[JSON]:
    """Components with the ids that Discord gives to those that have none."""
    for number, part in enumerate(flat(components), 1):
        part.setdefault("id", number)
    return components


def _kept(message: Message, body: JSON) -> list[File]:
    """The files that stay: all of them, unless `attachments` names those that do, beside the new ones.

    https://docs.discord.com/developers/resources/message#edit-message
    """
    if body.get("attachments") is None:
        return message.files
    named = {str(one["id"]) for one in body["attachments"]}
    return [file for file in message.files if file.id in named]


def _file(world: World, message: Message, body: JSON, asked: Asked, number: int) -> File:
    upload = asked.uploads[number]
    about: JSON = {}
    for one in body.get("attachments") or ():
        about = one if str(one["id"]) == str(upload.number) else about
    name = about.get("filename") or upload.name
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = world.file(name, upload.content, mimetype)
    file.channel, file.description, file.ephemeral = message.channel.id, about.get("description"), message.ephemeral
    return file
