"""Showing: brings the messages of one reply to one view, from what Slack shows of it now.

The answer is Markdown, cut into parts that each fit a message. A state on the way is streamed, or edited into the last
message; the last state, and one in which people are asked something, makes every message whole, and adds or removes
what there is too few or too many of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.pace import Rank
from adapters.slack import asking
from adapters.slack.blocks import Block, message, under
from adapters.slack.board import Board, Segment, digest
from adapters.slack.budget import StreamBudget
from adapters.slack.calls import SlackError
from adapters.slack.markdown import to_slack
from adapters.slack.pen import APPEND, GONE, UPDATE, Chunk, Pen, task_chunk, text_chunk
from adapters.text import Part, split, with_below
from bot.ports import Placed, Reply
from bot.view import View

LONGEST = 11_000
"""Characters of a message. A `markdown_text` and the `markdown` blocks of a message take 12,000.

https://docs.slack.dev/reference/methods/chat.appendStream, https://docs.slack.dev/reference/block-kit/blocks/markdown-block
"""

STREAM_LIFE, LAST_MOMENT = 240.0, 270.0
"""Seconds after which a stream is ended at the end of a line, and at any place. Slack ends it after about five minutes,
whatever goes on in it: https://github.com/slackapi/python-slack-sdk/issues/1859"""

