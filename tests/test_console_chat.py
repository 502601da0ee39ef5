"""The chat in a terminal, typed into a pipe and read off a screen that keeps plain text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from adapters.console import ChatConsole
from adapters.console.chat import _tail
from adapters.console.who import HELP
from bot.errors import StoreError
from bot.ports import Document, Placed
from bot.view import StatusLine, View
from tests.desk import Answer, Desk

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"


class Screen(DummyOutput):
    """Keeps what is printed above the prompt. The prompt itself is drawn while the cursor is hidden."""

    def __init__(self) -> None:
        self.text, self.columns = "", 1_000
        self.changed = asyncio.Event()
        self._drawing = False

    def hide_cursor(self) -> None:
        self._drawing = True

    def show_cursor(self) -> None:
        self._drawing = False

    def write(self, data: str) -> None:
        if not self._drawing:
            self.text += data.replace("\r", "")
            self.changed.set()

    def get_size(self) -> Size:
        return Size(rows=24, columns=self.columns)


@dataclass(slots=True)
class Chat:
    console: ChatConsole
    keyboard: PipeInput
    screen: Screen
    desk: Desk
    talking: asyncio.Task[None]

    def type(self, text: str) -> None:
        self.keyboard.send_text(text)

    async def show(self, *views: View, answer: Answer | None = None, placed: Placed | None = None) -> None:
        for view in views:
            placed = await self.console.render(answer or Answer(), view, placed or Placed())

    async def until(self, shown: str | Callable[[], object]) -> None:
        """Wait until a text is on the screen, or something else holds."""
        async with asyncio.timeout(60):
            while not (shown in self.screen.text if isinstance(shown, str) else shown()):
                self.screen.changed.clear()
                self.desk.came.clear()
                waits = [asyncio.ensure_future(event.wait()) for event in (self.screen.changed, self.desk.came)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()

    async def printed(self, end: str) -> list[str]:
        """The lines above the prompt, after the greeting and up to the one that ends with `end`."""
        await self.until(f"{end}\n")
        return self.screen.text.split("Welcome.\n", 1)[1].rstrip("\n").split("\n")

    def below(self) -> str:
        """What the prompt's own area shows."""
        return fragment_list_to_text(self.console._prompt())


@asynccontextmanager
async def chat_with(history: Path | None = None, folder: Path | None = None) -> AsyncIterator[Chat]:
    screen, desk = Screen(), Desk()
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=screen):
        console = ChatConsole("Welcome.", history, folder, source=keyboard, screen=screen)
        await console.start(desk)
        talking = asyncio.create_task(console.talk())
        chat = Chat(console, keyboard, screen, desk, talking)
        await chat.until("Welcome.")
        yield chat
        if not talking.done():
            chat.type(CTRL_C + "/quit" + ENTER)
        async with asyncio.timeout(60):
            await talking
        await console.stop_intake()
        await console.close()


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with chat_with() as made:
        yield made


def calling(*tools: str, text: str = "", done: Collection[str] = ()) -> View:
    return View(tuple(StatusLine(f"call_{name}", name, "done" if name in done else "running") for name in tools), text)


def ended(text: str, notice: str = "") -> View:
    return View(text=text, outcome="cancelled" if notice else "completed", notice=notice)


# -- answers -------------------------------------------------------------------------------------------------------


async def test_an_answer_is_printed_in_whole_lines_and_the_one_being_written_stands_below(chat: Chat) -> None:
    await chat.show(View())
    assert chat.below() == "thinking…\n› "
    await chat.show(View(text="One\nTw"))
    assert await chat.printed("One") == ["One"]
    assert chat.below() == "Tw\n› "
    await chat.show(View(text="One\nTwo\n\nThree"), ended("One\nTwo\n\nThree."))
    assert await chat.printed("Three.") == ["One", "Two", "", "Three."]
    assert chat.below() == "› "


async def test_a_call_is_told_once_and_in_its_place(chat: Chat) -> None:
    text = "I look it up."
    views = [calling("forecast", text=text), calling("forecast", "tide", text=text, done=["forecast"])]
    await chat.show(
        View(text="I look"), *views, View(views[-1].status_lines, f"{text}\n\nCo"), ended(f"{text}\n\nCold.")
    )
    assert await chat.printed("Cold.") == [text, "calling forecast…", "calling tide…", "", "Cold."]


async def test_calls_that_are_over_when_they_are_first_seen_do_not_cut_the_text(chat: Chat) -> None:
    await chat.show(calling("forecast", text="It is", done=["forecast"]), ended("It is cold."))
    assert await chat.printed("It is cold.") == ["calling forecast…", "It is cold."]


