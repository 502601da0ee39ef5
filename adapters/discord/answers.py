"""Brings replies to Discord: finds the place where each stands, and says when a state on the way may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from adapters.discord import reading
from adapters.discord.acknowledging import Acknowledging
from adapters.discord.attaching import finish
from adapters.discord.board import Board, Segment
from adapters.discord.calls import Calls, DiscordError, Route
from adapters.discord.components import runs_of
from adapters.discord.errors import NO_ACCESS, NO_REPLY, THREAD_EXISTS, TOKEN_OVER, UNKNOWN_MESSAGE
from adapters.discord.hearing import DIRECT, Me
from adapters.discord.pen import Pen, Sheet, Ticket, direct
from adapters.discord.routes import CHANNEL, THREADS, TYPING, bucket_of
from adapters.discord.showing import Showing, Site, lasting
from adapters.pace import Clock, Rank
from adapters.remembered import Recent
from adapters.turns import Turns
from bot.ports import Placed, Reply
from bot.view import View

UNTITLED = "Question"
"""The name of a thread for a question without words."""

SHORT = 10.0
"""Seconds that a question waits for its thread; for longer it is rather answered in the channel."""

REMEMBERED = 2_000

LINK = "https://discord.com/channels/{server}/{channel}/{message}"
"""https://docs.discord.com/developers/reference#message-formatting"""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Answers:
    calls: Calls
    me: Me
    clock: Clock
    acknowledging: Acknowledging
    over: set[str] = field(default_factory=set)
    """The interactions whose response Discord takes no more, of the replies in the making."""
    excused: Recent[str, None] = field(default_factory=lambda: Recent(REMEMBERED))
    """The runs of which somebody was told that something cannot be posted: once is enough."""
    opening: Turns = field(default_factory=Turns)
    """One thread a channel is opened at a time: only the answer to one tells whether there is room for the next."""

    async def ready(self, reply: Reply, placed: Placed) -> None:
        """Wait until a state on the way may be shown: each answer in its own rhythm, all inside Discord's rates."""
        board = Board.read(placed.state)
        if board.segments:
            pen = self._pen(reply, board)
            await self.calls.wait(_newest(pen, board), everywhere=pen.ticket is None)

    async def render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        try:
            return await self._render(reply, view, placed)
        except DiscordError as error:
            if error.permanent and _is_given_up(view) and reply.run_id not in self.excused:
                await self._excuse(reply, error, "a question" if view.asks else "an answer")
            raise
        finally:
            if view.outcome is not None:
                self.over.discard(str(reply.route.get("command", "")))

    async def _render(self, reply: Reply, view: View, placed: Placed) -> Placed:
        if command := str(reply.route.get("command", "")):
            await self.acknowledging.over(command)
        board = await self._begun(reply, Board.read(placed.state), again=placed.undecided)
        if placed.undecided:
            board = await self._looked_up(reply, board.unsure(), view)
        elif view.asks and board.segments:  # it may be shown once more since somebody deleted what can be pressed
            board = board.with_segment(len(board.segments) - 1, Segment(board.segments[-1].id))
        if not (_stays(view) or board.response or board.segments):
            await self._typing(board.place)
        showing = self._showing(reply, board, view)
        while True:
            try:
                await self._bring(reply, showing, view)
                break
            except DiscordError as error:
                other = await self._elsewhere(reply, showing, error)  # each way is taken once
                if other is None:
                    raise
                showing = other
        if _stays(view):
            await self._point_at(reply, showing.board)
            if showing.board.opened and not showing.board.segments:
                await self._put_away(showing.pen)
        return Placed(showing.board.state(), conversations=_site(reply, showing.board).conversations(showing.board))

    def _showing(self, reply: Reply, board: Board, view: View) -> Showing:
        pen = self._pen(reply, board)
        turn = _newest(pen, board) if board.segments and not _stays(view) else ""
        return Showing(pen, board, reply, _site(reply, board), single=_is_private(reply) and board.response, turn=turn)

    async def _bring(self, reply: Reply, showing: Showing, view: View) -> None:
        if _stays(view):
            await finish(showing, view, self.clock)
        elif not showing.board.response or view.text.strip() or view.status_lines or showing.board.segments:
            await showing.go_on(view)  # a response that says nothing yet is shown by Discord as thinking

    def _pen(self, reply: Reply, board: Board) -> Pen:
        route = reply.route
        beside = (board.place == str(route["at"]) and "open" in route) or "reply" in route
        ticket = self._ticket(route) if board.response else None
        return Pen(self.calls, board.place, reply.run_id, ticket, str(route.get("message", "")) if beside else "")

    def _ticket(self, route: Mapping[str, Any]) -> Ticket | None:
        """What lets the response to a route's command be written; None where there is none, or its time is over."""
        command = str(route.get("command", ""))
        ticket = Ticket(self.me.application, command, str(route.get("secret", ""))) if command else None
        return ticket if ticket and command not in self.over and ticket.is_good(self.clock.now()) else None

    # -- where it stands ----------------------------------------------------------------------------------------

    async def _begun(self, reply: Reply, board: Board, *, again: bool) -> Board:
        """The place of the reply. `again`: it may have been begun already."""
        route = reply.route
        if not board.place:
            board = Board(str(route["at"]), response="command" in route)
            if "open" in route:
                async with self.opening.of(board.place, ""):
                    board = await self._opened(reply, again=again)
                if board.place == str(route["at"]):  # another time there may be room for a thread
                    await reply.record(Placed(board.state(), undecided=True))
        if board.response and self._ticket(route) is None:
            board = await self._without_response(reply, board)
        return board

    async def _opened(self, reply: Reply, *, again: bool) -> Board:
        """The thread of a question, which has the question's id; the channel where none can be opened.

        https://docs.discord.com/developers/resources/channel#start-thread-from-message
        """
        at, question = str(reply.route["at"]), str(reply.route["message"])
        route = Route("POST", THREADS, channel_id=at, message_id=question)
        if not self.calls.room(bucket_of(route)):
            return await self._without_thread(at, question, again=again, code=429)
        try:
            named = {"name": reply.route.get("said") or UNTITLED}
            await self.calls.call(route, rank=Rank.FINAL, json=named, sure=True, patient=False)
        except DiscordError as error:
            if error.code == THREAD_EXISTS:
                return Board(question)
            if not (error.permanent or (error.limited and (error.retry_after or 0.0) > SHORT)):
                raise
            return await self._without_thread(at, question, again=again, code=error.code or error.status)
        return Board(question, opened=True)

    async def _without_thread(self, at: str, question: str, *, again: bool, code: int) -> Board:
        """Where a thread cannot be opened now, there may be one from before."""
        if again:
            try:
                await self.calls.call(Route("GET", CHANNEL, channel_id=question), rank=Rank.FINAL, sure=True)
                return Board(question)
            except DiscordError as error:
                if not error.permanent:
                    raise
        log.info("no thread opened, answering in the channel", code=code)
        return Board(at)

    async def _typing(self, place: str) -> None:
        """https://docs.discord.com/developers/resources/channel#trigger-typing-indicator"""
        route = Route("POST", TYPING, channel_id=place)
        if not self.calls.room(bucket_of(route)):
            return
        try:
            await self.calls.call(route, rank=Rank.FINAL, patient=False)
        except DiscordError as error:
            log.info("typing not shown", code=error.code)

    async def _elsewhere(self, reply: Reply, showing: Showing, error: DiscordError) -> Showing | None:
        """Another way to show a reply, where Discord does not take it as it was tried; None where there is none."""
        board, route = showing.board, reply.route
        if board.response and error.code in (*TOKEN_OVER, UNKNOWN_MESSAGE):  # the time is over, or it was deleted
            self.over.add(str(route["command"]))
            board = await self._without_response(reply, board)
            return Showing(self._pen(reply, board), board, reply, _site(reply, board))
        if error.code in NO_REPLY and showing.pen.answers:
            return Showing(replace(showing.pen, answers=""), board, reply, _site(reply, board))
        if error.code not in NO_ACCESS:
            return None
        if showing.attaching and not showing.single:
            return Showing(showing.pen, board, reply, _site(reply, board), attach=False)
        if board.response and not showing.single:
            return Showing(showing.pen, board, reply, _site(reply, board), single=True)
        if "open" in route and board.place != str(route["at"]) and not board.segments:
            board = Board(str(route["at"]))
            await reply.record(Placed(board.state(), undecided=True))
            return Showing(self._pen(reply, board), board, reply, _site(reply, board))
        return None

    async def _without_response(self, reply: Reply, board: Board) -> Board:
        """Where a reply goes on when its command can no longer be responded to: in the channel, or where only one
        person was to see it in a direct conversation with that one.
        """
        if _is_private(reply):
            board = Board(await direct(self.calls, str(reply.route["user"])))
            await reply.record(Placed(board.state(), undecided=True))
            return board
        if not board.segments:
            await self._remove_thinking(Pen(self.calls, board.place, reply.run_id), str(reply.route["command"]))
        return replace(board, response=False)

    async def _remove_thinking(self, pen: Pen, command: str) -> None:
        """A response that says nothing but that Parley is thinking can only be deleted."""
        for message in await reading.ours(self.calls, self.me.user, pen.place, command):
            if _responds_to(message, command):
                try:
                    await pen.delete(str(message["id"]))
                except DiscordError as error:
                    log.info("what says that Parley is thinking was not removed", code=error.code)

    # -- what is there ------------------------------------------------------------------------------------------

    async def _looked_up(self, reply: Reply, board: Board, view: View) -> Board:
        """The messages of the reply that are there and were not recorded: those with its own button, and in the end the
        one that says what is to be said next.
        """
        if _is_private(reply) and board.response:
            return board
        since, known = str(reply.route.get("message") or reply.route["command"]), {one.id for one in board.segments}
        found = await reading.ours(self.calls, self.me.user, board.place, since)
        new = [one for one in found if str(one["id"]) not in known and not one.get("interaction_metadata")]
        for message in new:
            if reply.run_id in runs_of(message):
                board = board.with_segment(len(board.segments), Segment(str(message["id"])))
                known.add(str(message["id"]))
        texts, number = lasting(view) if _stays(view) else [], len(board.segments)
        answers = self._pen(reply, board).answers if number == 0 else ""
        for message in new if number < len(texts) else ():
            if str(message["id"]) not in known and _says(message, texts[number], answers):
                return board.with_segment(number, Segment(str(message["id"])))
        return board

    # -- the end ------------------------------------------------------------------------------------------------

    async def _point_at(self, reply: Reply, board: Board) -> None:
        """Several commands may be answered together: the responses to those before the newest say where, or go."""
        for route in reply.routes[:-1]:
            if "command" not in route:
                continue
            await self.acknowledging.over(str(route["command"]))
            ticket = self._ticket(route)
            pen = Pen(self.calls, str(route["at"]), reply.run_id, ticket)
            try:
                if ticket is None:
                    await self._remove_thinking(pen, str(route["command"]))
                elif board.segments:
                    server, shown = reply.conversation.workspace, board.segments[0].id
                    link = LINK.format(server=server, channel=board.place, message=shown)
                    await pen.respond(Sheet(f"Answered together with the next question: {link}"))
                else:
                    await pen.take_back()
            except DiscordError as error:
                log.info("response not settled", code=error.code)

    async def _put_away(self, pen: Pen) -> None:
        """The question was deleted before the answer: what is left of its thread is archived."""
        try:
            await pen.archive()
        except DiscordError as error:
            log.info("thread not archived", code=error.code)

    async def _excuse(self, reply: Reply, error: DiscordError, what: str) -> None:
        """Tell the one who asked that an answer or a question cannot be posted, if at least that can be."""
        sentence = f"I have {what} for you, but Discord does not let me post it there ({error.code or error.status})."
        ticket = self._ticket(reply.route)
        try:
            if ticket is not None:
                await Pen(self.calls, "", reply.run_id, ticket).respond(Sheet(sentence))
            else:
                place = await direct(self.calls, str(reply.route["user"]))
                await Pen(self.calls, place, reply.run_id).send(Sheet(sentence), -1, 0)
        except DiscordError as problem:
            log.info("not told either", code=problem.code)
        else:
            self.excused.put(reply.run_id, None)


