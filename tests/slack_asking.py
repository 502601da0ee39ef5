"""What people are asked on the simulated Slack: how a test reads it, and answers."""

from __future__ import annotations

from typing import Any

from tests.simulators.slack import Person, Post
from tests.simulators.slack.views import OpenView
from tests.slack_parley import Scene


def elements(post: Post) -> list[dict[str, Any]]:
    """What can be pressed or chosen in a message, but for the thumbs below an answer."""
    return [element for _, element in post.elements() if element["type"] in ("button", "static_select")]


def labels(post: Post) -> list[str]:
    """What its buttons are called, and the options of its menus."""
    pressed = [one for element in elements(post) for one in (element.get("options") or [element])]
    return [str(one["text"]["text"]) for one in pressed]


def newest(chat: Scene, asked: Post) -> Post | None:
    posts = chat.posts(asked)
    return posts[-1] if posts else None


async def offered(chat: Scene, asked: Post, *wanted: str) -> Post:
    """Wait until the thread's newest message offers these, and Stop below them; then nobody is told to wait."""

    def is_there() -> bool:
        post = newest(chat, asked)
        return post is not None and not post.streaming and labels(post) == [*wanted, "Stop"]

    await chat.workspace.until(is_there)
    await chat.workspace.until(lambda: not chat.waits(asked))
    post = newest(chat, asked)
    assert post is not None
    chat.clock.advance(2)  # for the next message in the channel
    return post


async def picks(chat: Scene, post: Post, label: str, who: Person | None = None) -> None:
    await (who or chat.alice).picks(post, label)


async def told(chat: Scene, person: Person | None = None) -> str:
    """What only this person, Alice by default, is told next."""
    wanted = (person or chat.alice).id
    seen = chat.workspace.ephemerals
    await chat.workspace.until(lambda: any(one.user == wanted for one in seen))
    return seen.pop(next(number for number, one in enumerate(seen) if one.user == wanted)).text


async def opened(chat: Scene, post: Post, label: str = "Answer") -> OpenView:
    """The form that a press opens."""
    before = len(chat.workspace.views)
    await picks(chat, post, label)
    await chat.workspace.until(lambda: len(chat.workspace.views) > before)
    return chat.workspace.views[-1]


async def writes(chat: Scene, form: OpenView, text: str, who: Person | None = None) -> None:
    await (who or chat.alice).submits(form, {"answer/words": text})