async def test_lines_are_broken_between_words(chat: Chat) -> None:
    chat.screen.columns = 60
    words = "You can add files that can be searched for all with “files add”, or here."
    path = f"/tmp/{'a' * 60}/chart-1.png"
    await chat.show(View(text=f"{words}\n"), ended(f"{words}\nA file: {path} is there."))
    assert await chat.printed("is there.") == [
        "You can add files that can be searched for all with “files",
        "add”, or here.",
        "A file:",
        path,
        "is there.",
    ]


@pytest.mark.parametrize(
    "kept", [["```", "{0}", "```"], ["~~~", "", "  {0}", "~~~"], ["> ```", "> {0}", "> ```"], ["    {0}"], ["| {0} |"]]
)
async def test_code_and_tables_are_printed_in_the_lines_that_they_have(chat: Chat, kept: list[str]) -> None:
    chat.screen.columns = 60
    long = "word " * 20 + "end"
    lines = [line.format(long) for line in kept]
    view = View(text="\n".join([*lines[:2], ""])) if len(lines) > 1 else View()
    await chat.show(view, ended("\n".join([*lines, "After it", long])))
    printed = await chat.printed("end")
    assert printed[: len(lines)] == lines
    assert printed[len(lines) :][:2] == ["After it", ("word " * 12).rstrip()]


async def test_replaced_text_begins_anew(chat: Chat) -> None:
    await chat.show(View(text="Wrong\nst"), View(), View(text="Right\n"), ended("Right\nstory."))
    assert await chat.printed("story.") == ["Wrong", "The answer begins anew:", "Right", "story."]


async def test_an_unfinished_line_that_is_replaced_leaves_no_trace(chat: Chat) -> None:
    await chat.show(View(text="Wro"), View(text="Rig"), ended("Right."))
    assert await chat.printed("Right.") == ["Right."]


async def test_an_answer_that_did_not_complete_ends_with_its_notice(chat: Chat) -> None:
    await chat.show(View(text="Half a li"), ended("Half a line", notice="Stopped."))
    assert await chat.printed("Stopped.") == ["Half a line", "", "Stopped."]


async def test_remarks_are_printed_once_under_the_whole_answer(chat: Chat) -> None:
    remarks = ["film.mov was not read."]
    await chat.show(View(text="One\nTw", remarks=remarks), View(text="One\nTwo\nTh", remarks=remarks))
    await chat.show(View(text="One\nTwo\nThree.", outcome="completed", remarks=remarks))
    assert await chat.printed("was not read.") == ["One", "Two", "Three.", "", "film.mov was not read."]


async def test_an_answer_that_an_earlier_process_began_is_announced(chat: Chat) -> None:
    await chat.show(View(text="Co"), ended("Cold."), placed=Placed(undecided=True))
    assert await chat.printed("Cold.") == ["Going on with the answer that was broken off:", "Cold."]


async def test_answers_wait_for_the_greeting() -> None:
    screen = Screen()
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=screen):
        console = ChatConsole("Welcome.", source=keyboard, screen=screen)
        showing = asyncio.create_task(console.render(Answer(), ended("Cold."), Placed(undecided=True)))
        keyboard.send_text("/quit" + ENTER)
        await console.talk()
        await showing
    assert screen.text.split("\n")[::2] == ["Welcome.", "Cold.", ""]


def test_the_line_being_written_is_broken_as_a_narrow_terminal_breaks_it() -> None:
    assert _tail("abcdefgh", columns=3, most=9) == "abc\ndef\ngh"
    assert _tail("abcdefgh", columns=3, most=2) == "def\ngh"
    assert _tail("日本語", columns=5, most=9) == "日本\n語"
    assert _tail("", columns=5, most=9) == ""
    assert _tail("ab cd efghijklm", columns=5, most=9) == "ab cd\nefghi\njklm"


# -- the person ----------------------------------------------------------------------------------------------------


async def test_lines_go_to_the_core_and_stay_on_the_screen(chat: Chat) -> None:
    chat.type(f"  How is Oslo? {ENTER} {ENTER}And Rome?{ENTER}")
    await chat.until(lambda: len(chat.desk.accepted) == 2)
    assert chat.desk.accepted == ["How is Oslo?", "And Rome?"]
    assert await chat.printed("And Rome?") == ["› How is Oslo?", "› And Rome?"]


async def test_commands_go_to_the_core_and_are_answered(chat: Chat) -> None:
    chat.type(f"/tools disable tide here{ENTER}/threads{ENTER}")
    assert await chat.printed("/threads\nDone.") == ["› /tools disable tide here", "Done.", "› /threads", "Done."]
    assert chat.desk.commands == ["tools disable tide here", "threads"]


async def test_help_is_that_of_every_platform_and_what_a_terminal_has_beside_it(chat: Chat) -> None:
    chat.desk.reply = "new — begin anew\nhelp — this list"
    chat.type(f"/help{ENTER}")
    listed = ["/new — begin anew", "/help — this list", *HELP.splitlines()]
    assert await chat.printed(listed[-1]) == ["› /help", *listed]


