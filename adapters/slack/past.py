"""The past of a thread: its beginning and the newest of what was said before a question.

Slack gives a thread from its oldest message on, in pages, and counts the calls, not the messages:
https://docs.slack.dev/reference/methods/conversations.replies
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from adapters.pace import Rank
from adapters.slack.calls import Calls

PAGE = 999
"""Messages of a page; Slack takes no `limit` above."""
PAGES = 10
"""Pages of a thread that are read, at most: what was said after 9,990 messages is not found."""

Message = Mapping[str, Any]


async def past(
    calls: Calls, channel: str, root: str, upto: str, enough: int, wanted: Callable[[Message], bool]
) -> list[Message]:
    """The wanted messages of a thread before the moment `upto`, oldest first: the first one and the `enough` newest.

    Raises `SlackError`.
    """
    arguments: dict[str, Any] = {"channel": channel, "ts": root, "limit": PAGE, "latest": upto}
    first: list[Message] = []
    newest: deque[Message] = deque(maxlen=enough)
    for _ in range(PAGES):
        answer = await calls.call("conversations.replies", arguments, rank=Rank.FINAL, channel=channel, sure=True)
        for message in answer.get("messages") or ():
            if message["ts"] < upto and wanted(message):  # the root comes in any case
                (newest if first else first).append(message)
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
        arguments["cursor"] = cursor
    return [*first, *newest]
