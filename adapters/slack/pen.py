"""Pen: writes the messages of one reply. It knows how Slack is told, and decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.pace import Rank
from adapters.slack.blocks import Block, quiet
from adapters.slack.calls import Calls, SlackError
from adapters.slack.markdown import fallback

ANSWER, QUESTION = "parley_answer", "parley_question"
"""The kinds of our messages, as their metadata tell: https://docs.slack.dev/messaging/message-metadata"""

APPEND, UPDATE = "chat.appendStream", "chat.update"

ENDED = frozenset({"message_not_in_streaming_state", "streaming_state_conflict", "stopped_by_user"})
"""What Slack says of a stream that it, or a person, has ended."""

GONE = ENDED | {
    "message_not_found",
    "cant_update_message",
    "cant_delete_message",
    "edit_window_closed",
    "block_mismatch",
}
"""What Slack says of a message that cannot be written to (any more)."""

NOTIFIED = 400
"""Characters of the text that notifications show."""

Chunk = Mapping[str, Any]


def text_chunk(text: str) -> Chunk:
    return {"type": "markdown_text", "text": text}


def task_chunk(call_id: str, title: str, status: str) -> Chunk:
    """`status`: `in_progress`, `complete` or `error`."""
    return {"type": "task_update", "id": call_id, "title": quiet(title), "status": status}


@dataclass(frozen=True, slots=True)
class Pen:
    calls: Calls
    channel: str
    root: str
    """The thread."""
    run_id: str
    user: str
    team: str
    """Whom the reply is for: https://docs.slack.dev/reference/methods/chat.startStream wants them in channels."""
    begun: MutableMapping[str, str]
    """The runs of the open streams, by the `ts` of the message. It is kept up here."""
    claim: asyncio.Lock
    """The thread's: nobody looks for messages of his own in it while a stream begins."""

    async def start(self, chunks: Sequence[Chunk]) -> str:
        """Begin a streaming message; returns its `ts`. It takes no metadata, but at its end."""
        async with self.claim:
            answer = await self.calls.call(
                "chat.startStream",
                {
                    "channel": self.channel,
                    "thread_ts": self.root,
                    "recipient_user_id": self.user,
                    "recipient_team_id": self.team,
                    "task_display_mode": "timeline",
                    "chunks": list(chunks),
                },
                rank=Rank.FINAL,
                channel=self.channel,
                patient=False,
                paced=True,
            )
            self.begun[answer["ts"]] = self.run_id
        return str(answer["ts"])

    async def append(self, ts: str, chunks: Sequence[Chunk], *, paced: bool) -> None:
        arguments = {"channel": self.channel, "ts": ts, "chunks": list(chunks)}
        try:
            await self.calls.call(APPEND, arguments, rank=Rank.STATE, channel=self.channel, patient=False, paced=paced)
        except SlackError as error:
            self._over(ts, error)
            raise

    async def stop(
        self, ts: str, number: int, chunks: Sequence[Chunk] = (), blocks: Sequence[Block] = (), *, status: str = ""
    ) -> None:
        """End a streaming message; `status` is the session's from then on."""
        arguments = {
            "channel": self.channel,
            "ts": ts,
            "chunks": list(chunks) or None,
            "blocks": list(blocks) or None,
            "metadata": self._metadata(number),
            "session_status": status or None,
        }
        try:
            await self.calls.call("chat.stopStream", arguments, rank=Rank.FINAL, channel=self.channel)
        except SlackError as error:
            self._over(ts, error)
            raise
        self.begun.pop(ts, None)

    async def post(self, blocks: Sequence[Block], text: str, number: int) -> str:
        """Post a message into the thread; returns its `ts`. Links are not unfurled."""
        arguments = self._message(blocks, text, number) | {
            "thread_ts": self.root,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        answer = await self.calls.call("chat.postMessage", arguments, rank=Rank.FINAL, channel=self.channel)
        return str(answer["ts"])

    async def update(
        self, ts: str, blocks: Sequence[Block], text: str, number: int, *, rank: Rank = Rank.FINAL, paced: bool = False
    ) -> None:
        """A state on the way is tried once: a newer one is there before another attempt could be made."""
        arguments, last = self._message(blocks, text, number) | {"ts": ts}, rank < Rank.STATE
        await self.calls.call(UPDATE, arguments, rank=rank, channel=self.channel, patient=last, sure=last, paced=paced)

    async def delete(self, ts: str) -> None:
        await self.calls.call(
            "chat.delete", {"channel": self.channel, "ts": ts}, rank=Rank.FINAL, channel=self.channel, sure=True
        )

    def _over(self, ts: str, error: SlackError) -> None:
        if error.error in GONE or error.permanent:
            self.begun.pop(ts, None)

    def _message(self, blocks: Sequence[Block], text: str, number: int) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "text": fallback(text, NOTIFIED) or "…",
            "blocks": list(blocks),
            "metadata": self._metadata(number),
        }

    def _metadata(self, number: int) -> dict[str, Any]:
        return {"event_type": ANSWER, "event_payload": {"run": self.run_id, "part": number}}
