"""What tools work on: the files and vector stores that an assistant or a thread names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.api.call import Call
from bot.store import uploads, vector_stores


async def kept(call: Call, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Tool resources as they are kept, with the ids of vector stores that were made for them.

    Raises `NotFound` for a file or a store that is not the tenant's.
    """
    if given is None:
        return None
    made: dict[str, Any] = {}
    code, search = given.get("code_interpreter"), given.get("file_search")
    if code is not None:
        made["code_interpreter"] = {"file_ids": code.get("file_ids", [])}
        await call.desk.database.read(lambda c: _must_be_there(c, call, code.get("file_ids", []), []))
    if search is not None:
        from bot.api.vector_stores import make

        ids = list(search.get("vector_store_ids") or ())
        await call.desk.database.read(lambda c: _must_be_there(c, call, [], ids))
        ids += [await make(call, one) for one in search.get("vector_stores") or ()]
        made["file_search"] = {"vector_store_ids": ids}
    return made


async def _must_be_there(
    connection: AsyncConnection, call: Call, file_ids: Sequence[str], store_ids: Sequence[str]
) -> None:
    for file_id in file_ids:
        await uploads.get(connection, call.tenant, file_id)
    for store_id in store_ids:
        await vector_stores.get(connection, call.tenant, store_id)
