"""Showing: brings the messages of one reply to one view, from what Discord shows of it now.

The answer is Markdown, cut into parts that each fit a message. A state on the way is edited into the last message,
below a line for each tool at work; a state that stays makes every message whole, and adds or removes what there is too
few or too many of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from adapters.discord.asks import asked
from adapters.discord.board import Board, Segment, digest
from adapters.discord.calls import DiscordError
from adapters.discord.components import brought, under
from adapters.discord.errors import ARCHIVED, UNKNOWN_MESSAGE
from adapters.discord.markdown import to_discord
from adapters.discord.pen import File, Pen, Sheet
from adapters.pace import Rank
from adapters.shown import MOST
from adapters.text import Part, split, with_below
from bot.ports import Conversation, Placed, Reply
from bot.view import StatusLine, View

LIMIT = 2_000
"""Characters of a message: https://docs.discord.com/developers/resources/message#create-message

Discord counts code points: https://github.com/discord/discord-api-docs/issues/1315
"""

LONG = 12_000
"""Characters of an answer beyond which the whole of it comes as a file as well."""

NONCES = 10
"""How often a message is sent with another nonce at the most, where those before are of deleted ones."""

FILE = "answer.md"
THINKING = "-# thinking…"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a reply stands. `is_told`: its question does not tell so, and people may go on at its messages."""

    where: Conversation
    is_told: bool
    among_others: bool
    """It stands among a channel's own messages: people go on by replying to one of ours."""
    apart: bool = False
    """It stands in a direct conversation, though it was asked for elsewhere."""

    def conversations(self, board: Board) -> list[Conversation]:
        return [replace(self.where, thread=segment.id) for segment in board.segments] if self.among_others else []