TASK_STATES = {"running": "in_progress", "done": "complete", "failed": "error"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a message is brought to: a part of the text and what stands below that."""

    text: str
    below: Sequence[Block] = ()
    told: str = ""
    """What notifications tell of it, where that is not the text."""

    @property
    def blocks(self) -> list[Block]:
        return [*message(self.text), *self.below]


class Showing:
    def __init__(self, pen: Pen, board: Board, reply: Reply, budget: StreamBudget, now: float, turn: str) -> None:
        """`now` in Unix seconds; `turn` is the method whose turn was waited for already, if one was."""
        self.board = board
        self.told = False
        """The session knows that nothing more comes."""
        self.pen = pen
        self._reply = reply
        self._budget = budget
        self._now = now
        self._turn = turn

    # -- on the way ---------------------------------------------------------------------------------------------

    async def stream(self, view: View) -> None:
        """Append what is new. Raises `SlackError`, also where no stream could be begun."""
        text = to_slack(view.text, final=False)
        for number, part in enumerate(self._parts_in_time(text)):
            if number == len(self.board.segments) and not await self._begin(number, part, view):
                return
            if self.board.segments[number].streaming and not await self._append(number, part, view):
                return

    def _parts_in_time(self, text: str) -> list[Part]:
        """The last message is ended before its stream dies; what follows goes into a fresh one."""
        parts, segment = self._parts(text, final=False), self.board.open
        age = self._now - segment.begun if segment else 0.0
        if segment is None or age < STREAM_LIFE or len(parts) != len(self.board.segments):
            return parts
        for cut in (text.rfind("\n") + 1, len(text) if age >= LAST_MOMENT else 0):
            cuts = (*self.board.cuts, cut)
            early = split(text, LONGEST, cuts=cuts, final=False)
            ended = early[len(parts) - 1]
            if ended.closed and segment.continues_in(ended.whole()):
                self.board = replace(self.board, cuts=cuts)
                return early
        return parts

    async def _begin(self, number: int, part: Part, view: View) -> bool:
        """False where nothing is to be said yet, or no stream can be had: the rest comes with the end then."""
        shown = part.whole() if part.closed else part.text
        chunks = [*self._changed_tasks(view), *_text(shown)]
        if not chunks:
            return False
        if not self._budget.start():
            self.board = replace(self.board, form="whole")
            return False
        if number:
            await self._reply.record(Placed(self.board.state(), undecided=True))
        try:
            ts = await self.pen.start(chunks)
        except SlackError as error:
            self._budget.over()
            if not (number and error.harmless):
                raise
            self.board = replace(self.board, form="whole")
            return False
        self._put(number, Segment(ts, digest(shown), streaming=True, length=len(shown), begun=self._now))
        self._remember_tasks(view)
        # A stream's message has no metadata until its end: only what is recorded tells later whose it is.
        await self._reply.record(Placed(self.board.state(), undecided=True))
        return True

    async def _append(self, number: int, part: Part, view: View) -> bool:
        """False where nothing can be appended: for the moment, or never again, and then the message is edited."""
        segment, shown = self.board.segments[number], part.whole() if part.closed else part.text
        going = segment.continues_in(shown)
        chunks = [*self._changed_tasks(view), *_text(shown[segment.length :])]
        if not going:
            await self._end(segment, number)
        elif part.closed:
            await self._close(number, part, chunks, view)
            return True
        elif chunks:
            try:
                await self.pen.append(segment.ts, chunks, paced=self._spend(APPEND))
                self._put(number, replace(segment, digest=digest(shown), length=len(shown)))
                self._remember_tasks(view)
            except SlackError as error:
                if not (error.permanent or error.lost):
                    return False
                await self._leave(segment, number, error)
                going = False
        if not going:
            self._put(number, Segment(segment.ts))
            self.board = replace(self.board, form="edit", cuts=())
        return going

    async def _leave(self, segment: Segment, number: int, error: SlackError) -> None:
        """Nobody knows what arrived of an append, or the stream has ended. Raises `error` where it is neither."""
        if error.lost:
            await self._end(segment, number)
            return
        self._budget.over()
        if error.error not in GONE:
            raise error

    async def _end(self, segment: Segment, number: int, chunks: Sequence[Chunk] = ()) -> bool:
        """End a stream on the way; False where it had ended already."""
        status = "processing" if self.board.waiting == "session" else ""
        try:
            await self.pen.stop(segment.ts, number, chunks, status=status)
        except SlackError as error:
            if error.error not in GONE:
                raise
            self._budget.over()
            return False
        self._budget.over()
        return True

    async def _close(self, number: int, part: Part, chunks: Sequence[Chunk], view: View) -> None:
        """End a message that is full. A tool that is still at work gets its card in the next one."""
        self._remember_tasks(view)
        segment, whole = self.board.segments[number], part.whole()
        if await self._end(segment, number, [*chunks, *self._cards("complete")]):
            self._put(number, Segment(segment.ts, digest(message(whole))))
        else:
            self._put(number, Segment(segment.ts))
            await self._show(number, message(whole), whole, rank=Rank.STATE)
        tasks = {id_: task for id_, task in self.board.tasks.items() if task[1] != "in_progress"}
        self.board = replace(self.board, tasks=tasks)

    async def edit(self, view: View) -> None:
        """Bring the last message to the newest state; those before it are whole already."""
        parts = self._parts(to_slack(view.text, final=False), final=False)
        lines = [line.marked for line in view.status_lines]
        for number, part in enumerate(parts):
            if part.closed:
                await self._show(number, message(part.whole()), part.whole(), rank=Rank.STATE)
            else:
                text = part.text or ("" if lines else "…")
                await self._show(number, message(text, lines, view.buttons), text or lines[-1], rank=Rank.STATE)
        await self._remove_from(len(parts))

    # -- the end ------------------------------------------------------------------------------------------------

    async def finish(self, view: View) -> None:
        """The answer and nothing else: each part in its message, the buttons under the last."""
        parts = self._parts(self._last_text(view), final=True) if view.whole.strip() else []
        pages = [Page(part.whole()) for part in parts[:-1]]
        pages += [Page(part.whole(), under(view.buttons)) for part in parts[-1:]]
        await self._bring(pages, "complete" if view.outcome == "completed" else "error")

    async def ask(self, view: View) -> None:
        """The text so far and, below it, what people are asked: it stays so until somebody says something."""
        parts = self._parts(to_slack(view.text, final=True), final=True) if view.text.strip() else []
        pages = [Page(part.whole()) for part in parts] or [Page("")]
        first, *more = asking.spread(view.asks, LONGEST, len(pages[-1].text))
        pages[-1] = Page(pages[-1].text, first.blocks, first.text)
        pages += [Page("", asked.blocks, asked.text) for asked in more]
        pages[-1] = replace(pages[-1], below=[*pages[-1].below, *under(view.buttons)])
        await self._bring(pages, "complete")

    async def _bring(self, pages: Sequence[Page], end: str) -> None:
        """Have the messages show these pages; `end` is the state of cards that still turn."""
        for number, page in enumerate(pages):
            last = number == len(pages) - 1
            segment = self.board.segments[number] if number < len(self.board.segments) else None
            if segment is None or not segment.streaming or not await self._end_stream(number, page, end, last=last):
                await self._show(number, page.blocks, page.told or page.text)
        await self._remove_from(len(pages))

    def _last_text(self, view: View) -> str:
        """The answer, and below it, outside of any code that was broken off, how it ended."""
        text, below = to_slack(view.text, final=True), to_slack(replace(view, text="").whole, final=True)
        return with_below(text, below, LONGEST, cuts=self.board.cuts)

    async def _end_stream(self, number: int, page: Page, end: str, *, last: bool) -> bool:
        """False where the message still has to be brought to the page."""
        segment = self.board.segments[number]
        fits = segment.continues_in(page.text)
        chunks = [*self._cards(end), *_text(page.text[segment.length :])] if fits else []
        blocks = page.below if fits else []
        status = "active" if last and self.board.waiting == "session" else ""
        try:
            await self.pen.stop(segment.ts, number, chunks, blocks, status=status)
            self._budget.over()
            self.told = bool(status)
        except SlackError as error:
            if error.error not in GONE:
                raise
            self._budget.over()
            fits = False
        self._put(number, Segment(segment.ts, digest(page.blocks) if fits else ""))
        return fits

    # -- messages -----------------------------------------------------------------------------------------------

    async def _show(self, number: int, blocks: Sequence[Block], text: str, *, rank: Rank = Rank.FINAL) -> None:
        """Have message `number` show `blocks`: update it where it shows something else, post it where it is not."""
        wanted = digest(list(blocks))
        if number < len(self.board.segments):
            segment = self.board.segments[number]
            if segment.digest == wanted:
                return
            try:
                await self.pen.update(segment.ts, blocks, text, number, rank=rank, paced=self._spend(UPDATE))
                self._put(number, Segment(segment.ts, wanted))
                return
            except SlackError as error:
                if rank is Rank.STATE and not error.permanent:
                    self._put(number, Segment(segment.ts))
                    return
                if error.error not in GONE:
                    raise
            await self._delete(segment)
        if self.board.segments:
            await self._reply.record(Placed(self.board.state(), undecided=True))
        self._put(number, Segment(await self.pen.post(blocks, text, number), wanted))

    async def _remove_from(self, number: int) -> None:
        """There are more messages than parts."""
        for segment in reversed(self.board.segments[number:]):
            if segment.streaming:
                await self._end(segment, len(self.board.segments) - 1)
            await self._delete(segment)
            self.board = replace(self.board, segments=self.board.segments[:-1])

    async def _delete(self, segment: Segment) -> None:
        try:
            await self.pen.delete(segment.ts)
        except SlackError as error:
            if error.error not in GONE:
                raise

    def _spend(self, method: str) -> bool:
        """Whether there is a turn for this call already; it counts once."""
        has, self._turn = self._turn == method, ""
        return has

    def _put(self, number: int, segment: Segment) -> None:
        self.board = self.board.with_segment(number, segment)

    def _parts(self, text: str, *, final: bool) -> list[Part]:
        return split(text, LONGEST, cuts=self.board.cuts, final=final)

    # -- tasks --------------------------------------------------------------------------------------------------

    def _changed_tasks(self, view: View) -> list[Chunk]:
        """A card for each tool at work, where it says something else than the one that is shown."""
        return [
            task_chunk(line.call_id, str(line), TASK_STATES[line.state])
            for line in view.status_lines
            if self.board.tasks.get(line.call_id) != (str(line), TASK_STATES[line.state])
        ]

    def _remember_tasks(self, view: View) -> None:
        tasks = {line.call_id: (str(line), TASK_STATES[line.state]) for line in view.status_lines}
        self.board = replace(self.board, tasks={**self.board.tasks, **tasks})

    def _cards(self, end: str) -> list[Chunk]:
        """What ends the cards of tools at work: none may go on turning in a message that is over."""
        running = [(id_, title) for id_, (title, state) in self.board.tasks.items() if state == "in_progress"]
        return [task_chunk(id_, title, end) for id_, title in running]


def _text(text: str) -> list[Chunk]:
    return [text_chunk(text)] if text else []