async def test_a_store_that_fails_is_told_and_the_chat_goes_on(chat: Chat) -> None:
    chat.desk.fault = StoreError("The database is locked.")
    chat.type(f"Hi{ENTER}")
    assert await chat.printed("try again.") == ["› Hi", "The database is locked. Please try again."]
    chat.desk.fault = None
    chat.type(f"Hi{ENTER}")
    await chat.until(lambda: chat.desk.accepted)


async def test_ctrl_c_stops_the_run_and_not_the_program(chat: Chat) -> None:
    chat.desk.reply = "Stopped."
    await chat.show(View(text="Well"))
    chat.type(f"next{CTRL_C}")
    await chat.until(lambda: chat.desk.commands)
    await chat.show(ended("Well", notice="Stopped."))
    assert await chat.printed("Stopped.") == ["Well", "", "Stopped."]
    chat.type(ENTER)
    await chat.until(lambda: chat.desk.accepted)
    assert (chat.desk.commands, chat.desk.accepted) == (["stop"], ["next"])


async def test_ctrl_c_without_a_run_clears_the_line(chat: Chat) -> None:
    chat.type(f"nonsense{CTRL_C}sense{ENTER}")
    await chat.until(lambda: chat.desk.accepted)
    assert (chat.desk.accepted, chat.desk.commands) == (["sense"], [])


@pytest.mark.parametrize("keys", [CTRL_C, f"/stop{ENTER}"])
async def test_with_nothing_to_stop_it_says_how_to_leave(chat: Chat, keys: str) -> None:
    chat.desk.reply = "There is nothing to stop here."
    chat.type(keys)
    assert (await chat.printed("/quit."))[-1] == "There is nothing to stop here. Leave with Ctrl-D or /quit."


@pytest.mark.parametrize("keys", [CTRL_D, f"/quit{ENTER}", f"/exit{ENTER}"])
async def test_there_are_ways_to_leave(chat: Chat, keys: str) -> None:
    chat.type(keys)
    async with asyncio.timeout(60):
        await chat.talking
    assert chat.desk.accepted == []


async def test_after_the_end_of_the_intake_nothing_is_taken(chat: Chat) -> None:
    await chat.console.stop_intake()
    chat.type(f"Hi{ENTER}")
    assert await chat.printed("messages.") == ["› Hi", "I am shutting down and take no more messages."]


async def test_what_was_typed_is_kept_between_starts(tmp_path: Path) -> None:
    history = tmp_path / "parley.db.history"
    for text in ("How is Oslo?", "And Rome?"):
        async with chat_with(history) as chat:
            chat.type(f"{text}{ENTER}")
            await chat.printed(f"› {text}")
    newest_first = [line for line in FileHistory(str(history)).load_history_strings() if not line.startswith("/")]
    assert newest_first == ["And Rome?", "How is Oslo?"]


async def test_what_was_typed_is_forgotten_with_what_was_said(tmp_path: Path) -> None:
    history = tmp_path / "parley.db.history"
    async with chat_with(history) as chat:
        chat.type(f"The zebra.{ENTER}")
        await chat.printed("› The zebra.")
        chat.desk.reply = "Say “forget sure”."
        chat.type(f"/forget{ENTER}")
        await chat.printed("Say “forget sure”.")
        assert b"zebra" in history.read_bytes()
        chat.desk.reply, chat.desk.forgot = "Forgotten.", True
        chat.type(f"/forget sure{ENTER}")
        await chat.printed("Forgotten.")
        assert (history.read_bytes(), list(chat.console._history.get_strings())) == (b"", [])
        chat.desk.reply, chat.desk.forgot = "Done.", False
        chat.type(f"/tools list{ENTER}")
        await chat.printed("Done.")
    assert list(FileHistory(str(history)).load_history_strings()) == ["/quit", "/tools list"]


async def test_a_file_is_printed_after_what_the_command_says(chat: Chat) -> None:
    chat.desk.reply, chat.desk.file = "All of it.", Document("it.json", "application/json", b'{\n "a": "\xc3\xbc"\n}\n')
    chat.type(f"/export{ENTER}")
    assert (await chat.printed("}"))[-4:] == ["All of it.", "{", ' "a": "ü"', "}"]


async def test_what_is_in_a_file_keeps_its_lines(chat: Chat) -> None:
    chat.screen.columns = 60
    line = ' "a": "' + "word " * 20 + '"'
    chat.desk.reply, chat.desk.file = "All of it.", Document("it.json", "application/json", f"{{\n{line}\n}}".encode())
    chat.type(f"/export{ENTER}")
    assert (await chat.printed("}"))[-4:] == ["All of it.", "{", line, "}"]
