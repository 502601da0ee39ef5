"""Messages that programs bring: what of them the model is to read, and what is to be searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api.call import Call
from bot.api.errors import ApiError
from bot.assistants.types import File, Message, Role, new_id
from bot.documents import reading
from bot.errors import NotFound
from bot.store import files, threads, uploads
from bot.store.library import Shelf
from bot.store.uploads import Upload

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
LONGEST_TEXT = 50_000
"""Characters of an attached file that the model reads with the message, where it cannot be searched."""


@dataclass(frozen=True, slots=True)
class Incoming:
    id: str
    role: Role
    text: str
    blocks: Sequence[Mapping[str, Any]] | None
    attachments: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, str]
    files: Sequence[File] = ()
    searched: Sequence[tuple[Upload, bytes]] = field(default=(), repr=False)
    """What is to be found in the thread from now on."""


async def read(call: Call, given: Mapping[str, Any]) -> Incoming:
    """Look up what a message refers to. Raises `ApiError`, and `NotFound` for a file that is not the tenant's."""
    content = given["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    blocks = [_block(part) for part in parts]
    seen = [await _image(call, part) for part in parts if part["type"] != "text"]
    attached, searched = await _attached(call, given.get("attachments") or ())
    plain = len(blocks) == 1 and blocks[0]["type"] == "text"
    return Incoming(
        new_id("msg"),
        given["role"],
        "\n\n".join(part["text"] for part in parts if part["type"] == "text"),
        None if plain and not attached else blocks,
        [{"file_id": one["file_id"], "tools": one.get("tools", [])} for one in given.get("attachments") or ()],
        given.get("metadata") or {},
        [*seen, *attached],
        searched,
    )


async def add(tx: AsyncConnection, thread_id: str, some: Sequence[Incoming], now: float) -> list[Message]:
    """Append messages to a thread."""
    added = []
    for one in some:
        message = Message(
            one.id,
            thread_id,
            now,
            one.role,
            one.text,
            attachments=one.attachments,
            completed_at=now,
            metadata=one.metadata,
            blocks=one.blocks,
        )
        await threads.add_message(tx, message)
        added.append(message)
    await files.add(tx, {one.id: one.files for one in some if one.files})
    return added


async def shelve(call: Call, thread_id: str, some: Sequence[Incoming]) -> None:
    """Let what came with messages be found in their thread."""
    shelf = Shelf(call.tenant.platform, call.tenant.workspace, thread_id=thread_id)
    for one in some:
        for upload, data in one.searched:
            library = call.desk.library
            try:
                await library.read(
                    library.place(shelf, upload.name, upload.mime, upload.size, "", one.id), data, begun=False
                )
            except NotFound:
                return  # it was deleted meanwhile


def _block(part: Mapping[str, Any]) -> dict[str, Any]:
    match part["type"]:
        case "text":
            return {"type": "text", "text": {"value": part["text"], "annotations": []}}
        case kind:
            return {"type": kind, kind: {"detail": "auto", **part[kind]}}


async def _image(call: Call, part: Mapping[str, Any]) -> File:
    if part["type"] == "image_url":
        url = part["image_url"]["url"]
        return File(url.rpartition("/")[2][:100] or "image", "image/*", 0, url=url)
    upload, data = await _upload(call, part["image_file"]["file_id"])
    if upload.mime not in IMAGES:
        raise ApiError(
            f"The file '{upload.id}' is no image that models can look at: give a PNG, JPEG, GIF or WebP.",
            param="content", code="invalid_image",
        )  # fmt: skip
    return File(upload.name, upload.mime, upload.size, data=data)


async def _attached(
    call: Call, attachments: Sequence[Mapping[str, Any]]
) -> tuple[Sequence[File], Sequence[tuple[Upload, bytes]]]:
    """Files for the model to read, and those that are to be searched."""
    read_along: list[File] = []
    searched: list[tuple[Upload, bytes]] = []
    for number, one in enumerate(attachments):
        upload, data = await _upload(call, one["file_id"])
        if upload.mime in IMAGES:
            read_along.append(File(upload.name, upload.mime, upload.size, data=data))
            continue
        document = await reading.read(upload.name, upload.mime, data)
        if document.problem:
            raise ApiError(document.problem, param=f"attachments[{number}].file_id", code="unsupported_file")
        if any(tool["type"] == "file_search" for tool in one.get("tools", [])):
            searched.append((upload, data))
        else:
            text = "\n\n".join(passage.text for passage in document.passages)
            read_along.append(File(upload.name, upload.mime, upload.size, text[:LONGEST_TEXT]))
    return read_along, searched


async def _upload(call: Call, file_id: str) -> tuple[Upload, bytes]:
    async def operation(connection: AsyncConnection) -> tuple[Upload, bytes]:
        found = await uploads.get(connection, call.tenant, file_id)
        return found, await uploads.content(connection, call.tenant, file_id)

    return await call.desk.database.read(operation)
