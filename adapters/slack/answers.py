"""Brings replies to Slack: `Answers` holds what all of them share, and says when a state on the way may be shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import structlog

from adapters.pace import Clock, Rank
from adapters.remembered import Recent
from adapters.slack import reading
from adapters.slack.board import Board, Segment
from adapters.slack.calls import Calls, SlackError
from adapters.slack.hearing import Me
from adapters.slack.pen import APPEND, GONE, QUESTION, UPDATE, Pen
from adapters.slack.reading import Ours
from adapters.slack.sharing import Sharing
from adapters.slack.showing import Showing
from adapters.slack.working import NOT_OFFERED, Working
from adapters.turns import Turns
from bot.ports import Conversation, Placed, Reply
from bot.view import View

SKEW = 300.0
"""Seconds by which our clock may be ahead of Slack's."""

REMEMBERED = 5_000
"""Of how many messages it is known whose they are."""

EDITED = 10
"""How many replies are shown by edits at once; the last states of as many have a share of the updates of their own."""

LONGEST_RUN = 900.0
"""Seconds after which a reply counts as over, whatever became of it."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Answers:
    calls: Calls
    me: Me
    clock: Clock
    working: Working
    streaming: bool = True
    """Whether this workspace has streams to offer, as far as is known."""
    begun: dict[str, str] = field(default_factory=dict)
    """The runs of the streams that are open, by the `ts` of the message."""
    whose: Recent[str, str] = field(default_factory=lambda: Recent(REMEMBERED))
    """The runs of the messages that were seen lately, by their `ts`: what is open or undecided looks alike on Slack."""
    excused: Recent[str, str] = field(default_factory=lambda: Recent(REMEMBERED))
    """What people were told cannot be posted, by the run: once of its question, and once of its answer."""
    claims: Turns = field(default_factory=Turns)
    """In each thread one reply at a time looks for its messages, and none while a stream begins."""
    editing: dict[str, float] = field(default_factory=dict)
    """When the runs began whose states on the way are edited."""

    async def ready(self, reply: Reply, placed: Placed) -> None:
        """Wait until a state on the way may be shown: each message in its own rhythm, all inside Slack's rates."""
        board = self._read(reply, placed)
        if board.form == "whole":
            await asyncio.Event().wait()
        if method := _next_call(board):
            await self.calls.wait(method, board.segments[-1].ts, Rank.STATE)

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        board = self._read(reply, placed)
        try:
            return await self._render(reply, view, board, placed)
        except SlackError as error:
            if _stays(view) and error.permanent:
                what = "an answer" if view.outcome is not None else "a question"
                if (view.outcome is not None or view.rests) and self.excused.get(reply.run_id) != what:
                    self.excused.put(reply.run_id, what)
                    await self._excuse(reply, error, what)
                await self._leave(reply, board)
            raise

    async def _render(self, reply: Reply, view: View, board: Board, placed: Placed) -> Placed:
        turn = "" if _stays(view) else _next_call(board)
        if placed.undecided:
            board = await self._looked_up(reply, board, over=view.outcome is not None)
        if "ask" in reply.route and not board.root:
            board = await self._posted_question(reply, board)
        pen = self._pen(reply, board)
        if not _stays(view) and not board.waiting and (board.asking or not board.form):
            title, user = str(reply.route.get("said", "")), str(reply.route["user"])
            waiting = await self.working.begin(pen.channel, pen.root, user, title)
            if placed.undecided and self.working.usual == "session":  # it may have been begun before the interruption
                waiting = "both" if waiting == "status" else "session"
            board = replace(board, waiting=waiting, asking=False)
        showing = Showing(pen, board, reply, self.calls.streams, self.clock.now(), turn)
        if _stays(view):
            await self._stay(showing, view, reply)
        else:
            await self._go_on(showing, view)
        self._remember(reply, showing.board)
        return self._placed(reply, showing.board)

    async def _stay(self, showing: Showing, view: View, reply: Reply) -> None:
        """Bring the reply to a state in which nobody works on it any more, or until somebody has been heard."""
        pen, waiting = showing.pen, showing.board.waiting
        await (showing.ask(view) if view.outcome is None else self._finish(showing, view, reply))
        self.editing.pop(pen.run_id, None)
        if showing.told:
            self.working.told(pen.channel, pen.root)
        else:
            await self.working.end(pen.channel, pen.root, waiting)
        if view.outcome is None:
            showing.board = replace(showing.board, form="edit", waiting="", asking=True)

    async def _finish(self, showing: Showing, view: View, reply: Reply) -> None:
        """The answer first, and the files below it; a file that cannot be shown costs the answer nothing."""
        await showing.finish(_telling(view, showing.board))
        sharing = Sharing(self.calls, self.clock, showing.pen, reply, showing.board)
        await sharing.bring(view.files)
        showing.board = sharing.board
        if sharing.board.unshown:
            await showing.finish(_telling(view, showing.board))

    def _read(self, reply: Reply, placed: Placed) -> Board:
        """What is recorded of a reply: its messages are known from now on as its own, if no other has taken them."""
        board = Board.read(placed.state)
        self._remember(reply, board)
        return board

    def _remember(self, reply: Reply, board: Board) -> None:
        for segment in board.segments:
            self.whose.put(segment.ts, self.whose.get(segment.ts, reply.run_id))

    async def _excuse(self, reply: Reply, error: SlackError, what: str) -> None:
        """Tell the one who asked what cannot be posted, if at least that can be."""
        sentence = f"I have {what} for you, but Slack does not let me post it here ({error.error})."
        told = {"channel": reply.conversation.channel, "user": str(reply.route["user"]), "text": sentence}
        try:
            await self.calls.call("chat.postEphemeral", told, rank=Rank.FINAL, patient=False)
        except SlackError as problem:
            log.info("not told either", error=problem.error)

    async def _leave(self, reply: Reply, board: Board) -> None:
        """Nobody works on it, though what came of it is not shown."""
        where = reply.conversation
        try:
            await self.working.end(where.channel, board.root or where.thread, board.waiting or self.working.usual)
        except SlackError as problem:
            log.info("status not cleared", error=problem.error)

    async def _go_on(self, showing: Showing, view: View) -> None:
        if not (view.text.strip() or view.status_lines):
            return
        if not showing.board.form:
            showing.board = replace(showing.board, form="stream" if self.streaming else "whole")
        if showing.board.form == "stream":
            await self._stream(showing, view)
        if showing.board.form == "whole" and not showing.board.segments and self._may_edit(showing.pen):
            showing.board = replace(showing.board, form="edit")
        if showing.board.form == "edit":
            await showing.edit(view)
        if showing.board.segments:
            self.working.shown(showing.pen.channel, showing.pen.root)

    def _may_edit(self, pen: Pen) -> bool:
        """Each reply that is edited needs an update in the end, of which Slack takes few: there may be some of them."""
        now = self.clock.now()
        self.editing = {run_id: since for run_id, since in self.editing.items() if now - since < LONGEST_RUN}
        if len(self.editing) >= EDITED or not self.calls.room("chat.postMessage", pen.channel):
            return False
        self.editing[pen.run_id] = now
        return True

    async def _stream(self, showing: Showing, view: View) -> None:
        """Where no stream can be begun at all, the reply takes another form."""
        try:
            await showing.stream(view)
        except SlackError as error:
            if showing.board.segments or not error.harmless:
                raise
            log.info("no stream", error=error.error)
            self.streaming = self.streaming and error.error not in NOT_OFFERED
            showing.board = replace(showing.board, form="whole")

    def _pen(self, reply: Reply, board: Board) -> Pen:
        where, route = reply.conversation, reply.route
        root = board.root or where.thread
        user, team, claim = str(route["user"]), str(route["team"]), self.claims.of(where.channel, root)
        return Pen(self.calls, where.channel, root, reply.run_id, user, team, self.begun, claim)

    def _placed(self, reply: Reply, board: Board) -> Placed:
        where = reply.conversation
        talk = [Conversation(where.platform, where.workspace, where.channel, board.root)] if board.root else []
        return Placed(board.state(), conversations=talk)

    async def _looked_up(self, reply: Reply, board: Board, *, over: bool) -> Board:
        """Which messages the thread has of this reply; what they show may have changed since it was recorded.

        A stream that was interrupted cannot be gone on with: nobody knows what of it arrived. It is ended, and its
        message is edited from then on.
        """
        channel, after = reply.conversation.channel, _since(reply)
        if "ask" in reply.route and not board.root:
            thread = str(reply.route["ask"].get("thread", ""))
            posted = await reading.question(self.calls, self.me, channel, reply.run_id, after, thread)
            if not posted:
                return board
            board = replace(board, root=thread or posted)
        pen = self._pen(reply, board)
        for ts in [ts for ts, run_id in self.begun.items() if run_id == reply.run_id]:
            del self.begun[ts]
            self.calls.streams.over()
        segments: list[Segment] = []
        for message in await self._claimed(pen, after):
            if message.part is None:
                going = not over and self.working.usual == "session"
                await self._end(pen, message.ts, len(segments), "processing" if going else "")
            segments.append(Segment(message.ts))
        form = "edit" if segments else board.form if board.form != "stream" else ""
        at_work = over or (segments and not board.asking)
        waiting = board.waiting or (self.working.usual if at_work else "")
        if segments and waiting == "status" and self.working.usual == "session":
            waiting = "both"  # with the end of a broken stream the session went on, perhaps at an earlier attempt
        return replace(board, segments=tuple(segments), form=form, waiting=waiting, cuts=(), tasks={})

    async def _claimed(self, pen: Pen, after: str) -> list[Ours]:
        """The run's messages. One that a stream began bears no sign of its run: of several replies that are not
        delivered yet, the first one to see it has it.
        """
        async with pen.claim:
            found = await reading.ours(self.calls, self.me, pen.channel, pen.root, pen.run_id, after)
            own = [one for one in found if one.part is not None or self._of(one.ts, pen.run_id) == {pen.run_id}]
            for one in own:
                self.whose.put(one.ts, pen.run_id)
        return own

    def _of(self, ts: str, run_id: str) -> set[str]:
        """The runs that are known to have a message; this one where none is."""
        return {known.get(ts, run_id) for known in (self.begun, self.whose)}

    async def _end(self, pen: Pen, ts: str, number: int, status: str) -> None:
        try:
            await pen.stop(ts, number, status=status)
        except SlackError as error:
            if error.error not in GONE:
                raise

    async def _posted_question(self, reply: Reply, board: Board) -> Board:
        """Show a question that came by a command or a form. It begins a thread, where people may go on at once, unless
        it is about a message that has one.
        """
        where, asked = reply.conversation, reply.route["ask"]
        metadata = {"event_type": QUESTION, "event_payload": {"run": reply.run_id}}
        message = {"channel": where.channel, "text": asked["text"], "metadata": metadata, "unfurl_links": False}
        message["thread_ts"] = asked.get("thread")
        answer = await self.calls.call("chat.postMessage", message, rank=Rank.FINAL, channel=where.channel)
        board = replace(board, root=asked.get("thread") or str(answer["ts"]))
        await reply.record(replace(self._placed(reply, board), undecided=True))  # the answer's first message follows
        return board


def _stays(view: View) -> bool:
    """It is not on the way to another one: it has to be shown, whatever that takes."""
    return view.outcome is not None or bool(view.asks)


def _telling(view: View, board: Board) -> View:
    """What is known of files that could not be shown stands below the answer."""
    return replace(view, remarks=(*view.remarks, board.unshown)) if board.unshown else view


def _since(reply: Reply) -> str:
    """The moment after which messages of ours may belong to the reply, as a `ts`.

    A question that is no message of its own has a moment of our clock, which need not agree with Slack's.
    """
    ts = str(reply.route["ts"])
    return f"{float(ts) - SKEW:.6f}" if reply.route.keys() & {"ask", "joined"} else ts


def _next_call(board: Board) -> str:
    """The method that the next state on the way goes by; empty where it has to begin a message."""
    if board.open:
        return APPEND
    return UPDATE if board.form == "edit" and board.segments else ""
