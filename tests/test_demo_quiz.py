"""The demo model's quiz, on the real tool and in a terminal: what anybody can try without a key."""

from __future__ import annotations

import io
from pathlib import Path

from adapters.console import PipedConsole
from bot.app import running
from bot.models.demo import DemoModel
from bot.models.demo.quiz import feedback
from tests.files import ready
from tests.parley import settings_for


async def chat(path: Path, *lines: str) -> list[str]:
    answers = io.StringIO()
    console = PipedConsole(io.StringIO("".join(f"{line}\n" for line in lines)), answers, io.StringIO())
    async with running(settings_for(ready(path)), [console], model=DemoModel(0)):
        await console.talk()
    return answers.getvalue().splitlines()


async def test_whoever_asks_for_a_quiz_gets_one_and_is_told_what_was_right(tmp_path: Path) -> None:
    told = await chat(tmp_path / "p.db", "Quiz me!", "2", "1", "The fog.")
    assert told[-5:] == [
        "You got 1 of 2 right.",
        "",
        "- At which temperature does fresh water freeze? 0 °C: right.",
        "- Which cloud brings thunderstorms? cumulonimbus: you said cirrus.",
        "- What do you like about the weather where you live? You said: The fog.",
    ]


async def test_a_quiz_that_is_switched_off_is_not_shown(tmp_path: Path) -> None:
    told = await chat(tmp_path / "p.db", "/tools disable display_quiz", "Quiz me!")
    assert not any("freeze" in line for line in told)


async def test_after_a_quiz_the_weather_is_the_weather_again(tmp_path: Path) -> None:
    told = await chat(tmp_path / "p.db", "Quiz me!", "2", "3", "The fog.", "What can you do?")
    assert "display_quiz" in told[-1]


def test_answers_that_are_none_end_the_quiz() -> None:
    assert feedback({"dismissed": "…"}) == feedback([]) == "Then there will be no quiz."
