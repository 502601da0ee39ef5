"""Attaching: brings the files that tools have made into the last message of an answer, once the answer itself is there.

An edit names all attachments that its message has from then on, so that it can be made as often as one likes:
https://docs.discord.com/developers/resources/message#edit-message
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from adapters.discord.calls import DiscordError
from adapters.discord.pen import File
from adapters.discord.showing import Showing
from adapters.discord.whisper import LARGEST
from adapters.pace import Clock
from adapters.shown import TOO_MANY, could_not_show, safe_name
from bot.assistants.types import ShownFile
from bot.view import View

WAITS = (1.0, 4.0, 16.0)
"""Seconds before each further attempt where Discord fails."""

TOO_LARGE = f"Discord takes files of {LARGEST // 2**20} MB."

log = structlog.get_logger(__name__)


async def finish(showing: Showing, view: View, clock: Clock) -> None:
    """Bring an answer and its files to what stays. That a file cannot be shown is said below the answer, and costs it
    nothing else. Raises `DiscordError` where the answer itself cannot be shown there."""
    if view.whole.strip() or not view.files:
        await showing.finish(view)
    if not view.files:
        return
    room = showing.room(view)
    taken = [file for file in view.files if len(file.content) <= LARGEST]
    view = _telling(view, [file for file in view.files if len(file.content) > LARGEST], TOO_LARGE)
    view = _telling(view, taken[room:], TOO_MANY)
    if trouble := await _tried(showing, view, taken[:room], clock):
        log.warning("files not shown", problem=trouble)
        await showing.finish(_telling(view, taken[:room], trouble))


async def _tried(showing: Showing, view: View, taken: Sequence[ShownFile], clock: Clock) -> str:
    """Why the files cannot be shown; empty where they are, or there are none. Where the message is the trouble, the
    sentence about that meets the same."""
    files = [File(safe_name(file.name), file.content) for file in taken]
    for wait in (*WAITS, 0.0):
        try:
            await showing.finish(view, files)
            return ""
        except DiscordError as error:
            if error.permanent or not wait:
                return str(error)
        await clock.sleep(wait)
    raise AssertionError("the last attempt is followed by no wait")


def _telling(view: View, lacking: Sequence[ShownFile], why: str) -> View:
    return replace(view, remarks=(*view.remarks, could_not_show(lacking, why))) if lacking else view
