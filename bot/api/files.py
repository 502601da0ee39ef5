"""`/files`: what programs bring, and what tools made in the threads of their tenant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from bot.api import objects, pages
from bot.api.body import Body, checked
from bot.api.call import JSON, Call, Endpoint
from bot.api.errors import ApiError
from bot.api.refusals import short
from bot.assistants.types import new_id, well_formed
from bot.documents.reading import LARGEST
from bot.store import uploads, vector_stores
from bot.store.uploads import MADE, Upload
from bot.view import one_line

LARGEST_UPLOAD = LARGEST + 1_000_000
"""Bytes of a request that brings a file: the largest one, and what stands around it."""
MOST_LISTED = 10_000
LONGEST_NAME = 255
LONGEST_FIELD = 1_000
"""Bytes of a field that is no file."""

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
_MIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


class _ExpiresAfter(Body):
    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3_600, le=2_592_000)]


class _Fields(Body):
    """https://platform.openai.com/docs/api-reference/files/create"""

    purpose: Purpose
    expires_after: _ExpiresAfter | None = None


@dataclass(frozen=True, slots=True)
class _Brought:
    fields: _Fields
    name: str
    mime: str
    content: bytes


async def create(call: Call) -> JSON:
    brought, now = await _brought(call.request), call.desk.clock.now()
    after = brought.fields.expires_after
    made = Upload(
        new_id("file"), brought.name, brought.mime, len(brought.content), brought.fields.purpose, now,
        expires_at=now + after.seconds if after else None,
    )  # fmt: skip
    await call.desk.database.write(lambda tx: uploads.add(tx, call.tenant, made, brought.content))
    return objects.file(made)


async def listing(call: Call) -> JSON:
    query, now = call.query(*pages.PAGING, "purpose"), call.desk.clock.now()
    page = pages.asked({"limit": str(MOST_LISTED), **query}, MOST_LISTED)
    purpose = query.get("purpose")
    found, more = await call.desk.database.read(lambda c: uploads.list_all(c, call.tenant, page, now, purpose))
    return pages.listed([objects.file(one) for one in found], more)


async def retrieve(call: Call) -> JSON:
    id_, now = call.id("file_id"), call.desk.clock.now()
    return objects.file(await call.desk.database.read(lambda c: uploads.find(c, call.tenant, id_, now)))


async def content(call: Call) -> Response:
    id_, now = call.id("file_id"), call.desk.clock.now()

    async def operation(connection: AsyncConnection) -> tuple[Upload, bytes]:
        found = await uploads.find(connection, call.tenant, id_, now)
        return found, await uploads.bytes_of(connection, call.tenant, found)

    found, data = await call.desk.database.read(operation)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "content-type": _mime(found.mime),
        "x-content-type-options": "nosniff",
    }
    return Response(data, headers=headers)


async def delete(call: Call) -> JSON:
    id_, now = call.id("file_id"), call.desk.clock.now()

    async def operation(tx: AsyncConnection) -> None:
        found = await uploads.find(tx, call.tenant, id_, now)
        if found.purpose != MADE:
            await vector_stores.remove_upload(tx, call.tenant, id_)
        elif not await uploads.remove_made(tx, id_):
            raise ApiError("This file cannot be deleted before its run is over.", status=409)

    await call.desk.database.write(operation)
    return {"id": id_, "object": "file", "deleted": True}


# -- what a request brings --------------------------------------------------------------------------------------------


async def _brought(request: Request) -> _Brought:
    """Raises `ApiError`."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ApiError("Send a file as multipart/form-data, in the fields 'file' and 'purpose'.")
    async with request.form(max_files=1, max_fields=8, max_part_size=LONGEST_FIELD) as form:
        said = form.multi_items()
        if len(said) != len({name for name, _ in said}):
            raise ApiError("A field is given more than once.")
        file = form.get("file")
        fields = _fields({name: str(value) for name, value in said if name != "file"})
        if file is None:
            raise ApiError("Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
        if not isinstance(file, UploadFile):
            raise ApiError("Invalid type for 'file': expected a file.", param="file", code="invalid_type")
        if (file.size or 0) > LARGEST:
            raise ApiError(f"The file is larger than {LARGEST // 1_000_000} MB.", status=413, param="file")
        data = await file.read()
    if not data:
        raise ApiError("The file is empty.", param="file", code="invalid_value")
    return _Brought(fields, named(file.filename or ""), _mime(file.content_type or ""), data)


def _fields(said: Mapping[str, str]) -> _Fields:
    """Fields of a form; what stands in brackets belongs to an object. Raises `ApiError`."""
    fields: JSON = {}
    for name, value in said.items():
        outer, bracket, inner = name.partition("[")
        if not bracket:
            fields[name] = value
        else:
            within = fields.setdefault(outer, {})
            if not isinstance(within, dict):
                raise ApiError(f"Unknown parameter: '{short(name)}'.", param=short(name), code="unknown_parameter")
            whole = value.isascii() and value.isdigit() and len(value) < 10
            within[inner.removesuffix("]")] = int(value) if whole else value
    return checked(fields, _Fields)


def named(given: str) -> str:
    """The name of a file without its folders, in one line, and not too long; its ending is kept."""
    name = one_line(well_formed(re.split(r"[/\\]", given)[-1])).strip(". ") or "file"
    if len(name) <= LONGEST_NAME:
        return name
    ending = PurePosixPath(name).suffix[:10]
    return f"{name[: LONGEST_NAME - len(ending) - 1]}…{ending}"


def _mime(given: str) -> str:
    """A type that can stand in a header."""
    mime = given.partition(";")[0].strip().lower()
    return mime if _MIME.fullmatch(mime) else "application/octet-stream"


UPLOADS: Mapping[str, Mapping[str, Endpoint]] = {
    "/files": {"GET": listing, "POST": create},
}
"""What takes a body of up to `LARGEST_UPLOAD`."""

ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/files/{file_id}": {"GET": retrieve, "DELETE": delete},
    "/files/{file_id}/content": {"GET": content},
}
