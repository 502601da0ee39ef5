"""Answers that need several messages, take longer than a stream lives, or would notify people."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from adapters.slack.markdown import to_slack
from bot.models.port import Call, ModelError, Turn
from tests.scripted_model import Gate
from tests.simulators.slack import Post
from tests.slack_parley import JUDGED, Scene, scene

FENCE = re.compile(r"`{3}\w*")
HEAD = ("| Place | Degrees | Sky |", "|---|---:|---|")


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path / "p.db") as made:
        yield made


def report() -> str:
    """60,000 characters of everything that a model writes."""
    table = "\n".join(f"| Place {row} | {row % 40 - 10} | cloudy & <{row}> |" for row in range(300))
    parts = ["# The report", "\n".join([*HEAD, table])]
    while sum(map(len, parts)) < 60_000:
        number = len(parts)
        parts.append(f"## Chapter {number}\n\n" + "It snowed *all* day, and a < b. " * 12)
        parts.append("\n".join(f"{'  ' * (item % 3)}- item {number}.{item}" for item in range(20)))
        parts.append("```python\n" + "\n".join(f"    snow[{number}] += {row}  # <b>" for row in range(60)) + "\n```")
        parts.append("\n".join([*HEAD, f"| Oslo {number} | {number} | snow |"]))
    return "\n\n".join(parts)


def bare(text: str) -> str:
    """Without fences, heads of tables and blanks, which is all that may be there twice."""
    lines = [line for line in text.split("\n") if not FENCE.fullmatch(line.strip()) and line.strip() not in HEAD]
    return "".join("".join(lines).split())


def is_readable(post: Post) -> bool:
    """Its fences are balanced, and each of its tables has a head."""
    lines = post.text.split("\n")
    fences = sum(bool(FENCE.fullmatch(line.strip())) for line in lines)
    rows = [at for at, line in enumerate(lines) if line.startswith("|")]
    tables = [at for at in rows if at - 1 not in rows]
    return fences % 2 == 0 and all(tuple(lines[at : at + 2]) == HEAD for at in tables)


async def passing(chat: Scene, condition: Callable[[], object]) -> None:
    """Let time pass, a second after each thing that happens, until `condition` holds."""
    for _ in range(200):
        if condition():
            return
        chat.clock.advance(1)
        done = len(chat.workspace.calls)

        def moved(done: int = done) -> bool:
            return bool(condition()) or len(chat.workspace.calls) > done

        with suppress(TimeoutError):
            await chat.workspace.until(moved, seconds=0.1)
    raise TimeoutError(chat.workspace.dump())


def is_over(chat: Scene, asked: Post) -> bool:
    session = chat.workspace.session(chat.general, asked)
    posts = chat.posts(asked)
    return bool(session and session.history[-1:] == ["active"] and posts and not any(post.streaming for post in posts))


def without_streams(chat: Scene, form: str) -> None:
    if form == "edit":
        chat.workspace.offers(streaming=False)
    elif form == "whole":
        chat.workspace.fails("chat.startStream", status=429)


def spoken(chat: Scene, text: str, pieces: int, pauses: int) -> list[Gate]:
    """The model says `text` in so many pieces, with so many pauses."""
    step = -(-len(text) // pieces)
    deltas = [text[at : at + step] for at in range(0, len(text), step)]
    gates = [Gate() for _ in range(pauses)]
    acts: list[str | Gate | Turn] = [*deltas]
    for number, gate in enumerate(gates):
        acts.insert((number + 1) * len(deltas) // (pauses + 1) + number, gate)
    chat.model.act(*acts, Turn(text))
    return gates


def longer(chat: Scene, asked: Post, shown: int) -> bool:
    return sum(len(post.text) for post in chat.posts(asked)) > shown


async def heard(chat: Scene, asked: Post, gates: list[Gate], seconds: float) -> None:
    """Pass through the pauses; each takes so many seconds, and what came before it is shown."""
    shown = 0
    for gate in gates:
        async with asyncio.timeout(20):
            await gate.reached.wait()
        await passing(chat, partial(longer, chat, asked, shown))
        shown = sum(len(post.text) for post in chat.posts(asked))
        chat.clock.advance(seconds)
        gate.open()


# -- long -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["stream", "edit", "whole"])
@pytest.mark.parametrize("pieces", [1, 600])
async def test_a_very_long_answer_arrives_whole_and_readable(chat: Scene, form: str, pieces: int) -> None:
    text = report()
    without_streams(chat, form)
    gates = spoken(chat, text, pieces, 0 if pieces == 1 or form == "whole" else 10)
    async with chat.parley():
        asked = await chat.asks()
        await heard(chat, asked, gates, 2.0)
        await passing(chat, lambda: is_over(chat, asked))
        posts = chat.posts(asked)
    assert bare("\n".join(post.text for post in posts)) == bare(to_slack(text, final=True))
    assert len(posts) <= 8
    assert all(is_readable(post) for post in posts)
    assert [len(post.blocks) > 1 or post.stream is not None for post in posts][-1]
    assert [call.error for call in chat.workspace.calls if call.error] in ([], ["unknown_method"], ["ratelimited"])


async def test_thumbs_are_under_the_last_message_only(chat: Scene) -> None:
    chat.model.say(report())
    async with chat.parley():
        asked = await chat.asks()
        await passing(chat, lambda: is_over(chat, asked))
    kinds = [[block["type"] for block in post.blocks if block["type"] != "markdown"] for post in chat.posts(asked)]
    assert kinds == [*[[]] * (len(kinds) - 1), JUDGED]


# -- slow -----------------------------------------------------------------------------------------------------------


def slow_code(lines: int) -> str:
    return "Here:\n\n```python\n" + "\n".join(f"snow = {number}" for number in range(lines)) + "\n```\n\nThat is all."


@pytest.mark.parametrize("pause", [30.0, 50.0])
async def test_an_answer_that_takes_longer_than_a_stream_goes_on_in_a_fresh_message(chat: Scene, pause: float) -> None:
    text = slow_code(200)
    gates = spoken(chat, text, 40, 9)
    async with chat.parley():
        asked = await chat.asks()
        await heard(chat, asked, gates, pause)
        await passing(chat, lambda: is_over(chat, asked))
        posts = chat.posts(asked)
    assert len(posts) == 2
    assert all(is_readable(post) for post in posts)
    assert posts[1].text.startswith("```python\nsnow = ")
    assert bare("\n".join(post.text for post in posts)) == bare(text)
    assert [post.stream_state for post in posts] == ["completed", "completed"]
    assert chat.workspace.count("chat.update") == 0


async def test_a_session_goes_on_while_an_answer_changes_its_message(chat: Scene) -> None:
    gates = spoken(chat, slow_code(200), 40, 9)
    async with chat.parley():
        asked = await chat.asks()
        await heard(chat, asked, gates, 30.0)
        await passing(chat, lambda: is_over(chat, asked))
        session = chat.workspace.session(chat.general, asked)
    assert session
    assert set(session.history[:-1]) == {"processing"}


async def test_one_long_line_is_divided_before_its_stream_dies(chat: Scene) -> None:
    text = " ".join(f"word{number}" for number in range(2_000))
    gates = spoken(chat, text, 40, 9)
    async with chat.parley():
        asked = await chat.asks()
        await heard(chat, asked, gates, 31.0)
        await passing(chat, lambda: is_over(chat, asked))
        posts = chat.posts(asked)
    assert len(posts) > 1
    assert {post.stream_state for post in posts} == {"completed"}
    assert bare("".join(post.text for post in posts)) == bare(text)


# -- broken off -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["stream", "edit", "whole"])
@pytest.mark.parametrize("code", ["```python\nsnow = 1", "```python\nsnow = 1\n", "> ~~~\n> snow"])
async def test_a_notice_stands_outside_of_code_that_was_broken_off(chat: Scene, form: str, code: str) -> None:
    without_streams(chat, form)
    gate = Gate()
    chat.model.act(f"Here:\n\n{code}", gate, ModelError("The model is gone."))
    async with chat.parley():
        asked = await chat.asks()
        async with asyncio.timeout(20):
            await gate.reached.wait()
        gate.open()
        await passing(chat, lambda: is_over(chat, asked))
        (answer,) = chat.posts(asked)
    above, _, notice = answer.text.rpartition("\n\n")
    assert notice == "The model is gone."
    assert above.rstrip().endswith(("\n```", "\n> ~~~"))


# -- pings ----------------------------------------------------------------------------------------------------------

CODE = "<!channel> <@U0000001> <!subteam^S1|@all> <#C0000001>"
LOUD = f"{CODE} @here @channel `<!here>` [<!everyone>](https://x.example) &lt;!here&gt;"


@pytest.mark.parametrize("form", ["stream", "edit", "whole"])
async def test_nothing_that_notifies_gets_through(chat: Scene, form: str) -> None:
    without_streams(chat, form)
    gate = Gate()
    loud = f"{LOUD}\n\n```\n{CODE}\n```\n\n| a |\n|---|\n| {LOUD} |"
    chat.model.act("Wait. ", Turn("Wait. ", calls=[Call("call_1", "<!channel>", "{}"), Call("call_2", "@here", "{}")]))
    chat.model.act(loud, gate, ModelError(f"Gone: {LOUD}"))
    async with chat.parley():
        asked = await chat.asks(f"rain, {LOUD}?")
        async with asyncio.timeout(20):
            await gate.reached.wait()
        gate.open()
        await passing(chat, lambda: is_over(chat, asked))
    sent = json.dumps([call.arguments for call in chat.workspace.calls], ensure_ascii=False)
    assert re.findall(r"<[!@#]\w+", sent) == []
    assert re.findall(r"(?<!\w)@(?:here|channel|everyone)", sent) == []
    assert "Gone:" in chat.posts(asked)[-1].text