class Showing:
    def __init__(
        self,
        pen: Pen,
        board: Board,
        reply: Reply,
        site: Site,
        *,
        single: bool = False,
        attach: bool = True,
        turn: str = "",
    ) -> None:
        """`single`: there may be one message only, the rest comes as a file. `attach`: files may be sent. `turn` is the
        bucket whose turn was waited for already, if one was.
        """
        self.board = board
        self.pen = pen
        self.single = single
        self.attaching = False
        """What is being sent has a file."""
        self._attach = attach
        self._reply = reply
        self._site = site
        self._turn = turn
        self._recorded: Sequence[str] = ()

    async def go_on(self, view: View) -> None:
        """Show a state on the way."""
        parts = parts_of(to_discord(view.text, final=False), final=False)
        shown, buttons = parts[:1] if self.single else parts, self._pressable(under(view.buttons))
        for number, part in enumerate(shown):
            if number == len(shown) - 1:
                await self._show(number, Sheet(_growing(part.whole(), view.status_lines), buttons), Rank.STATE)
            else:
                await self._show(number, Sheet(part.whole()), Rank.STATE, last=False, mark=buttons)
            if number >= len(self.board.segments):
                return  # the response was not taken; what stands below it comes with a newer state
        await self._remove_from(len(shown))

    async def finish(self, view: View, files: Sequence[File] = ()) -> None:
        """A state that stays, the answer or what people are asked, and nothing else: each part in its message, and what
        can be pressed under the last, and files in it.
        """
        asks, texts = asked(view), lasting(view) or [""] * bool(files)
        single = self.single and len(texts) > 1
        if single:
            texts = lasting(replace(view, text="", remarks=()))[-1:] if view.asks else texts[:1]
        long = self._attach and view.outcome is not None and len(view.whole) > LONG and len(files) < MOST
        if single or long:
            whole = "\n\n".join(part for part in (view.whole, asks.text) if part)
            files = [File(FILE, whole.encode()), *files]
        for number, text in enumerate(texts):
            if number == len(texts) - 1:
                await self._show(number, Sheet(text, self._pressable(asks.components), files))
            else:
                await self._show(number, Sheet(text), last=False)
        await self._remove_from(len(texts))

    def room(self, view: View) -> int:
        """How many files the last message has room for; the whole answer may have to be one of them."""
        return MOST - 1 if self.single and len(view.whole) > LIMIT // 2 else MOST

    def _pressable(self, components: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        where = self._site.where
        return brought(components, where.workspace, where.channel) if self._site.apart else components

    async def _show(
        self,
        number: int,
        sheet: Sheet,
        rank: Rank = Rank.FINAL,
        *,
        last: bool = True,
        mark: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Have message `number` show a sheet: edit it where it shows something else, send it where it is not.

        `mark`: components by which a new message is known, should nobody hear that it was sent. Where it is not the
        `last` one, it loses them when it is on record.
        """
        self.attaching = bool(sheet.files)
        wanted = _digest(sheet)
        if number == 0 and self.pen.ticket is not None:
            if not self.board.segments or self.board.segments[0].digest != wanted:
                await self._respond(sheet, wanted, rank)
            return
        if number < len(self.board.segments):
            segment = self.board.segments[number]
            if segment.digest == wanted:
                return
            if not last:
                await self._record()
            if await self._edit(number, segment, sheet, wanted, rank):
                return
            await self._remove_from(number + 1)  # what follows on it is sent anew as well, in order
            self.board = replace(self.board, segments=self.board.segments[:number], again=self.board.again + 1)
        if self.board.segments or self.board.again:
            await self._record()
        sheet = replace(sheet, components=mark) if mark else sheet
        id_, shown = await self._sent(sheet, number)
        self._put(number, Segment(id_, _digest(sheet) if shown else ""))
        await self._record_first(number)
        if not shown and rank is not Rank.STATE:
            await self._show(number, sheet, rank)

    async def _record_first(self, number: int) -> None:
        """Where the first message of a reply stands cannot always be told by its question."""
        if number == 0 and self._site.is_told:
            await self._record()

    async def _record(self) -> None:
        ids = [str(self.board.again), *(segment.id for segment in self.board.segments)]
        if ids != self._recorded:
            await self._reply.record(
                Placed(self.board.state(), undecided=True, conversations=self._site.conversations(self.board))
            )
        self._recorded = ids

    async def _sent(self, sheet: Sheet, number: int) -> tuple[str, bool]:
        """A nonce whose message was deleted sends none for some minutes: one that is not used yet does.

        https://github.com/discord/discord-api-docs/issues/6647
        """
        for _ in range(NONCES):
            try:
                return await self.pen.send(sheet, number, self.board.again)
            except DiscordError as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise
            self.board = replace(self.board, again=self.board.again + 1)
        return await self.pen.send(sheet, number, self.board.again)

    async def _respond(self, sheet: Sheet, wanted: str, rank: Rank) -> None:
        try:
            id_ = await self._opened(lambda: self.pen.respond(sheet, rank=rank, paced=self._spend("")))
        except DiscordError as error:
            if rank is not Rank.STATE or error.permanent:
                raise
            self.board = self.board.unsure()
        else:
            first = not self.board.segments
            self._put(0, Segment(id_, wanted))
            if first:
                await self._record_first(0)

    async def _edit(self, number: int, segment: Segment, sheet: Sheet, wanted: str, rank: Rank) -> bool:
        """False where somebody has deleted the message."""
        try:
            await self._opened(lambda: self.pen.edit(segment.id, sheet, rank=rank, paced=self._spend(segment.id)))
        except DiscordError as error:
            if error.code == UNKNOWN_MESSAGE:
                return False
            if rank is not Rank.STATE or error.permanent:
                raise
            wanted = ""  # a newer state follows
        self._put(number, Segment(segment.id, wanted))
        return True

    async def _opened(self, write: Callable[[], Awaitable[T]]) -> T:
        """An archived thread takes no edits; it is opened for them, as a new message would do."""
        try:
            return await write()
        except DiscordError as error:
            if error.code != ARCHIVED:
                raise
        await self.pen.unarchive()
        return await write()

    async def _remove_from(self, number: int) -> None:
        """There are more messages than parts."""
        while len(self.board.segments) > number:
            segment = self.board.segments[-1]
            try:
                if len(self.board.segments) == 1 and self.pen.ticket is not None:
                    await self.pen.take_back()
                else:
                    await self.pen.delete(segment.id)
            except DiscordError as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise
            self.board = replace(self.board, segments=self.board.segments[:-1], again=self.board.again + 1)

    def _spend(self, id_: str) -> bool:
        """Whether there is a turn for writing this message (the response: empty) already; it counts once."""
        has, self._turn = bool(self._turn) and self._turn == self.pen.where(id_), ""
        return has

    def _put(self, number: int, segment: Segment) -> None:
        self.board = self.board.with_segment(number, segment)


def _digest(sheet: Sheet) -> str:
    return digest([sheet.content, list(sheet.components), [file.name for file in sheet.files]])


def parts_of(text: str, *, final: bool) -> list[Part]:
    return split(text, LIMIT, final=final)


def lasting(view: View) -> list[str]:
    """The messages of a reply in a state that stays; none where nothing of it is to stay.

    What people are asked begins a message of its own where it does not fit the last one.
    """
    below, asks = to_discord(replace(view, text="").whole, final=True), to_discord(asked(view).text, final=True)
    texts = _texts(with_below(to_discord(view.text, final=True), below, LIMIT))
    if not asks:
        return texts
    if texts and len(last := f"{texts[-1]}\n\n{asks}") <= LIMIT:
        return [*texts[:-1], last]
    return texts + _texts(asks)


def _texts(text: str) -> list[str]:
    return [part.whole() for part in parts_of(text, final=True)] if text.strip() else []


def _growing(text: str, lines: Sequence[StatusLine]) -> str:
    """What the last message shows meanwhile: the newest lines that fit, and the text below them."""
    told = [f"-# {line.marked}" for line in lines]
    while told and len("\n".join([*told, text])) > LIMIT:
        told.pop(0)
    return "\n".join([*told, *([text] if text.strip() else [])]) or THINKING
