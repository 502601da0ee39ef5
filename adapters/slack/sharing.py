"""Sharing: brings the files that tools have made into the thread of an answer, once, below it.

They come as one message of their own. An `image` block of the answer itself would show pictures only, and not surely: a
file that is shared with no conversation is open to its uploader alone, here the app.
https://docs.slack.dev/messaging/working-with-files#uploading_files, https://github.com/slackapi/bolt-python/issues/1251

Such a message has no metadata, and Slack posts it some time after its answer to the call that asked for it:
https://github.com/slackapi/bolt-js/issues/2115. So the ids of the files are recorded before that call. Whoever does not
know what became of it looks at one of the files, and then asks once more: Slack takes that once for a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import structlog

from adapters.pace import Clock, Rank
from adapters.shown import MOST, TOO_MANY, could_not_show, safe_name
from adapters.slack.board import Board
from adapters.slack.calls import Calls, SlackError
from adapters.slack.pen import Pen
from adapters.slack.upload import share, upload
from bot.assistants.types import ShownFile
from bot.ports import Placed, Reply

WAITS = (1.0, 4.0, 16.0)
"""Seconds before each further attempt where Slack fails."""
PATIENCE = 120.0
"""Seconds for all of them, with the bytes of the files."""
LAST_LOOK = 10.0
"""Seconds in which Slack is to tell whether it has taken them after all."""
SLOW = "Slack is too slow."

Look = Literal["shared", "there", "gone"]
"""What Slack tells of an uploaded file: it is in a conversation; it is none that Slack threw away, at least; it is not
there, or not finished."""

log = structlog.get_logger(__name__)


class Sharing:
    def __init__(self, calls: Calls, clock: Clock, pen: Pen, reply: Reply, board: Board) -> None:
        self.board = board
        self._calls = calls
        self._clock = clock
        self._pen = pen
        self._reply = reply

    async def bring(self, files: Sequence[ShownFile]) -> None:
        """Have the thread show the files, the first ten of them. What cannot be shown stands in `board.unshown`."""
        if not files or self.board.handed:
            return
        shown = files[:MOST]
        try:
            async with asyncio.timeout(PATIENCE):
                trouble = await self._tried(shown)
        except TimeoutError:
            trouble = SLOW
        if trouble and not await self._arrived():
            log.warning("files not shown", problem=trouble)
            self.board = replace(self.board, unshown=could_not_show(shown, trouble))
        if more := files[MOST:]:
            said = [self.board.unshown, could_not_show(more, TOO_MANY)]
            self.board = replace(self.board, unshown="\n".join(filter(None, said)))
        self.board = replace(self.board, handed=True)

    async def _arrived(self) -> bool:
        """Whether the thread surely shows them, in spite of what became of the last call."""
        try:
            async with asyncio.timeout(LAST_LOOK):
                return bool(self.board.uploads) and await self._look() == "shared"
        except (SlackError, TimeoutError):
            return False

    async def _tried(self, files: Sequence[ShownFile]) -> str:
        """Why they cannot be shown; empty where they are."""
        for wait in (*WAITS, 0.0):
            try:
                await self._bring(files)
                return ""
            except SlackError as error:
                if error.permanent or not wait:
                    return str(error)
            await self._clock.sleep(wait)
        raise AssertionError("the last attempt is followed by no wait")

    async def _bring(self, files: Sequence[ShownFile]) -> None:
        if self.board.uploads and await self._is_shared():
            return
        await self._upload(files)
        if self.board.uploads:
            await self._reply.record(Placed(self.board.state(), undecided=True))
            await self._share()

    async def _is_shared(self) -> bool:
        """Share what was uploaded, if that was not done before. False where Slack has thrown it away."""
        if await self._look() == "shared":
            return True
        try:
            await self._share()
        except SlackError as error:
            if not error.permanent:
                raise
            return await self._look() != "gone"
        return True

    async def _upload(self, files: Sequence[ShownFile]) -> None:
        """Those that Slack refuses are left out."""
        ids, lacking, reason = [], [], ""
        for file in files:
            try:
                ids.append(await upload(self._calls, safe_name(file.name), file.mime, file.content))
            except SlackError as error:
                if not error.permanent:
                    raise
                log.warning("file not taken", error=error.error)
                lacking.append(file)
                reason = str(error)
        self.board = replace(self.board, uploads=tuple(ids), unshown=could_not_show(lacking, reason) if lacking else "")

    async def _share(self) -> None:
        await share(self._calls, self.board.uploads, self._pen.channel, thread=self._pen.root)

    async def _look(self) -> Look:
        """https://docs.slack.dev/reference/methods/files.info. All files are shared by one call: one tells of all."""
        try:
            answer = await self._calls.call("files.info", {"file": self.board.uploads[0]}, rank=Rank.FINAL, sure=True)
        except SlackError as error:
            if not error.permanent:
                raise
            return "gone" if error.error == "file_not_found" else "there"
        file = answer.get("file") or {}
        return "shared" if any(file.get(where) for where in ("shares", "channels", "groups", "ims")) else "there"
