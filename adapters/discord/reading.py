"""Reads channels, threads and direct conversations: what of ours they show already.

https://docs.discord.com/developers/resources/message#get-channel-messages
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.routes import MESSAGES
from adapters.pace import Rank

PAGE = 100
"""Messages of a page; Discord gives no more."""

Message = Mapping[str, Any]

log = structlog.get_logger(__name__)


async def after(calls: Calls, place: str, id_: str, *, pages: int, rank: Rank = Rank.LOOKUP) -> list[Message]:
    """The messages of a place after an id, oldest first, as far as so many pages reach. Raises `DiscordError`."""
    found: list[Message] = []
    for _ in range(pages):
        page = await _page(calls, place, {"after": id_, "limit": PAGE}, rank)
        found += page
        if len(page) < PAGE:
            break
        id_ = str(page[-1]["id"])
    return found


async def before(calls: Calls, place: str, id_: str, count: int) -> list[Message]:
    """The newest messages of a place before an id, at most `count` (100), oldest first. Raises `DiscordError`."""
    return await _page(calls, place, {"before": id_, "limit": count}, Rank.LOOKUP)


async def ours(calls: Calls, me: str, place: str, since: str) -> Sequence[Message]:
    """Our own messages in a place after an id, oldest first. Nothing where Discord does not show them.

    Raises `DiscordError` where it could show them later.
    """
    try:
        found = await after(calls, place, since, pages=3, rank=Rank.FINAL)
    except DiscordError as error:
        if not error.permanent:
            raise
        log.warning("messages not read, what they show of an answer is not known", code=error.code)
        return []
    return [message for message in found if message["author"]["id"] == me]


async def _page(calls: Calls, place: str, params: Mapping[str, Any], rank: Rank) -> list[Message]:
    """Discord gives the newest first."""
    route = Route("GET", MESSAGES, channel_id=place)
    page = await calls.call(route, rank=rank, params=params, sure=True)
    return sorted(page, key=lambda message: int(message["id"]))
