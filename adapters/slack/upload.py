"""Upload: brings the bytes of a file to Slack, and shares what was brought with a conversation.

https://docs.slack.dev/messaging/working-with-files#uploading_files
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import aiohttp

from adapters.pace import Rank
from adapters.slack.calls import Calls, SlackError

UPLOAD = "upload"
"""How the sending of the bytes is called among the methods, of which it is none."""

TIMEOUT = aiohttp.ClientTimeout(total=60)
"""Seconds for the bytes of a file."""

ANY = "application/octet-stream"
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


async def upload(calls: Calls, name: str, mime: str, content: bytes) -> str:
    """The id of a new file, which nobody sees before it is shared. Raises `SlackError`.

    https://docs.slack.dev/reference/methods/files.getUploadURLExternal
    """
    about = {"filename": name, "length": len(content)}
    place = await calls.call("files.getUploadURLExternal", about, rank=Rank.FINAL, sure=True)
    await _send(calls, place["upload_url"], mime, content)
    return str(place["file_id"])


async def share(calls: Calls, ids: Sequence[str], channel: str, *, thread: str = "", comment: str = "") -> None:
    """Post uploaded files in one message. Raises `SlackError`.

    Slack takes it once for a file: https://docs.slack.dev/reference/methods/files.completeUploadExternal
    """
    shared = {
        "files": [{"id": id_} for id_ in ids],
        "channel_id": channel,
        "thread_ts": thread or None,
        "initial_comment": comment or None,
    }
    await calls.call("files.completeUploadExternal", shared, rank=Rank.FINAL, channel=channel)


async def _send(calls: Calls, url: str, mime: str, content: bytes) -> None:
    """The bytes as they are; the address itself says who may send them. It is good for one sending."""
    headers = {"Content-Type": mime if _MIME.fullmatch(mime) else ANY}
    try:
        async with calls.session.post(url, data=io.BytesIO(content), headers=headers, timeout=TIMEOUT) as sent:
            status = sent.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        sentence = "The connection to Slack was lost. Please try again."
        raise SlackError(sentence, method=UPLOAD, error="connection_lost", lost=True) from error
    if status != 200:
        sentence = f"Slack did not take it (HTTP {status}). Please try again."
        permanent = 400 <= status < 500 and status not in (408, 429)
        raise SlackError(sentence, method=UPLOAD, error=f"http_{status}", permanent=permanent)