def _site(reply: Reply, board: Board) -> Site:
    where = reply.conversation
    private, direct = _is_private(reply), where.workspace == DIRECT
    among_others = not (private or direct) and board.place == where.channel
    moved = private and not board.response
    return Site(where, is_told=among_others or moved, among_others=among_others, apart=moved and not direct)


def _is_private(reply: Reply) -> bool:
    return bool(reply.route.get("private"))


def _stays(view: View) -> bool:
    """Whether nothing comes after it by itself: the last state, and one in which people are asked."""
    return view.outcome is not None or bool(view.asks)


def _is_given_up(view: View) -> bool:
    """Whether this is not tried again where Discord refuses it. People are asked while other tools are at work still:
    when these are done, it is.
    """
    if view.asks:
        return all(line.state != "running" for line in view.status_lines)
    return view.outcome is not None and bool(view.whole)


def _newest(pen: Pen, board: Board) -> str:
    """The bucket of the message that the next state on the way goes into."""
    return pen.where("" if board.response and len(board.segments) == 1 else board.segments[-1].id)


def _says(message: Mapping[str, Any], text: str, answers: str) -> bool:
    """Whether a message without buttons says this, in reply to that question where it must."""
    to = str((message.get("message_reference") or {}).get("message_id") or "")
    said = str(message.get("content") or "").strip()
    return not runs_of(message) and said == text.strip() and (not answers or to == answers)


def _responds_to(message: Mapping[str, Any], command: str) -> bool:
    return str((message.get("interaction_metadata") or {}).get("id", "")) == command
